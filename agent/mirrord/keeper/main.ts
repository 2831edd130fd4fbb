import { parseArgs } from 'node:util'
import { identify } from '../../adapters/processes'
import { writeNote } from '../../adapters/files'
import { outliveLog } from '../../adapters/standardError'
import { type Ending, Keeper } from './keeper'
import { keeperNoteFile, mirrordNoteFile } from './notes'

const USAGE = 'Usage: keeper --job NAME --node NAME --run DIRECTORY --state DIRECTORY -- MIRRORD [ARGUMENT …]\n'
const EXIT_USAGE = 2

const say = (line: string): void => void process.stderr.write(`${new Date().toISOString()} keeper: ${line}\n`)

/** The keeper of one job's mirrord: a process of its own that outlives engines. */
export function runKeeper(argv: string[]): void {
  outliveLog()
  const text = { type: 'string' } as const
  const options = { job: text, node: text, run: text, state: text }
  const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true })
  const { job, node, run, state } = values
  const [file, ...first] = positionals
  if (!job || !node || !run || !state || file === undefined) {
    process.stderr.write(USAGE)
    process.exit(EXIT_USAGE)
  }
  const places = ['--job', job, '--node', node, '--run', run, '--state', state]
  const keeperNote = keeperNoteFile(run, job)
  const identity = identify(process.pid)
  writeNote(keeperNote, identity)
  const end = (ending: Ending): void => {
    // Descriptors that nobody serves would let applications wait for ever: they are closed with this process.
    writeNote(keeperNote, { ...identity, ended: ending.why })
    process.exit(ending.code)
  }
  const keeper = new Keeper({ command: { file, args: first }, places, mirrordNote: mirrordNoteFile(run, job), say, end })
  process.on('SIGHUP', () => undefined)
  process.once('SIGTERM', () => keeper.stop())
  keeper.start()
}
