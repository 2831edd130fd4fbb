import path from 'node:path'
import { parseArgs } from 'node:util'
import { identify } from '../../adapters/processes'
import { fileWord, writeNote } from '../../adapters/files'
import { type Ending, Keeper } from './keeper'

const USAGE = 'Usage: keeper --job NAME --run DIRECTORY -- PROGRAM [ARGUMENT …]\n'
const EXIT_USAGE = 2

const say = (line: string): void => void process.stderr.write(`${new Date().toISOString()} keeper: ${line}\n`)

export const mirrordNoteFile = (run: string, job: string): string => path.join(run, `${fileWord(job)}.mirrord.json`)
export const keeperNoteFile = (run: string, job: string): string => path.join(run, `${fileWord(job)}.keeper.json`)

/** The keeper of one job's mirrord: a process of its own that outlives engines. */
export function runKeeper(argv: string[]): void {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({ args: argv, options: { job: text, run: text }, allowPositionals: true })
  const [file, ...args] = positionals
  if (!values.job || !values.run || file === undefined) {
    process.stderr.write(USAGE)
    process.exit(EXIT_USAGE)
  }
  const { job, run } = values
  const keeperNote = keeperNoteFile(run, job)
  const identity = identify(process.pid)
  writeNote(keeperNote, identity)
  const end = (ending: Ending): void => {
    // Descriptors that nobody serves would let applications wait for ever: they are closed with this process.
    writeNote(keeperNote, { ...identity, ended: ending.why })
    if (ending.code !== 0) say(`mirrord ${ending.why}`)
    process.exit(ending.code)
  }
  const keeper = new Keeper({ command: { file, args }, mirrordNote: mirrordNoteFile(run, job), say, end })
  process.on('SIGHUP', () => undefined)
  process.once('SIGTERM', () => keeper.stop())
  keeper.start()
}
