import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { FrameQueue } from '../../../agent/mirrord/order/frameQueue'
import { PageFile } from '../../../agent/mirrord/order/pageFile'
import { SharedOrderedLog } from '../../../agent/mirrord/order/sharedOrderedLog'
import { checksum } from '../../../agent/mirrord/stream/checksum'
import { FRAME_BYTES_MAX } from '../../../src/wire/frame'
import { decodeFrame, frameLength } from '../../../src/wire/frameDecode'
import { delay } from './pair'

const WRITE_BYTES = 100_000
const PAGE_BYTES = 200_000_000
const FIRST_LSN = 2 ** 40

let directory: string
beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'queue-'))))
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }))

/** A queue whose application writes and whose target reads, each when the test says so. */
class Run {
  readonly log = SharedOrderedLog.create({ queueBytes: 0, firstLsn: FIRST_LSN })
  readonly page: PageFile
  readonly queue: FrameQueue
  private stopped = false
  private readonly running: Promise<void>
  private readonly buffer = Buffer.alloc(256 * 1024 + FRAME_BYTES_MAX)
  readonly received: number[] = []

  constructor(pageBytes: number, at = directory) {
    this.page = new PageFile(path.join(at, 'page'), pageBytes)
    this.queue = new FrameQueue(this.log, this.page)
    this.log.startStream(7)
    this.running = this.queue.run(() => this.stopped)
  }

  append(): void {
    this.log.lock()
    const lsn = this.log.lsn() + 1
    this.log.append({ folder: 0, kind: 'write', path: 'file', offset: lsn, data: Buffer.alloc(WRITE_BYTES, lsn % 251) })
    this.log.unlock()
  }

  /** As an application does that leaves the other threads their time. */
  async write(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.append()
      for (let looks = 0; this.isPressed() && looks < 40; looks++) await delay(1)
    }
  }

  private isPressed(): boolean {
    return this.log.ring.usedBytes() > this.log.ring.capacity * 0.6 && this.log.streamState() === 'wanted'
  }

  /** Takes some frames, as the wire would carry them. */
  async read(limit: number): Promise<number> {
    const bytes = await this.queue.next(this.buffer, limit)
    for (let at = 0; at < bytes; ) {
      const length = frameLength(this.buffer.subarray(at))!
      const { lsn, body } = decodeFrame(this.buffer.subarray(at, at + length), checksum)
      expect(body).toMatchObject({ kind: 'write', offset: lsn })
      this.received.push(lsn)
      at += length
    }
    return bytes
  }

  async readAll(): Promise<void> {
    while ((await this.read(256 * 1024)) > 0);
  }

  async end(): Promise<void> {
    this.stopped = true
    await this.running
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => FIRST_LSN + 1 + index)

test('what memory cannot keep goes through the page file, and comes out in its order', async () => {
  const run = new Run(PAGE_BYTES)
  await run.write(300)
  expect(run.log.streamState()).toBe('wanted')
  expect(run.queue.pageBytes()).toBeGreaterThan(20 * WRITE_BYTES)
  await run.readAll()
  await run.write(100)
  await run.readAll()
  expect(run.received).toEqual(upTo(400))
  run.queue.release(FIRST_LSN + 400)
  expect(run.log.ring.usedBytes()).toBe(0)
  expect(run.queue.pageBytes()).toBe(0)
  await run.end()
  expect(fs.readdirSync(path.join(directory, 'page'))).toEqual([])
})

test.each([1, 2, 3, 4, 5])('connections that break anywhere lose nothing and repeat only what is not hard (seed %i)', async (seed) => {
  let dice = seed
  const upToNumber = (most: number): number => ((dice = (Math.imul(dice, 1103515245) + 12345) >>> 0) >>> 8) % most
  const run = new Run(PAGE_BYTES)
  let written = 0
  let hard = FIRST_LSN
  for (let round = 0; round < 60; round++) {
    const count = upToNumber(30)
    await run.write(count)
    written += count
    for (let reads = upToNumber(12); reads > 0; reads--) await run.read(1 + upToNumber(600_000))
    const last = run.received.at(-1) ?? FIRST_LSN
    hard = Math.max(hard, last - upToNumber(20))
    run.queue.release(hard)
    if (upToNumber(4) > 0) continue
    const has = hard + upToNumber(Math.max(1, last - hard + 1))
    await run.queue.goOnAfter(has)
    expect(run.queue.sentLsn()).toBe(has)
    hard = Math.max(hard, has)
    run.received.length = has - FIRST_LSN
  }
  await run.readAll()
  expect(run.log.streamState()).toBe('wanted')
  expect(run.received).toEqual(upTo(written))
  await run.end()
})

