import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { newCheckpoint, saveCheckpoint } from '../../../agent/mirrord/redolog/checkpoint'
import { openLog, redoDirectory } from '../../../agent/mirrord/redolog/openLog'
import { RedoLog } from '../../../agent/mirrord/redolog/redoLog'
import { Segments } from '../../../agent/mirrord/redolog/segments'
import { ID_BYTES, SEGMENT_BYTES } from '../../../agent/mirrord/redolog/format'
import { checksum } from '../../../agent/mirrord/stream/checksum'
import { encodeFrame } from '../../../src/wire/frame'

const FRAME_BYTES = 512 * 1024
let directory: string
beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-flush-'))))
afterEach(() => {
  jest.restoreAllMocks()
  fs.rmSync(directory, { recursive: true })
})

const copy = { session: 'session', appliedLsn: 0, copyComplete: true } as Parameters<typeof openLog>[1]
const frame = (lsn: number): Uint8Array => encodeFrame({ kind: 'write', folder: 0, path: 'f', offset: 0, data: Buffer.alloc(FRAME_BYTES) }, lsn, 1, checksum)

/** The disk refuses it once; what was written stays in memory all the same, and the next flush finds nothing left to write. */
const refuseFlush = (): void => {
  jest.spyOn(Segments.prototype, 'sync').mockRejectedValueOnce(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }))
}

test.each([
  ['in the middle of a segment', 3, 3],
  ['from the first batch on', 0, 3],
  ['over the end of a segment', 3, Math.ceil(SEGMENT_BYTES / FRAME_BYTES) + 3],
  ['at the end of a segment', Math.floor((SEGMENT_BYTES - FRAME_BYTES) / FRAME_BYTES), 3]
])('what a disk has refused to make hard is not taken for hard at the next start: %s', async (_, before, refused) => {
  fs.mkdirSync(redoDirectory(directory))
  const checkpoint = newCheckpoint('session', 0, null)
  saveCheckpoint(redoDirectory(directory), checkpoint)
  let error: Error | null = null
  const segments = new Segments(redoDirectory(directory), Buffer.from(checkpoint.logId, 'hex'))
  const log = new RedoLog(redoDirectory(directory), segments, { position: 0, lsn: 0 }, 1, { hard: () => undefined, failed: (why) => (error = why) })
  for (let lsn = 1; lsn <= before; lsn++) log.append([frame(lsn)], lsn)
  await log.settle()
  expect(log.hard.lsn).toBe(before)
  refuseFlush()
  const last = before + refused
  for (let lsn = before + 1; lsn <= last; lsn++) log.append([frame(lsn)], lsn)
  await log.close()
  expect(error).not.toBeNull()
  expect(openLog(directory, copy).end.lsn).toBe(before)
})

describe('a segment that was made ready in vain', () => {
  const newSegments = (): Segments => new Segments(directory, Buffer.alloc(ID_BYTES, 1))
  /** The next one is refused, when it is let go. */
  const holdFlush = (): (() => void) => {
    let refuse = (): void => undefined
    const held = new Promise<void>((resolve) => (refuse = resolve))
    jest
      .spyOn(fs, 'fsync')
      .mockImplementationOnce((_file, call) => void held.then(() => call(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }))))
    return refuse
  }

  test('is not used', async () => {
    const segments = newSegments()
    const refuse = holdFlush()
    const prepared = segments.prepare(0)
    refuse()
    await prepared
    const segment = segments.take(1)
    expect(segment.hard).toBe(false)
    await segments.sync(segment)
    expect(segment.hard).toBe(true)
    fs.closeSync(segment.file)
  })

  test('that is in use by then is not made hard by another flush', async () => {
    const segments = newSegments()
    const refuse = holdFlush()
    const prepared = segments.prepare(0)
    await isNamed()
    const segment = segments.take(1)
    refuse()
    await prepared
    await expect(segments.sync(segment)).rejects.toThrow('EIO')
    fs.closeSync(segment.file)
  })

  /** Its name is there, and its flush under way. */
  async function isNamed(): Promise<void> {
    while (Segments.list(directory).length === 0) await new Promise((resolve) => setImmediate(resolve))
  }
})

test('a log that could not be written in the middle of what came is broken: only the next start knows how far it goes', async () => {
  const errors: Error[] = []
  const segments = new Segments(directory, Buffer.alloc(ID_BYTES, 1))
  const log = new RedoLog(directory, segments, { position: 0, lsn: 0 }, 1, { hard: () => undefined, failed: (why) => errors.push(why) })
  jest.spyOn(fs, 'writevSync').mockImplementationOnce(() => {
    throw Object.assign(new Error('EIO: i/o error, writev'), { code: 'EIO' })
  })
  expect(() => log.append([frame(1)], 1)).toThrow('EIO')
  // Not within the call: whoever appends catches what is wrong with a connection.
  expect(errors).toEqual([])
  await Promise.resolve()
  expect(errors).toMatchObject([{ message: expect.stringContaining('EIO') }])
})
