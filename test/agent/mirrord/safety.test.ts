import fs from 'node:fs'
import path from 'node:path'
import { CopyStateFile } from '../../../agent/mirrord/copyState'
import { compareTrees } from '../../kit/compareTrees'
import { delay, makePair, type TestPair } from './pair'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') ? describe : describe.skip
jest.setTimeout(60_000)

const PARTNER_TIMEOUT_MS = 1_500
const QUEUE_BYTES = 16_000_000
/** Longer than an fsync takes on a busy machine with both sides at work. */
const WAITS_MS = 700

/** Has it ended after so long? */
const endsWithin = (work: Promise<unknown>, ms: number): Promise<boolean> => Promise.race([work.then(() => true), delay(ms).then(() => false)])

asRoot('safety FULL', () => {
  let pair: TestPair
  beforeEach(async () => {
    pair = makePair({ partnerTimeoutMs: PARTNER_TIMEOUT_MS, queueBytes: QUEUE_BYTES })
    await pair.one.start()
    await pair.two.start()
    await pair.one.ask({ do: 'safety', safety: 'full', safetySequence: 2 })
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await synchronized()
  })
  afterEach(async () => {
    pair.two.signal('SIGCONT')
    await pair.end()
  })

  const synchronized = async (): Promise<void> => {
    await pair.one.until('synchronized', ({ session }) => session.state === 'SYNCHRONIZED' && session.exposure === 'protected')
  }

  const writeHard = async (name: string, flags = 'a'): Promise<void> => {
    const file = await fs.promises.open(path.join(pair.one.folder, name), flags)
    await file.write(`${name}\n`)
    await file.sync()
    await file.close()
  }

  const equal = async (): Promise<void> => {
    await pair.one.ask({ do: 'drain', timeoutMs: 20_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
  }

  const syncs: [string, () => Promise<void>][] = [
    ['fsync', () => writeHard('fsync')],
    [
      'fdatasync',
      async () => {
        const file = await fs.promises.open(path.join(pair.one.folder, 'fdatasync'), 'w')
        await file.write('x')
        await file.datasync()
        await file.close()
      }
    ],
    ['a write with O_SYNC', () => fs.promises.writeFile(path.join(pair.one.folder, 'o-sync'), 'x', { flag: 'as' })],
    [
      'fsync of a directory',
      async () => {
        await fs.promises.mkdir(path.join(pair.one.folder, 'directory'))
        const directory = await fs.promises.open(pair.one.folder, 'r')
        await directory.sync()
        await directory.close()
      }
    ]
  ]

  test.each(syncs)('%s waits for a target that is frozen, and returns when it goes on', async (_name, sync) => {
    pair.two.signal('SIGSTOP')
    const done = sync()
    expect(await endsWithin(done, WAITS_MS)).toBe(false)
    pair.two.signal('SIGCONT')
    await done
    await equal()
  })

  test('without its target an application waits until that is recorded, goes on then, and is protected again when the target is back', async () => {
    await pair.two.kill()
    const done = writeHard('while alone')
    const wanted = await pair.one.until('wanted', ({ session }) => session.exposure === 'wanted', 10 * PARTNER_TIMEOUT_MS)
    expect(wanted.session).toMatchObject({ state: 'DISCONNECTED', exposedSinceMs: null })
    expect(await endsWithin(done, WAITS_MS)).toBe(false)
    expect(await pair.one.ask({ do: 'expose', roleSequence: 1 })).toEqual({ exposure: 'granted' })
    await done
    await writeHard('and another one')
    expect((await pair.one.status()).session.exposedSinceMs).not.toBeNull()

    await pair.two.start()
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await synchronized()
    expect((await pair.one.status()).session.exposedSinceMs).toBeNull()
    await equal()
    const copyFile = path.join(pair.directory, 'RMHW131-run', 'DB_Group.copy.json')
    await pair.one.until('without a trace on disk', () => new CopyStateFile(copyFile).get().exposed === null)
  })

  /** Of A: the last one given out. Of B: the last one that is hard in its redo log. */
  const atRest = async (): Promise<number> => {
    await pair.one.ask({ do: 'drain', timeoutMs: 20_000 })
    const { lsn } = await pair.one.status()
    await pair.two.until('at rest', (status) => status.lsn === lsn)
    return lsn
  }

  test('table 8, on a real stream: A is ahead and waits until B has the block on disk; when the COMMIT is done both have it', async () => {
    const rest = await atRest()
    pair.two.signal('SIGSTOP')
    const commit = writeHard('commit')
    await pair.one.until('the block is handed to B', ({ lsn }) => lsn > rest)
    expect(await endsWithin(commit, WAITS_MS)).toBe(false)
    pair.two.signal('SIGCONT')
    await commit
    const both = await atRest()
    expect(both).toBeGreaterThan(rest)
    await pair.one.until('the failover LSN is where both are', ({ session }) => session.failoverLsn === both)
    await equal()
  })

  test('table 9, on a real stream: with safety OFF the COMMIT is done while B has nothing of it, and the next one; B follows', async () => {
    await pair.one.ask({ do: 'safety', safety: 'off', safetySequence: 3 })
    await pair.one.until('asynchronous', ({ session }) => session.state === 'SYNCHRONIZING')
    const rest = await atRest()
    pair.two.signal('SIGSTOP')
    await writeHard('first')
    const first = await pair.one.until('A flushes a block', ({ lsn }) => lsn > rest)
    await writeHard('second')
    const second = await pair.one.until('A flushes the next one', ({ lsn }) => lsn > first.lsn)
    expect(second.appliedLsn).toBeLessThanOrEqual(rest)
    pair.two.signal('SIGCONT')
    expect(await atRest()).toBeGreaterThanOrEqual(second.lsn)
    await equal()
  })

  test('nobody opens the gate for a target that answers', async () => {
    expect(await pair.one.ask({ do: 'expose', roleSequence: 1 })).toEqual({ exposure: 'protected' })
    await expect(pair.one.ask({ do: 'expose', roleSequence: 7 })).rejects.toMatchObject({ code: 'E_ROLE_SEQUENCE_OLD' })
  })

  test('safety is switched under load without a stop and without an error', async () => {
    let writing = true
    let count = 0
    const load = (async () => {
      for (; writing; count++) await writeHard(`under load ${count % 50}`)
    })()
    for (let sequence = 3; sequence < 9; sequence++) {
      const safety = sequence % 2 === 1 ? 'off' : 'full'
      await pair.one.ask({ do: 'safety', safety, safetySequence: sequence })
      const state = safety === 'full' ? 'SYNCHRONIZED' : 'SYNCHRONIZING'
      const { session } = await pair.one.until(state, (status) => status.session.state === state)
      expect(session).toMatchObject({ safety, safetySequence: sequence, exposure: safety === 'full' ? 'protected' : 'granted' })
      const before = count
      await pair.one.until('writing', () => count > before + 3)
    }
    await expect(pair.one.ask({ do: 'safety', safety: 'off', safetySequence: 3 })).rejects.toMatchObject({ code: 'E_MIRRORD_REQUEST' })
    writing = false
    await load
    await equal()
  })

  test('sending is paused and goes on: the session is SUSPENDED, writes queue in memory and on disk, and nothing is lost', async () => {
    await pair.one.ask({ do: 'transmit', action: 'pause' })
    const paused = await pair.one.until('suspended', ({ session, replication }) => session.state === 'SUSPENDED' && replication === 'Pause')
    expect(paused.session.exposure).toBe('wanted')
    await pair.one.ask({ do: 'expose', roleSequence: 1 })
    await writeHard('while paused')
    for (let i = 0; i < 30; i++) await fs.promises.writeFile(path.join(pair.one.folder, `large ${i}`), Buffer.alloc(1_000_000, i))
    await pair.one.until('on disk', ({ pagefileBytes }) => pagefileBytes! > QUEUE_BYTES / 2)
    expect(fs.existsSync(path.join(pair.two.folder, 'while paused'))).toBe(false)
    await pair.one.ask({ do: 'transmit', action: 'resume' })
    await synchronized()
    await equal()
    expect(pair.one.log.match(/mirror from LSN/g)).toHaveLength(1)
  })

  test('a speed limit holds for the whole stream and is changed while it runs', async () => {
    const [limited, bytes] = [500_000, 1_500_000]
    await pair.one.ask({ do: 'bandwidth', bytesPerSecond: limited })
    await pair.one.until('limited', ({ bandwidthBytesPerSecond }) => bandwidthBytesPerSecond === limited)
    const begunMs = performance.now()
    fs.writeFileSync(path.join(pair.one.folder, 'slowly'), Buffer.alloc(bytes, 'x'))
    await pair.one.ask({ do: 'drain', timeoutMs: 20_000 })
    expect(performance.now() - begunMs).toBeGreaterThan(((bytes - limited) / limited) * 1_000)
    fs.writeFileSync(path.join(pair.one.folder, 'for an hour'), Buffer.alloc(bytes * 10, 'x'))
    await pair.one.ask({ do: 'bandwidth', bytesPerSecond: null })
    await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
  })
})
