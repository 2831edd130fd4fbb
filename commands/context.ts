import type { Interfaces } from '@oclif/core'
import type { Io } from './io'
import { createPaint, type Paint } from './kit/paint'
import { COLUMNS, fold } from './kit/text'
import { Store } from './kit/store'
import { SimulationStore, type Simulation } from './simulation'

/** What `help COMMAND` shows besides the options. */
export interface HelpText {
  summary: string
  usage: string
  example: string
  /** Chapter of the operation guide, where it has one. */
  guide?: string
}

/** A command of the grammar: made for one line, run once. */
export interface CommandClass {
  new (argv: string[], context: Context): { run(): Promise<Outcome> }
  about: HelpText
  flags: Interfaces.FlagInput
}

/** What a command knows: the terminal, the open nodes, the defaults set by `use`, the whole grammar. */
export interface Context {
  io: Io
  store: Store
  /** Instead of servers; null: the servers are real. */
  simulation: Simulation | null
  version: string
  commands: Record<string, CommandClass>
  colour: boolean
  use: { node: string | null; job: string | null }
  /** Typed at `cui>`: exit ends the loop, exit codes only show in the words. */
  interactive: boolean
  /** Lines pasted ahead; questions take from here first. */
  typedAhead: string[]
  /** `ended` is set by `exit`. */
  flow: { ended: boolean }
  /** Runbooks around the command that runs now. */
  depth: number
  /** Aborted by Ctrl-C while a command waits; each line typed has its own. */
  interrupt: AbortController
  /** `silent`: the object of --json goes to the caller only. */
  runLine(context: Context, words: string[], silent: boolean): Promise<Outcome>
}

/** Where a command's words go. With --json only the one object is printed. */
export interface Output {
  json: boolean
  paint: Paint
  line(text?: string): void
  /** For the running step that is updated in place; null when output is no terminal. */
  raw: ((text: string) => void) | null
}

/** What a line of words may take; in a pipe they are not broken. */
export const columnsOf = (context: Context, output: Output): number => (output.raw === null ? Infinity : context.io.stdout.columns || COLUMNS)

/** A command that did not throw: its object for --json, and 0, or 1 when there are problems. */
export interface Outcome {
  exitCode: number
  json: object
  /** What was asked for has not come about, and the words above say why: a runbook stops here, in this sentence. */
  failed?: string
}

export function createContext(
  io: Io,
  version: string,
  commands: Context['commands'],
  runLine: Context['runLine'],
  simulation: Simulation | null = null
): Context {
  return {
    io,
    store: simulation === null ? new Store(io.env) : new SimulationStore(io.env, simulation),
    simulation,
    version,
    commands,
    colour: io.stdout.isTTY === true && !io.env['NO_COLOR'] && io.env['TERM'] !== 'dumb',
    use: { node: null, job: null },
    interactive: false,
    typedAhead: [],
    flow: { ended: false },
    depth: 0,
    interrupt: new AbortController(),
    runLine
  }
}

export function createOutput(context: Context, options: { json: boolean; noColour: boolean }): Output {
  const { stdout } = context.io
  // A command that Ctrl-C has left behind must not write into what is typed next.
  const { signal } = context.interrupt
  const write = (text: string): void => {
    if (!options.json && !signal.aborted) stdout.write(text)
  }
  return {
    json: options.json,
    paint: createPaint(context.colour && !options.noColour && !options.json),
    line: (text = '') => write(`${fold(stdout, text)}\n`),
    raw: stdout.isTTY === true && !options.json ? write : null
  }
}
