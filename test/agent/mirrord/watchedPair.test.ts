import fs from 'node:fs'
import path from 'node:path'
import { compareTrees } from '../../kit/compareTrees'
import { delay, makePair, type TestPair } from './pair'

/* Watch capture with its real threads, connection and disks. Needs no root. */
jest.setTimeout(60_000)
/** Less than it takes the target to answer, so there is always something new. */
const PAUSE_MS = 3
const DRAIN_MS = 20_000

let pair: TestPair
beforeEach(() => (pair = makePair({ capture: 'watch' })))
afterEach(() => pair.end())

async function start(): Promise<void> {
  await pair.one.start()
  await pair.two.start()
  await pair.two.ask({ do: 'target', roleSequence: 1 })
  await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
}

const mirrored = () => pair.one.until('complete', ({ connected, needToVerify, mirror }) => connected && needToVerify === 'No' && mirror.state === 'Idle')

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
