import fs from 'node:fs'
import path from 'node:path'
import { dataError } from '../../../src/wire/frame'
import type { FrameBody } from '../../../src/wire/frameFields'
import { syncDirectorySync } from '../../adapters/files'
import type { CopyState } from '../copyState'
import { loadCheckpoint, newCheckpoint, saveCheckpoint, type Checkpoint, type Healing } from './checkpoint'
import { fold, type LogState } from './fold'
import { segmentName, segmentOf } from './format'
import { LogReader, type LogEntry } from './logReader'
import { Segments } from './segments'
import type { LogEnd } from './redoLog'

export interface OpenedLog {
  directory: string
  checkpoint: Checkpoint
  end: LogEnd
  /** Number of the next batch. */
  sequence: number
  /** At the end of the log. */
  state: LogState
  /** The copy is not complete before redo is behind this position with nothing left to heal. */
  incompleteSince: number
  cure: Cure | null
}

/** From here on everything is brought anew: a redo error before it can be passed over. */
export interface Cure {
  position: number
  healing: Exclude<Healing, 'difference' | null>
}

/** Does everything begin anew with this? */
export function cureOf(entry: LogEntry): Cure['healing'] | null {
  if (entry.kind === 'begin') return entry.begin.decision === 'mirror' || entry.begin.decision === 'verify' ? entry.begin.decision : null
  return cureIn(entry.frame.body)
}

export const cureIn = (body: FrameBody): Cure['healing'] | null =>
  body.kind === 'walkBegin' ? 'mirror' : body.kind === 'checkBegin' && body.mode === 'full' ? 'verify' : null

export const redoDirectory = (dataDirectory: string): string => path.join(dataDirectory, 'redo')

/** A session has been received into a log that nobody can read any more: what it held was acknowledged. */
export const logIsLost = (dataDirectory: string, { session }: Readonly<CopyState>): boolean =>
  session !== null && loadCheckpoint(redoDirectory(dataDirectory)) === null

/** Reads what is on the disk of the redo log, and drops its torn end. What it answers is hard. */
export function openLog(dataDirectory: string, copy: Readonly<CopyState>): OpenedLog {
  const directory = redoDirectory(dataDirectory)
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
    const checkpoint = copy.session === null ? null : loadCheckpoint(directory)
    return checkpoint === null ? beginAnew(directory, copy) : scan(directory, checkpoint)
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error
    throw dataError('E_REDO_LOG', { directory, why: (error as Error).message })
  }
}

/** The folder may have been changed by others since: what the log holds does not belong to it any more. */
function beginAnew(directory: string, { session, appliedLsn, copyComplete }: Readonly<CopyState>): OpenedLog {
  Segments.wipe(directory)
  const checkpoint = newCheckpoint(session, appliedLsn, copyComplete ? null : 'mirror')
  saveCheckpoint(directory, checkpoint)
  return scan(directory, checkpoint)
}

function scan(directory: string, checkpoint: Checkpoint): OpenedLog {
  const reader = new LogReader(directory, Buffer.from(checkpoint.logId, 'hex'), checkpoint.point)
  let state: LogState = checkpoint
  let incompleteSince = 0
  let cure: Cure | null = null
  for (let entry = reader.read(); entry !== null; entry = reader.read()) {
    const before = state.healing
    state = fold(state, entry)
    const healing = cureOf(entry)
    if (healing !== null) cure = { position: entry.position, healing }
    if (state.healing !== null && (before === null || entry.kind === 'begin')) incompleteSince = entry.end
  }
  const { position, sequence } = reader.end()
  reader.close()
  const { lsn, session, healing, watched } = state
  makeHard(directory, segmentOf(checkpoint.point.batch), segmentOf(position))
  return { directory, checkpoint, end: { position, lsn }, sequence, state: { lsn, session, healing, watched }, incompleteSince, cure }
}

/** After a process was killed, what it wrote is in memory only; behind the end nothing counts. */
function makeHard(directory: string, first: number, last: number): void {
  for (const number of Segments.list(directory)) {
    const name = path.join(directory, segmentName(number))
    if (number > last) fs.rmSync(name)
    if (number < first || number > last) continue
    const file = fs.openSync(name, 'r+')
    fs.fsyncSync(file)
    fs.closeSync(file)
  }
  syncDirectorySync(directory)
}
