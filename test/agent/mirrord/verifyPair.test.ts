import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import type { VerifyReport } from '../../../src/wire/mirrord'
import { compareTrees } from '../../kit/compareTrees'
import { delay, makePair, isMirrored, type TestPair } from './pair'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') ? test : test.skip
jest.setTimeout(120_000)
const LARGE_BYTES = 3_000_000
const FLIPPED_AT = 1_000_000
const BLOCK = 65_536
const PAUSE_MS = 3

let pair: TestPair
let application: { stop(): Promise<void> } | null = null
beforeEach(() => (pair = makePair()))
afterEach(async () => {
  await application?.stop()
  await pair.end()
})

/** Writes small files all the time, until it is told to stop. */
function writer(folder: string): { stop(): Promise<void> } {
  let stopped = false
  const works = (async () => {
    for (let round = 0; !stopped; round++) {
      fs.writeFileSync(path.join(folder, `w${round % 20}`), String(round).repeat(1_000))
      await delay(PAUSE_MS)
    }
  })()
  return {
    async stop() {
      stopped = true
      await works
    }
  }
}

/** What only somebody inside the standby's mount name space, below its read-only mount, can do. */
function spoil(folder: string, script: string): void {
  const mounted = fs.readFileSync('/proc/mounts', 'utf8').includes(` ${folder} `)
  if (mounted) execFileSync('umount', [folder])
  execFileSync('sh', ['-ec', script], { cwd: folder })
}

asRoot('a flipped byte, a missing, an extra and a touched file of the standby are found, listed and repaired while the application writes', async () => {
  const { one, two } = pair
  fs.mkdirSync(path.join(one.folder, 'd'))
  fs.writeFileSync(path.join(one.folder, 'large'), Buffer.alloc(LARGE_BYTES, 'abc'))
  for (const name of ['one', 'two', 'd/three']) fs.writeFileSync(path.join(one.folder, name), name)
  await one.start()
  await two.start()
  await two.ask({ do: 'target', roleSequence: 1 })
  await one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
  application = writer(one.folder)
  const whole = await one.until('complete', isMirrored)
  expect(whole.verify.differences).toBeNull()
  const flip = `printf X | dd of=large bs=1 seek=${FLIPPED_AT} conv=notrunc status=none; touch -r one large`
  spoil(two.folder, `touch -r large kept; ${flip}; touch -r kept large; rm kept d/three; touch -d 2001-01-01 two; echo more > extra`)

  await one.ask({ do: 'verify', action: 'start', mode: 'full' })
  const done = await one.until('compared', ({ verify }) => verify.state === 'Idle' && verify.differences !== null)
  await application.stop()
  const report = (await one.ask({ do: 'verifyReport', from: 0, max: 100 })) as VerifyReport
  expect(report).toMatchObject({ mode: 'full', state: 'Idle', total: done.verify.differences })
  const told = report.differences.map(({ path: name, what, offset, length }) => ({ name, what, offset, length }))
  expect(told).toContainEqual({ name: 'large', what: 'content', offset: Math.floor(FLIPPED_AT / BLOCK) * BLOCK, length: BLOCK })
  expect(told).toContainEqual({ name: 'd/three', what: 'missing', offset: 0, length: 0 })
  expect(told).toContainEqual({ name: 'extra', what: 'extra', offset: 0, length: 0 })
  expect(told).toContainEqual({ name: 'two', what: 'attributes', offset: 0, length: 0 })
  // The application's own files are no differences, however fast they change.
  expect(told.filter(({ name }) => name.startsWith('w'))).toEqual([])
  await one.ask({ do: 'drain', timeoutMs: 20_000 })
  expect(compareTrees(one.folder, two.folder, {})).toEqual([])

  await one.ask({ do: 'verify', action: 'start', mode: 'full' })
  const again = await one.until('compared again', ({ verify }) => verify.state === 'Idle' && verify.differences === 0)
  expect(again.needToVerify).toBe('No')
})
