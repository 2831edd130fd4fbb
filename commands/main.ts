import { createContext, type Context, type Outcome } from './context'
import { COMMANDS } from './index'
import { realIo, type Io } from './io'
import { fail, reportOf } from './kit/fail'
import { createPaint } from './kit/paint'
import { fold, nearest } from './kit/text'
import { runbookFromStdin } from './runbook'
import { runShell } from './shell'
import { beginSimulation, type OpenSimulation } from './simulation'
import { ALIASES, LATER_WORDS } from './words'

/** The shell as a function: words in, exit code out. Never throws. */
export async function runCui(argv: string[], io: Io = realIo(), version = '0', openSimulation: OpenSimulation | null = null): Promise<number> {
  const { file, rest } = simulationFile(argv)
  const words = optionsLast(rest)
  const bare = createContext(io, version, COMMANDS, runLine)
  return reported(bare, words, async () => {
    if (file === null) return runWords(bare, words)
    if (file === '' || openSimulation === null) throw fail('E_USAGE', { what: '--sim needs the file of a configuration.', usage: 'cui --sim FILE [COMMAND]' })
    const simulation = await beginSimulation(openSimulation, file, version, Date.now())
    return runWords(createContext(io, version, COMMANDS, runLine, simulation), words)
  })
}

async function runWords(context: Context, words: string[]): Promise<Outcome> {
  if (words[0] !== undefined && !words[0].startsWith('-')) return runLine(context, words, false)
  if (words.includes('--version')) return runLine(context, ['version', ...words.filter((word) => word === '--json')], false)
  if (words.includes('--help') || words.includes('-h')) return runLine(context, ['help', ...words.filter((word) => word === '--json')], false)
  const strange = words.find((word) => !['--json', '--no-color'].includes(word))
  if (strange !== undefined) throw fail('E_USAGE', { what: `"${strange}" stands before any command.`, usage: 'cui COMMAND [OPTIONS], or cui help' })
  if (words.includes('--no-color')) context.colour = false
  if (context.io.stdin.isTTY === true) return { exitCode: await runShell(context, (typed) => runTyped(context, typed)), json: {} }
  const json = words.includes('--json')
  return printed(context, await runbookFromStdin(context, json), json)
}

/** `cui --sim FILE …`: the file, '' when it is missing, and the other words. */
function simulationFile(argv: string[]): { file: string | null; rest: string[] } {
  const place = argv.findIndex((word) => word === '--sim' || !['--json', '--no-color'].includes(word))
  if (argv[place] !== '--sim') return { file: null, rest: argv }
  return { file: argv[place + 1] ?? '', rest: [...argv.slice(0, place), ...argv.slice(place + 2)] }
}

/** `cui --json allstate` is the same as `cui allstate --json`. */
function optionsLast(argv: string[]): string[] {
  const first = argv.findIndex((word) => word !== '--json' && word !== '--no-color')
  return first <= 0 ? argv : [...argv.slice(first), ...argv.slice(0, first)]
}

async function runLine(context: Context, words: string[], silent: boolean): Promise<Outcome> {
  const typed = (words[0] ?? '').toLowerCase()
  const name = ownOf(ALIASES, typed) ?? typed
  const rest = words.slice(1)
  const json = rest.includes('--json')
  if (rest.includes('--help') || rest.includes('-h')) return runLine(context, ['help', name, ...(json ? ['--json'] : [])], silent)
  const Command = ownOf(context.commands, name)
  if (Command === undefined) throw unknownCommand(words[0] ?? '', name, context)
  const outcome = await new Command(rest, context).run()
  return printed(context, outcome, json && !silent)
}

/** Not what every object has: `constructor` is no command. */
const ownOf = <Value>(table: Record<string, Value>, name: string): Value | undefined => (Object.hasOwn(table, name) ? table[name] : undefined)

function unknownCommand(word: string, name: string, context: Context): Error {
  if (LATER_WORDS.includes(name)) return fail('E_NOT_THERE_YET', { command: name })
  return fail('E_COMMAND_UNKNOWN', { word, nearest: nearest(name, [...Object.keys(context.commands), ...Object.keys(ALIASES)]) })
}

function printed(context: Context, outcome: Outcome, json: boolean): Outcome {
  if (json && !context.interrupt.signal.aborted) context.io.stdout.write(`${JSON.stringify(outcome.json)}\n`)
  return outcome
}

/** One line typed at `cui>`, under its own Ctrl-C. */
async function runTyped(context: Context, words: string[]): Promise<void> {
  const scoped: Context = { ...context, interrupt: new AbortController() }
  const { signal } = scoped.interrupt
  const interrupted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  const stop = context.io.onInterrupt(() => scoped.interrupt.abort())
  await Promise.race([reported(scoped, words, () => runLine(scoped, words, false)), interrupted])
  stop()
  if (signal.aborted) context.io.stdout.write('^C\nLeft alone; what a node has begun goes on there. Try: allstate\n')
}

async function reported(context: Context, words: string[], work: () => Promise<Outcome>): Promise<number> {
  try {
    return (await work()).exitCode
  } catch (thrown) {
    if (context.interrupt.signal.aborted) return 1
    return showFailure(context, words, thrown)
  }
}

/** What happened, on which node, and what to do next. */
function showFailure(context: Context, words: string[], thrown: unknown): number {
  const { code, message, tryThis, node, exitCode } = reportOf(thrown)
  if (words.includes('--json')) {
    context.io.stdout.write(`${JSON.stringify({ error: { code, message, tryThis, node: node ?? null, exitCode } })}\n`)
    return exitCode
  }
  const stream = context.interactive ? context.io.stdout : context.io.stderr
  const paint = createPaint(context.colour && stream.isTTY === true && !words.includes('--no-color'))
  const told = paint.bad(node === undefined || message.includes(node) ? message : `[${node}]: ${message}`)
  stream.write(`${fold(stream, tryThis === '' ? told : `${told}\nTry: ${tryThis}`)}\n`)
  return exitCode
}
