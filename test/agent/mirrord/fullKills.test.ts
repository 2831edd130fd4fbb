import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { withFuse } from '../capture/fuse'
import { makePair, type TestMirrord, type TestPair } from './pair'

const TEST_TIMEOUT_MS = 90_000
const STATE_TIMEOUT_MS = 40_000
const KILLS = 2
/** Says the number of a record when fsync has returned; ends at the first error. */
const WRITER = `
const fs = require('node:fs')
const file = fs.openSync(process.argv[1], 'a')
for (let record = 0; ; record++) {
  fs.writeSync(file, record + '\\n')
  fs.fsyncSync(file)
  fs.writeSync(1, record + '\\n')
}`

withFuse('mirrord dies under safety FULL, below an application that fsyncs', () => {
  let pair: TestPair
  let writer: ChildProcess
  let said = ''

  beforeEach(async () => {
    pair = makePair()
    await pair.one.start({ kept: true })
    await pair.two.start({ kept: true })
    await pair.one.ask({ do: 'safety', safety: 'full', safetySequence: 2 })
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await synchronized()
    said = ''
    writer = spawn(process.execPath, ['-e', WRITER, path.join(pair.one.folder, 'records')], { stdio: ['ignore', 'pipe', 'ignore'] })
    writer.stdout!.on('data', (text) => (said += String(text)))
    await acknowledgedMore()
  }, TEST_TIMEOUT_MS)
  afterEach(async () => {
    writer.kill('SIGKILL')
    await pair.end()
  }, TEST_TIMEOUT_MS)

  async function synchronized(): Promise<void> {
    await pair.one.until('SYNCHRONIZED', ({ session }) => session.state === 'SYNCHRONIZED', STATE_TIMEOUT_MS)
  }

  const acknowledged = (): number => said.split('\n').length - 1

  /** The application goes on: it was told of some more records. */
  async function acknowledgedMore(): Promise<void> {
    const before = acknowledged()
    while (acknowledged() < before + 5 && writer.exitCode === null) await once(writer.stdout!, 'data')
    expect(writer.exitCode).toBeNull()
  }

  /** The power of the source goes: nothing of it serves, and nothing comes after it. */
  async function sourceDies(): Promise<void> {
    const { pid } = pair.one
    await pair.one.kill()
    process.kill(pid, 'SIGKILL')
    execFileSync('umount', ['-l', pair.one.folder])
    await once(writer, 'close')
  }

  async function takesOver(side: TestMirrord): Promise<void> {
    await side.ask({ do: 'stop', force: false })
    await side.ask({ do: 'source', roleSequence: 2, peerCopyComplete: false })
  }

  test.each(['one', 'two'] as const)(
    'the one of node %s: no error, SYNCHRONIZED again by itself, and a takeover lacks no record that was acknowledged',
    async (name) => {
      for (let kill = 0; kill < KILLS; kill++) {
        await pair[name].crash()
        await acknowledgedMore()
        await synchronized()
        await acknowledgedMore()
      }
      await sourceDies()
      const promised = acknowledged()
      await takesOver(pair.two)
      const lines = fs.readFileSync(path.join(pair.two.folder, 'records'), 'utf8').split('\n')
      expect(lines.slice(0, promised)).toEqual(Array.from({ length: promised }, (_, record) => String(record)))
      expect([...pair.one.faults, ...pair.two.faults]).toEqual([])
    },
    TEST_TIMEOUT_MS
  )
})
