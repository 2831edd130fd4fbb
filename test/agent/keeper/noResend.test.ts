import fs from 'node:fs'
import path from 'node:path'
import { programCommand } from '../../../agent/native/programs'
import { withFuse } from '../capture/fuse'
import { delay, makePair, isMirrored, type TestPair } from '../mirrord/pair'

const TEST_TIMEOUT_MS = 60_000
const DIST = path.dirname(programCommand('mirrord').args[0]!)
/** Beside dist/, so that it finds the native parts. */
const OLD_KERNEL = path.join(DIST, '..', '.build', `noResend.${process.pid}`)
const FLAG = /\bINIT_HAS_RESEND_HIGH = 1 << 7;/
const WHY = 'this kernel (before Linux 6.9) does not send the requests of a dead process again'

/** mirrord as it is, to which the kernel's word that it sends requests again says nothing: as with a kernel that does not. */
function makeProgram(): void {
  fs.mkdirSync(OLD_KERNEL, { recursive: true })
  const files = fs.readdirSync(DIST).filter((name) => /^(agent|mirrord|.*\.worker)\.cjs$/.test(name))
  for (const name of files) fs.copyFileSync(path.join(DIST, name), path.join(OLD_KERNEL, name))
  const thread = path.join(OLD_KERNEL, 'capture.worker.cjs')
  const text = fs.readFileSync(thread, 'utf8')
  expect(text).toMatch(FLAG)
  fs.writeFileSync(thread, text.replace(FLAG, 'INIT_HAS_RESEND_HIGH = 0;'))
}

withFuse('a kernel that does not send the requests of a dead mirrord again', () => {
  let pair: TestPair
  beforeAll(makeProgram)
  afterAll(() => fs.rmSync(OLD_KERNEL, { recursive: true, force: true }))
  beforeEach(async () => {
    pair = makePair()
    await pair.one.start({ kept: true, program: path.join(OLD_KERNEL, 'mirrord.cjs') })
    await pair.two.start({ kept: true })
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await equal()
  }, TEST_TIMEOUT_MS)
  afterEach(() => pair.end(), TEST_TIMEOUT_MS)

  const equal = async (): Promise<void> => {
    await pair.one.until('equal', isMirrored)
    await pair.two.until('complete', ({ copyComplete }) => copyComplete)
  }
  const ended = (): string | undefined => JSON.parse(fs.readFileSync(path.join(pair.directory, 'RMHW131-run', 'DB_Group.keeper.json'), 'utf8')).ended

  test(
    'its death ends the mount at once instead of letting anybody wait, says why, and another one starts cleanly and compares',
    async () => {
      fs.writeFileSync(path.join(pair.one.folder, 'before'), 'x')
      process.kill(pair.one.pid, 'SIGKILL')
      // What the engine reads, and why it restarts the job.
      while (ended() === undefined) await delay(20)
      expect(ended()).toBe(`was ended by SIGKILL, and cannot be replaced: ${WHY}`)
      expect(() => fs.readdirSync(pair.one.folder)).toThrow(/ENOTCONN|ECONNABORTED/)
      await pair.one.start({ kept: true })
      await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: true })
      fs.writeFileSync(path.join(pair.one.folder, 'after'), 'x')
      await equal()
      await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
      expect(fs.readdirSync(pair.two.folder)).toEqual(['after', 'before'])
      expect(pair.one.log).toContain('difference from LSN')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'it does not hand over either, and goes on',
    async () => {
      const { pid } = pair.one
      await expect(pair.one.ask({ do: 'handOver' })).rejects.toMatchObject({ code: 'E_HAND_OVER', message: expect.stringContaining(WHY) })
      expect(pair.one.pid).toBe(pid)
      fs.writeFileSync(path.join(pair.one.folder, 'still'), 'served')
      await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
      expect(fs.readFileSync(path.join(pair.two.folder, 'still'), 'utf8')).toBe('served')
    },
    TEST_TIMEOUT_MS
  )
})
