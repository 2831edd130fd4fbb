import fs from 'node:fs'
import path from 'node:path'
import { compareTrees } from '../../kit/compareTrees'
import { delay, makePair, isMirrored, type TestPair } from './pair'

/* Watch capture with its real threads, connection and disks. Needs no root. */
jest.setTimeout(60_000)
/** Less than it takes the target to answer, so there is always something new. */
const PAUSE_MS = 3
const DRAIN_MS = 20_000

let pair: TestPair
beforeEach(() => (pair = makePair({ capture: 'watch' })))
afterEach(() => pair.end())

async function start({ kept = false } = {}): Promise<void> {
  await pair.one.start({ kept })
  await pair.two.start()
  await pair.two.ask({ do: 'target', roleSequence: 1 })
  await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
}

const mirrored = () => pair.one.until('complete', isMirrored)

/** Drained while nobody writes: both sides are equal. */
async function expectEqual(): Promise<void> {
  await pair.one.ask({ do: 'drain', timeoutMs: DRAIN_MS })
  expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
}

/** As a service with a log, and a file that it replaces. */
function application(folder: string): { stop(): Promise<void> } {
  const log = fs.openSync(path.join(folder, 'log'), 'a')
  let stopped = false
  const works = (async () => {
    for (let round = 0; !stopped; round++, await delay(PAUSE_MS)) {
      fs.writeSync(log, `line ${round}\n`)
      fs.writeFileSync(path.join(folder, 'state.new'), String(round))
      fs.renameSync(path.join(folder, 'state.new'), path.join(folder, 'state'))
    }
  })()
  return {
    async stop() {
      stopped = true
      await works
      fs.closeSync(log)
    }
  }
}

test('an application that writes every few milliseconds: the full mirror ends, a comparison too, and a drain makes both sides equal', async () => {
  const writes = application(pair.one.folder)
  try {
    await start()
    await mirrored()
    await pair.one.ask({ do: 'verify', action: 'start', mode: 'full' })
    await pair.one.until('compared', ({ verify }) => verify.state === 'Idle' && verify.differences !== null)
  } finally {
    await writes.stop()
  }
  await expectEqual()
})

/** More than inotify holds for one who does not read: what follows is told to nobody. */
function overflow(folder: string): void {
  const held = Number(fs.readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'))
  const files = ['first', 'second'].map((name) => path.join(folder, name))
  // In turns: inotify tells the same thing only once.
  for (let event = 0; event <= held; event++) fs.chmodSync(files[event % 2]!, 0o600)
}

test('after more changes than inotify can hold everything is compared: nothing is missing, nothing too much, and new directories are watched', async () => {
  const { one } = pair
  const at = (name: string): string => path.join(one.folder, name)
  for (const name of ['old/deep', 'moves', 'goes']) fs.mkdirSync(at(name), { recursive: true })
  for (const name of ['first', 'second', 'old/deep/file', 'moves/file', 'goes/file']) fs.writeFileSync(at(name), name)
  await start()
  await mirrored()
  await one.stopped()
  try {
    overflow(one.folder)
    fs.mkdirSync(at('new/deep'), { recursive: true })
    fs.writeFileSync(at('new/deep/file'), 'made while nobody was told')
    fs.writeFileSync(at('old/deep/file'), 'changed')
    fs.renameSync(at('moves'), at('old/moved'))
    fs.rmSync(at('goes'), { recursive: true })
  } finally {
    one.signal('SIGCONT')
  }
  await expectEqual()
  for (const name of ['new/deep/file', 'old/moved/file', 'old/deep/later']) fs.writeFileSync(at(name), 'once more')
  await expectEqual()
})

test('a drain does not wait for a comparison that nobody needs, and has what was marked meanwhile', async () => {
  const { one, two } = pair
  await start()
  await mirrored()
  await two.stopped()
  try {
    await one.ask({ do: 'verify', action: 'start', mode: 'full' })
    await one.until('comparing', ({ verify }) => verify.state === 'Verifying')
    fs.writeFileSync(path.join(one.folder, 'late'), 'late')
    await one.ask({ do: 'mirror', action: 'pause' })
  } finally {
    two.signal('SIGCONT')
  }
  await expectEqual()
  expect((await one.status()).verify.state).toBe('Stop')
})

test('what is changed while one mirrord hands over to the next, and nobody watches, is found', async () => {
  const { one } = pair
  await start({ kept: true })
  await mirrored()
  let handed = false
  const works = (async () => {
    for (let round = 0; !handed; round++, await delay(PAUSE_MS)) fs.writeFileSync(path.join(one.folder, `n${round}`), 'new')
  })()
  await one.crash('SIGUSR2')
  handed = true
  await works
  await mirrored()
  await expectEqual()
})
