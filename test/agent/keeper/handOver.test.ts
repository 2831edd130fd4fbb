import fs from 'node:fs'
import path from 'node:path'
import { programCommand } from '../../../agent/native/programs'
import type { ProgramCommand } from '../../../src/wire/mirrord'
import { compareTrees } from '../../kit/compareTrees'
import { numbersTo, OpenWriter } from '../../kit/openWriter'
import { withFuse } from '../capture/fuse'
import { makePair, isMirrored, type TestMirrord, type TestPair } from '../mirrord/pair'

const TEST_TIMEOUT_MS = 60_000
const PAUSED_MS_MAX = 8_000
const { version } = JSON.parse(fs.readFileSync(path.join(__dirname, '..', '..', '..', 'package.json'), 'utf8')) as { version: string }

withFuse('mirrord hands over to the installed program with the job online', () => {
  let pair: TestPair
  let writer: OpenWriter

  beforeEach(async () => {
    pair = makePair()
    await pair.one.start({ kept: true })
    await pair.two.start({ kept: true })
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await equal()
    writer = new OpenWriter(pair.one.folder, path.join(pair.directory, 'stop'))
  }, TEST_TIMEOUT_MS)
  afterEach(async () => {
    writer.kill()
    await pair.end()
  }, TEST_TIMEOUT_MS)

  async function equal(): Promise<void> {
    await pair.one.until('equal', isMirrored)
    await pair.two.until('complete', ({ copyComplete }) => copyComplete)
  }

  /** Its file was open through all of it: no error, every number once, in order, on both sides. */
  async function writerNoticedNothing(): Promise<void> {
    const { code, count } = await writer.stop()
    expect(code).toBe(0)
    await equal()
    await pair.one.ask({ do: 'drain', timeoutMs: 20_000 })
    expect(count).toBeGreaterThan(0)
    expect(fs.readFileSync(writer.file, 'utf8')).toBe(numbersTo(count))
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
  }

  /** A program of one file. `--check` is answered as this version does, unless the text says otherwise. */
  function program(name: string, text: string): ProgramCommand {
    const file = path.join(pair.directory, `${name}.cjs`)
    const mirrord = JSON.stringify(programCommand('mirrord').args[0])
    fs.writeFileSync(file, text.replaceAll('MIRRORD', mirrord))
    return { file: process.execPath, args: [file] }
  }

  const programOf = async (one: TestMirrord) => (await one.status()).program

  test(
    'source and target, one after the other: a moment of waiting, nothing to compare, and it says how long',
    async () => {
      for (const side of [pair.two, pair.one]) {
        const { pid } = side
        const installed = program(side.node, 'require(MIRRORD)')
        await side.handOver(installed)
        const now = await programOf(side)
        expect(now).toEqual({ version, pid: side.pid, pausedMs: expect.any(Number), insteadWhy: null })
        expect(side.pid).not.toBe(pid)
        expect(now!.pausedMs).toBeLessThan(PAUSED_MS_MAX)
        expect(fs.readFileSync(`/proc/${side.pid}/cmdline`, 'utf8')).toContain(installed.args[0])
        await equal()
      }
      await writerNoticedNothing()
      expect(pair.one.log).not.toContain('a comparison of what may differ follows')
      // What another death does: the program that was installed last goes on.
      await pair.one.crash()
      expect(await programOf(pair.one)).toMatchObject({ pausedMs: null, insteadWhy: null })
      expect(fs.readFileSync(`/proc/${pair.one.pid}/cmdline`, 'utf8')).toContain('RMHW131.cjs')
    },
    TEST_TIMEOUT_MS
  )

  const BROKEN: [how: string, text: string | null, why: string][] = [
    ['half of it was copied', 'const half = {', 'SyntaxError'],
    ['a part of it is missing', "require('./not-there.cjs')", "Cannot find module './not-there.cjs'"],
    ['it is not there', null, 'Cannot find module'],
    ['it is another program', "process.stdout.write('hello')", 'it does not know --check'],
    ['it cannot read the table of this one', 'process.stdout.write(JSON.stringify({ version: "9.0.0", tableFormat: 99 }))', 'format 99']
  ]

  test(
    'a program that cannot take over is refused before anything has changed',
    async () => {
      const { pid } = pair.one
      for (const [how, text, why] of BROKEN) {
        const installed = text === null ? { file: process.execPath, args: [path.join(pair.directory, 'none.cjs')] } : program('broken', text)
        const refused = pair.one.ask({ do: 'handOver', command: installed })
        await expect(refused.catch((error: Error) => `${how}: ${error.message}`)).resolves.toContain(why)
      }
      const gone = pair.one.ask({ do: 'handOver', command: { file: path.join(pair.directory, 'none'), args: [] } })
      await expect(gone).rejects.toMatchObject({ code: 'E_MIRRORD_SUCCESSOR', message: expect.stringContaining('ENOENT') })
      expect(pair.one.pid).toBe(pid)
      await writerNoticedNothing()
    },
    TEST_TIMEOUT_MS
  )

  const FAILING: [how: string, text: string, why: string][] = [
    ['it ends at its start', "if (process.argv.includes('--check')) require(MIRRORD); else process.exit(3)", 'ended with exit code 3'],
    [
      'it says that it cannot go on',
      `if (process.argv.includes('--check')) require(MIRRORD)
       else { require('node:fs').writeSync(3, JSON.stringify({ hopeless: 'it cannot read this' }) + '\\n'); process.exit(1) }`,
      'it cannot read this'
    ]
  ]

  test.each(FAILING)(
    'a program that starts and then fails (%s): the one before goes on, and says why',
    async (_how, text, why) => {
      for (const side of [pair.one, pair.two]) {
        await side.handOver(program('failing', text))
        expect(await programOf(side)).toMatchObject({ version, pid: side.pid, insteadWhy: expect.stringContaining(why) })
        await equal()
      }
      await writerNoticedNothing()
    },
    TEST_TIMEOUT_MS
  )

  test(
    'where nobody could go on it is refused: nothing is served, or no keeper is there',
    async () => {
      await pair.two.ask({ do: 'stop', force: false })
      await expect(pair.two.ask({ do: 'handOver' })).rejects.toMatchObject({ code: 'E_HAND_OVER', message: expect.stringContaining('it serves nothing') })
      await pair.two.leave()
      await pair.two.start()
      await pair.two.ask({ do: 'target', roleSequence: 1 })
      await expect(pair.two.ask({ do: 'handOver' })).rejects.toMatchObject({ code: 'E_HAND_OVER', message: expect.stringContaining('no keeper') })
      await equal()
      await writerNoticedNothing()
    },
    TEST_TIMEOUT_MS
  )

  test('an engine of a later version says more than this one knows: it is understood, and the successor learns it', async () => {
    const later = { ...pair.two.config, colour: 'blue' }
    const other = { ...later, colour: 'green' }
    await pair.two.ask({ do: 'stop', force: false })
    for (const config of [other, later]) await pair.two.ask({ do: 'configure', config })
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.two.handOver()
    await pair.two.ask({ do: 'configure', config: later })
    await expect(pair.two.ask({ do: 'configure', config: other })).rejects.toMatchObject({ code: 'E_MIRRORD_CONFIG' })
  })
})
