import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { loadCheckpoint, newCheckpoint, saveCheckpoint, type Checkpoint } from '../../../agent/mirrord/redolog/checkpoint'
import { BATCH_HEAD_BYTES, SEGMENT_BYTES, SEGMENT_HEAD_BYTES } from '../../../agent/mirrord/redolog/format'
import { LogReader, type LogPoint } from '../../../agent/mirrord/redolog/logReader'
import { RedoLog, type LogEnd } from '../../../agent/mirrord/redolog/redoLog'
import { Segments } from '../../../agent/mirrord/redolog/segments'
import { checksum } from '../../../agent/mirrord/stream/checksum'
import { encodeFrame } from '../../../src/wire/frame'

/** A segment whose last byte belongs to a batch, as chance makes one now and then. */
const LARGE_BYTES = 512 * 1024
let directory: string
let checkpoint: Checkpoint
let lsn: number
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-redo-'))
  saveCheckpoint(directory, newCheckpoint('session', 0, null))
  checkpoint = loadCheckpoint(directory)!
  lsn = 0
})
afterEach(() => fs.rmSync(directory, { recursive: true }))

const logId = () => Buffer.from(checkpoint.logId, 'hex')
const frame = (bytes: number): Uint8Array => encodeFrame({ kind: 'write', folder: 0, path: 'f', offset: 0, data: Buffer.alloc(bytes) }, ++lsn, 1, checksum)

function openLog(end: LogEnd, sequence: number): RedoLog {
  const failed = (error: Error): never => {
    throw error
  }
  return new RedoLog(directory, new Segments(directory, logId()), end, sequence, { hard: () => undefined, failed })
}

/** Frames up to the last byte of the segment. */
function fill(log: RedoLog): void {
  const empty = frame(0).length
  lsn--
  for (let left = SEGMENT_BYTES - SEGMENT_HEAD_BYTES; left > 0; ) {
    const bytes = Math.min(left, left < 2 * LARGE_BYTES ? left : LARGE_BYTES)
    log.append([frame(bytes - empty - BATCH_HEAD_BYTES)], lsn)
    left -= bytes
  }
}

/** The LSNs from this point on, where the reader ended, and the number of the next batch. */
function readFrom(point: LogPoint): { lsns: number[]; end: LogEnd; sequence: number; point: LogPoint } {
  const reader = new LogReader(directory, logId(), point)
  const lsns: number[] = []
  for (let entry = reader.read(); entry !== null; entry = reader.read()) if (entry.kind === 'frame') lsns.push(entry.frame.lsn)
  const { position, sequence } = reader.end()
  const behind = reader.point()
  reader.close()
  return { lsns, end: { position, lsn: lsns.at(-1) ?? 0 }, sequence, point: behind }
}

test('what follows a segment that is full to its last byte is read from a checkpoint that stands between them', async () => {
  const log = openLog({ position: 0, lsn: 0 }, 1)
  fill(log)
  await log.settle()
  const { point } = readFrom(checkpoint.point)
  const last = lsn
  log.append([frame(100)], lsn)
  await log.close()
  expect(readFrom(point).lsns).toEqual([last + 1])
})

test('a log that ended with a segment full to its last byte goes on where its reader looks', async () => {
  const first = openLog({ position: 0, lsn: 0 }, 1)
  fill(first)
  await first.close()
  const { end, sequence, lsns } = readFrom(checkpoint.point)
  const log = openLog(end, sequence)
  log.append([frame(100)], lsn)
  await log.close()
  expect(readFrom(checkpoint.point).lsns).toEqual([...lsns, lsn])
})
