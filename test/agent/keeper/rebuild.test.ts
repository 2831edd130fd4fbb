import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import { compareTrees } from '../../kit/compareTrees'
import { numbersTo, OpenWriter } from '../../kit/openWriter'
import { withFuse } from '../capture/fuse'
import { delay, isMirrored, makePair, type TestMirrord, type TestPair } from '../mirrord/pair'

const TEST_TIMEOUT_MS = 120_000
const POLL_MS = 20
const sizeOf = (file: string): number => fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0

withFuse('mirrord goes on with another configuration while an application works in its folders', () => {
  let pair: TestPair
  let writer: OpenWriter

  beforeEach(async () => {
    pair = makePair()
    await pair.one.start({ kept: true })
    await pair.two.start({ kept: true })
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await pair.one.until('equal', isMirrored, TEST_TIMEOUT_MS / 2)
    writer = new OpenWriter(pair.one.folder, path.join(pair.directory, 'stop'))
    while (sizeOf(writer.file) === 0) await delay(POLL_MS)
    await pair.one.ask({ do: 'transmit', action: 'pause' })
  }, TEST_TIMEOUT_MS)
  afterEach(async () => {
    writer.kill()
    await pair.end()
  }, TEST_TIMEOUT_MS)

  /** A folder more, made with these files. */
  function folder(side: TestMirrord, name: string, files: Record<string, string> = {}): MirrordConfig['folders'][number] {
    const place = path.join(pair.directory, `${side.node}-${name}`)
    fs.mkdirSync(place, { recursive: true })
    for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(place, file), text)
    return { path: place, name, exclude: [] }
  }

  async function rebuild(side: TestMirrord, change: Partial<MirrordConfig>): Promise<void> {
    const { pid } = side
    const { handsOver } = (await side.ask({ do: 'rebuild', config: { ...side.config, ...change } })) as { handsOver: boolean }
    if (!handsOver) return
    while (side.pid === pid) await delay(POLL_MS)
    await side.reconnect()
  }

  /** Its file was open through all of it: no error, every number once, in order, on both sides. */
  async function writerNoticedNothing(): Promise<void> {
    const { code, count } = await writer.stop()
    expect(code).toBe(0)
    await pair.one.until('equal', isMirrored)
    await pair.two.until('complete', ({ copyComplete }) => copyComplete)
    await pair.one.ask({ do: 'drain', timeoutMs: 20_000 })
    expect(count).toBeGreaterThan(0)
    expect(fs.readFileSync(writer.file, 'utf8')).toBe(numbersTo(count))
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
  }

  const isMounted = (place: string): boolean => fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${place} `)
  const dataFolder = ({ config }: TestMirrord): MirrordConfig['folders'][number] => config.folders[0]!

  test(
    'queue, page file and port: what was written while nothing was sent is compared, and nothing else',
    async () => {
      const next = { queueBytes: 16 * 1024 * 1024, pagefileBytes: 0, port: pair.one.config.port + 1000 }
      await rebuild(pair.one, next)
      await pair.one.until('refused', ({ connected }) => !connected)
      await rebuild(pair.two, next)
      await writerNoticedNothing()
      expect(pair.one.log).toMatch(/a comparison of what (may differ|is marked)/)
      expect(pair.one.log).not.toContain('full mirror begins')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a folder more and another one first: what is in it is mirrored whole, what is written in it is seen, and so it is after a death',
    async () => {
      const more = { one: folder(pair.one, 'more', { old: 'from before' }), two: folder(pair.two, 'more', { foreign: 'of nobody' }) }
      await rebuild(pair.one, { folders: [more.one, dataFolder(pair.one)] })
      // Folders go by their places: the old target must not take a file of the one for one of the other.
      await delay(500)
      expect(await pair.one.status()).toMatchObject({ connected: false })
      fs.writeFileSync(path.join(more.one.path, 'new'), 'written before the other side knows the folder')
      await rebuild(pair.two, { folders: [more.two, dataFolder(pair.two)] })
      expect(await pair.two.status()).toMatchObject({ role: 'target' })
      await pair.one.until('equal', isMirrored)
      await pair.one.crash()
      fs.writeFileSync(path.join(more.one.path, 'later'), 'after the death of a program that had it second')
      await writerNoticedNothing()
      expect(compareTrees(more.one.path, more.two.path)).toEqual([])
      expect(fs.readdirSync(more.two.path).sort()).toEqual(['later', 'new', 'old'])
      expect(() => fs.writeFileSync(path.join(more.two.path, 'mine'), '')).toThrow('EROFS')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a folder that goes is an ordinary one again on both sides; one that is used stays, and so does everything else',
    async () => {
      const more = { one: folder(pair.one, 'more', { a: 'a' }), two: folder(pair.two, 'more') }
      for (const side of [pair.one, pair.two]) await rebuild(side, { folders: [dataFolder(side), side === pair.one ? more.one : more.two] })
      await pair.one.until('equal', isMirrored)
      const reader = fs.openSync(path.join(more.one.path, 'a'), 'r')
      for (const look of [true, false]) {
        const refused = pair.one.ask({ do: 'rebuild', config: { ...pair.one.config }, look })
        await expect(refused).rejects.toMatchObject({ code: 'E_FOLDER_USED', message: expect.stringContaining(`(process ${process.pid})`) as string })
      }
      expect(isMounted(more.one.path)).toBe(true)
      fs.closeSync(reader)
      await pair.one.ask({ do: 'rebuild', config: { ...pair.one.config }, look: true })
      expect(isMounted(more.one.path)).toBe(true)
      for (const side of [pair.one, pair.two]) await rebuild(side, {})
      await writerNoticedNothing()
      for (const { path: place } of [more.one, more.two]) {
        expect(isMounted(place)).toBe(false)
        expect(fs.readdirSync(place)).toEqual(['a'])
      }
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a folder that somebody works in is not captured under his hands; nor is the way of capture changed',
    async () => {
      const more = folder(pair.one, 'more', { a: 'a' })
      const worker = spawn('sleep', ['60'], { cwd: more.path })
      await once(worker, 'spawn')
      const refused = (change: Partial<MirrordConfig>): Promise<unknown> => pair.one.ask({ do: 'rebuild', config: { ...pair.one.config, ...change } })
      await expect(refused({ folders: [dataFolder(pair.one), more] })).rejects.toMatchObject({ code: 'E_FOLDER_USED' })
      await expect(refused({ capture: 'watch' })).rejects.toMatchObject({ code: 'E_FOLDER_USED' })
      worker.kill('SIGKILL')
      await once(worker, 'exit')
      expect(isMounted(more.path)).toBe(false)
      await pair.one.ask({ do: 'transmit', action: 'resume' })
      await writerNoticedNothing()
    },
    TEST_TIMEOUT_MS
  )

  test(
    'the way of capture changes when nobody has a file open, to and fro; nothing that was written in between is missing',
    async () => {
      expect((await writer.stop()).count).not.toBeNaN()
      for (const capture of ['watch', 'fuse'] as const) {
        for (const side of [pair.one, pair.two]) await rebuild(side, { capture })
        fs.writeFileSync(path.join(pair.one.folder, capture), capture)
        expect(isMounted(pair.one.folder)).toBe(capture === 'fuse')
      }
      await writerNoticedNothing()
    },
    TEST_TIMEOUT_MS
  )

  test(
    'what is excluded changes: the copy is not whole before everything was compared, and what the files hold then is there',
    async () => {
      fs.writeFileSync(path.join(pair.one.folder, 'a.pid'), 'was excluded')
      const without = (side: TestMirrord) => ({ folders: [{ ...dataFolder(side), exclude: ['*.tmp'] }] })
      await rebuild(pair.two, without(pair.two))
      expect(await pair.two.status()).toMatchObject({ role: 'target', copyComplete: false })
      await rebuild(pair.one, without(pair.one))
      await writerNoticedNothing()
      expect(fs.readFileSync(path.join(pair.two.folder, 'a.pid'), 'utf8')).toBe('was excluded')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a target whose process was gone meanwhile begins with nothing when the folders are others',
    async () => {
      const more = { one: folder(pair.one, 'more', { a: 'a' }), two: folder(pair.two, 'more') }
      await pair.two.leave()
      await rebuild(pair.one, { folders: [more.one, dataFolder(pair.one)] })
      await pair.two.start({ kept: true })
      await pair.two.ask({ do: 'configure', config: { ...pair.two.config, folders: [more.two, dataFolder(pair.two)] } })
      await pair.two.ask({ do: 'target', roleSequence: 1 })
      expect(await pair.two.status()).toMatchObject({ role: 'target', copyComplete: false })
      await writerNoticedNothing()
      expect(compareTrees(more.one.path, more.two.path)).toEqual([])
    },
    TEST_TIMEOUT_MS
  )

  test('what it can take on it takes on, of a configuration that it refuses otherwise; and nobody may write into the copy meanwhile', async () => {
    const next = { ...pair.two.config, port: 1, redoQueueBytes: 5 * 1024 * 1024 }
    await expect(pair.two.ask({ do: 'configure', config: next })).rejects.toMatchObject({ code: 'E_MIRRORD_CONFIG' })
    await pair.two.ask({ do: 'configure', config: { ...pair.two.config, redoQueueBytes: next.redoQueueBytes } })
    expect(() => fs.writeFileSync(path.join(pair.two.folder, 'mine'), '')).toThrow('EROFS')
  })
})
