import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { monotonicMs } from '../../../agent/adapters/clock'
import { compareTrees } from '../../kit/compareTrees'
import { delay, isMirrored, makePair, type TestPair } from './pair'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') ? describe : describe.skip
jest.setTimeout(60_000)

const LONG_MS = 60_000
const SHORT_MS = 600
/** Longer than an fsync takes on a busy machine with both sides at work. */
const WAITS_MS = 700

const endsWithin = (work: Promise<unknown>, ms: number): Promise<boolean> => Promise.race([work.then(() => true), delay(ms).then(() => false)])

/** What an engine would do: it tells the lease, and nothing else happens when it dies. */
asRoot('a job with quorum', () => {
  let pair: TestPair
  beforeEach(async () => {
    pair = makePair({ leased: true })
    await pair.one.start({ kept: true })
    await pair.two.start()
    await pair.one.ask({ do: 'safety', safety: 'full', safetySequence: 2 })
    await pair.two.ask({ do: 'target', roleSequence: 3 })
    await pair.one.ask({ do: 'source', roleSequence: 3, peerCopyComplete: false })
  })
  afterEach(() => pair.end())

  const lease = (forMs: number, roleSequence = 3): Promise<unknown> => pair.one.ask({ do: 'lease', roleSequence, untilMs: monotonicMs() + forMs })
  const synchronized = (): Promise<unknown> => pair.one.until('synchronized', ({ session }) => session.state === 'SYNCHRONIZED')
  const writeHard = async (name: string): Promise<void> => {
    const file = await fs.promises.open(path.join(pair.one.folder, name), 'a')
    try {
      await file.write(`${name}\n`)
      await file.sync()
    } finally {
      await file.close().catch(() => undefined)
    }
  }
  const receivedBytes = async (): Promise<number> => (await pair.two.status()).lsn

  test('without a lease nothing is acknowledged and nothing sent, not even a greeting; with the first one it begins', async () => {
    const done = writeHard('early')
    expect(await endsWithin(done, WAITS_MS)).toBe(false)
    await pair.one.until('silent for want of a lease', ({ session }) => session.state === 'DISCONNECTED' && session.why?.includes('has no lease') === true)
    expect((await pair.two.status()).connected).toBe(false)
    await lease(LONG_MS, 2)
    expect(await endsWithin(done, WAITS_MS)).toBe(false)
    await lease(LONG_MS)
    await done
    await synchronized()
  })

  test('the engine has died and the lease runs out: applications wait, reads and plain writes go on, and nothing reaches the mirror', async () => {
    await lease(LONG_MS)
    await synchronized()
    // A lease is never shortened, so this one belongs to the next role sequence.
    await lease(SHORT_MS, 4)
    await writeHard('in time')
    await delay(SHORT_MS)
    const before = await receivedBytes()
    const done = writeHard('too late')
    fs.writeFileSync(path.join(pair.one.folder, 'plain'), 'x')
    expect(fs.readFileSync(path.join(pair.one.folder, 'plain'), 'utf8')).toBe('x')
    expect(await endsWithin(done, WAITS_MS)).toBe(false)
    expect(await receivedBytes()).toBe(before)
    expect((await pair.two.status()).connected).toBe(false)
    await lease(LONG_MS, 4)
    await done
    await synchronized()
    await pair.one.ask({ do: 'drain', timeoutMs: 20_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
  })

  test('it is stopped past its lease and goes on: the first thing it is asked to acknowledge after waking is not', async () => {
    await lease(LONG_MS)
    await synchronized()
    await lease(SHORT_MS, 4)
    process.kill(pair.one.pid, 'SIGSTOP')
    const done = writeHard('asleep')
    await delay(SHORT_MS)
    const before = await receivedBytes()
    process.kill(pair.one.pid, 'SIGCONT')
    expect(await endsWithin(done, WAITS_MS)).toBe(false)
    expect(await receivedBytes()).toBe(before)
    await lease(LONG_MS, 4)
    await done
  })

  test('its successor after a crash has the lease, and its end', async () => {
    await lease(LONG_MS)
    await synchronized()
    await pair.one.crash()
    await writeHard('after a crash')
    await lease(SHORT_MS * 2, 4)
    await pair.one.crash()
    await delay(SHORT_MS * 2)
    const done = writeHard('too late')
    expect(await endsWithin(done, WAITS_MS)).toBe(false)
    await lease(LONG_MS, 4)
    await done
  })

  test('its mode changes while it serves: without a quorum it waits for nobody, with one again it waits', async () => {
    await lease(LONG_MS)
    await pair.one.until('mirrored', isMirrored)
    await lease(SHORT_MS, 4)
    await delay(SHORT_MS)
    const { leased: _, ...guide } = pair.one.config
    await pair.one.ask({ do: 'configure', config: guide })
    await writeHard('guide')
    await pair.one.ask({ do: 'configure', config: pair.one.config })
    const again = writeHard('again')
    expect(await endsWithin(again, WAITS_MS)).toBe(false)
    await lease(LONG_MS, 4)
    await again
    await expect(pair.one.ask({ do: 'configure', config: { ...guide, port: 1 } })).rejects.toThrow('E_MIRRORD_CONFIG')
  })

  test('a program that waits for a lease can be killed, and ends', async () => {
    await lease(LONG_MS)
    await synchronized()
    await lease(SHORT_MS, 4)
    await delay(SHORT_MS)
    const file = path.join(pair.one.folder, 'written by a program')
    const program = spawn('dd', ['if=/dev/zero', `of=${file}`, 'bs=4k', 'count=1', 'conv=fsync'], { stdio: 'ignore' })
    const ended = once(program, 'exit')
    expect(await endsWithin(ended, WAITS_MS)).toBe(false)
    program.kill('SIGKILL')
    expect((await ended)[1]).toBe('SIGKILL')
  })

  test('replaced after its lease: what it had not been able to acknowledge is given up by itself, nobody is asked whose data is right', async () => {
    await lease(LONG_MS)
    await synchronized()
    await lease(SHORT_MS, 4)
    await writeHard('acknowledged')
    await delay(SHORT_MS)
    fs.writeFileSync(path.join(pair.one.folder, 'never acknowledged'), 'x')
    await pair.one.ask({ do: 'stop', force: true })
    await pair.two.ask({ do: 'safety', safety: 'full', safetySequence: 2 })
    await pair.two.ask({ do: 'source', roleSequence: 5, peerCopyComplete: false })
    await pair.two.ask({ do: 'lease', roleSequence: 5, untilMs: monotonicMs() + LONG_MS })
    await pair.one.ask({ do: 'target', roleSequence: 5 })
    await pair.two.until('synchronized', ({ session }) => session.state === 'SYNCHRONIZED')
    await pair.two.ask({ do: 'drain', timeoutMs: 20_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
    expect(fs.readdirSync(pair.two.folder)).toEqual(['acknowledged'])
  })
})
