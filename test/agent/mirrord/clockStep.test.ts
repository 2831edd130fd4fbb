import fs from 'node:fs'
import path from 'node:path'
import { KEEPALIVE_MS, SOURCE_SILENT_MS } from '../../../agent/mirrord/stream/secure'
import { withFuse } from '../capture/fuse'
import { delay, makePair, type TestPair } from './pair'

jest.setTimeout(60_000)

const HOURS_MS = 2 * 3_600_000
/** Loaded before mirrord, in each of its threads: its wall clock is wrong by what a file says. */
const PRELOAD = `const fs = require('node:fs')
const { now } = Date
Date.now = () => now() + Number(fs.readFileSync(process.env.MIRRORD_TEST_STEP, 'utf8'))
`

withFuse('the wall clock of a source is set, by hours, while it is synchronized', () => {
  let pair: TestPair
  const stepFile = (): string => path.join(pair.directory, 'step')

  function step(ms: number): void {
    fs.writeFileSync(`${stepFile()}.new`, String(ms))
    fs.renameSync(`${stepFile()}.new`, stepFile())
  }

  beforeEach(async () => {
    pair = makePair()
    step(0)
    const preload = path.join(pair.directory, 'preload.cjs')
    fs.writeFileSync(preload, PRELOAD)
    const env = { NODE_OPTIONS: `--require ${preload}`, MIRRORD_TEST_STEP: stepFile() }
    await pair.one.start({ env })
    await pair.two.start()
    await pair.one.ask({ do: 'safety', safety: 'full', safetySequence: 2 })
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await pair.one.until('synchronized', ({ session }) => session.state === 'SYNCHRONIZED' && session.exposure === 'protected')
  })
  afterEach(() => pair.end())

  test.each([
    ['forward', HOURS_MS, 4 * KEEPALIVE_MS],
    // The source of an idle pair would not say for hours that it is there.
    ['back', -HOURS_MS, SOURCE_SILENT_MS + 2 * KEEPALIVE_MS]
  ])('%s: nobody takes the other one for silent', async (_, ms, forMs) => {
    const { log } = pair.one
    step(ms)
    const seen = new Set<string>()
    for (const untilMs = performance.now() + forMs; performance.now() < untilMs; await delay(KEEPALIVE_MS / 20)) {
      const { connected, session } = await pair.one.status()
      seen.add(`${connected} ${session.state} ${session.exposure}`)
    }
    expect([...seen]).toEqual(['true SYNCHRONIZED protected'])
    expect(pair.one.log).toBe(log)
  })
})
