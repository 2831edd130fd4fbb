import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { newCheckpoint } from '../../../agent/mirrord/redolog/checkpoint'
import { segmentName } from '../../../agent/mirrord/redolog/format'
import { LogReader } from '../../../agent/mirrord/redolog/logReader'
import { RedoLog } from '../../../agent/mirrord/redolog/redoLog'
import { Segments } from '../../../agent/mirrord/redolog/segments'
import { checksum } from '../../../agent/mirrord/stream/checksum'
import { ReportError } from '../../../src/report/report'
import { encodeFrame } from '../../../src/wire/frame'
import { damaged } from '../../kit/damage'
import { randomSource } from '../../kit/randomFiles'

const SEEDS = 300
const FRAMES = 120

let directory: string
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-redo-'))
})
afterEach(() => fs.rmSync(directory, { recursive: true }))

const checkpoint = newCheckpoint('session', 0, null)
const logId = Buffer.from(checkpoint.logId, 'hex')

/** A log as a target leaves it, all of it hard. The place of its end. */
async function makeLog(): Promise<number> {
  const random = randomSource(7)
  const log = new RedoLog(directory, new Segments(directory, logId), { position: 0, lsn: 0 }, 1, {
    hard: () => undefined,
    failed: (error) => {
      throw error
    }
  })
  for (let lsn = 1; lsn <= FRAMES; ) {
    const frames = Array.from({ length: 1 + Math.floor(random() * 5) }, () => {
      const data = Buffer.alloc(Math.floor(random() * 800), lsn)
      return encodeFrame({ kind: 'write', folder: 0, path: `f${lsn}`, offset: lsn, data }, lsn++, 1, checksum)
    })
    log.append(frames, lsn - 1)
  }
  await log.settle()
  const { position } = log.end
  await log.close()
  return position
}

/** LSNs of what can be read, and the code with which the rest was refused; null: the log just ends. */
function read(): { lsns: number[]; refused: string | null } {
  const lsns: number[] = []
  const reader = new LogReader(directory, logId, checkpoint.point)
  try {
    for (let entry = reader.read(); entry !== null; entry = reader.read()) {
      if (entry.kind !== 'frame' || entry.frame.body.kind !== 'write') throw new Error('another kind of entry')
      const { lsn, body } = entry.frame
      if (body.path !== `f${lsn}` || body.offset !== lsn) throw new Error(`LSN ${lsn} is not what was written`)
      lsns.push(lsn)
    }
    return { lsns, refused: null }
  } catch (error) {
    if (error instanceof ReportError) return { lsns, refused: error.report.code }
    throw error
  } finally {
    reader.close()
  }
}

const firstSegment = () => path.join(directory, segmentName(Segments.list(directory)[0]!))

test(`of a segment that was truncated, flipped, reordered or mixed up only what stands before the damage is believed (${SEEDS} seeds)`, async () => {
  const end = (await makeLog()) % (16 * 1024 * 1024)
  const whole = read()
  expect(whole.refused).toBeNull()
  expect(whole.lsns.length).toBeGreaterThanOrEqual(FRAMES)
  const good = fs.readFileSync(firstSegment()).subarray(0, end)
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { bytes, what } = damaged(good, seed)
    fs.writeFileSync(firstSegment(), bytes)
    const { lsns, refused } = read()
    expect({ what, lsns }).toEqual({ what, lsns: whole.lsns.slice(0, lsns.length) })
    if (refused !== null) expect({ what, refused }).toEqual({ what, refused: expect.stringMatching(/^E_FRAME_|^E_REDO_LOG/) })
  }
}, 30_000)

test('a segment of another log, or one that was used before under another number, says nothing', async () => {
  await makeLog()
  const reader = new LogReader(directory, Buffer.alloc(logId.length, 1), checkpoint.point)
  expect(reader.read()).toBeNull()
  reader.close()
  fs.renameSync(firstSegment(), path.join(directory, segmentName(2)))
  expect(read()).toEqual({ lsns: [], refused: null })
})