test('a segment of the page file that is acknowledged before the next read takes nothing else along', async () => {
  const run = new Run(PAGE_BYTES)
  await run.write(900)
  expect(fs.readdirSync(path.join(directory, 'page')).length).toBeGreaterThan(2)
  while ((await run.read(1)) > 0) run.queue.release(run.received.at(-1)!)
  expect(run.log.streamState()).toBe('wanted')
  expect(run.received).toEqual(upTo(900))
  await run.end()
})

test('a page file at its limit gives the queue up, and the application goes on; a new stream begins empty', async () => {
  const run = new Run(3_000_000)
  await run.write(150)
  expect(run.log.streamState()).toBe('overflowed')
  expect(run.log.lsn()).toBe(FIRST_LSN + 150)
  expect(await run.queue.restart(7)).toBe(FIRST_LSN + 150)
  expect(run.queue.pageBytes()).toBe(0)
  await run.write(3)
  await run.readAll()
  expect(run.received).toEqual([151, 152, 153].map((each) => FIRST_LSN + each))
  await run.end()
})

test('a page file of zero bytes is none', async () => {
  const run = new Run(0)
  await run.write(60)
  expect(run.log.streamState()).toBe('overflowed')
  expect(fs.existsSync(path.join(directory, 'page'))).toBe(false)
  await run.end()
})

const asRoot = process.getuid?.() === 0 ? test : test.skip
asRoot('a full disk is a full page file, and the last of the disk is left to others', async () => {
  const disk = path.join(directory, 'disk')
  fs.mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk])
  try {
    const run = new Run(PAGE_BYTES, disk)
    await run.write(200)
    expect(run.log.streamState()).toBe('overflowed')
    const { bavail, bsize, blocks } = fs.statfsSync(disk)
    expect(bavail).toBeGreaterThanOrEqual(blocks * 0.05 - 1)
    expect(bavail * bsize).toBeLessThan(8_000_000)
    await run.end()
  } finally {
    execFileSync('umount', [disk])
  }
})

test('a page file that was damaged on the disk is noticed', async () => {
  const run = new Run(PAGE_BYTES)
  await run.write(100)
  const [first] = fs.readdirSync(path.join(directory, 'page'))
  const file = fs.openSync(path.join(directory, 'page', first!), 'r+')
  fs.writeSync(file, Buffer.alloc(64, 0xff), 0, 64, 0)
  fs.closeSync(file)
  await expect(run.readAll()).rejects.toMatchObject({ report: { code: 'E_PAGE_FILE' } })
  expect(run.log.streamState()).toBe('overflowed')
  await run.end()
})

test('frames that the disk of the page file refused do not count as being in it', async () => {
  let refused: number | null = null
  const open = fs.promises.open.bind(fs.promises)
  const opening = jest.spyOn(fs.promises, 'open').mockImplementation(async (...given) => {
    const handle = await open(...given)
    const write = handle.write.bind(handle) as (...bytes: unknown[]) => unknown
    handle.write = (async (...bytes: unknown[]) => {
      if (refused === null) return write(...bytes)
      refused++
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    }) as never
    return handle
  })
  const run = new Run(PAGE_BYTES)
  try {
    await run.write(30)
    await run.readAll()
    refused = 0
    let written = 30
    for (; refused === 0; written++) {
      await run.write(1)
      await run.readAll()
    }
    const has = written - 3
    await run.queue.goOnAfter(FIRST_LSN + has)
    run.received.length = has
    await run.readAll()
    expect(run.received).toEqual(upTo(written))
    expect(run.log.streamState()).toBe('wanted')
  } finally {
    opening.mockRestore()
    await run.end()
  }
})
