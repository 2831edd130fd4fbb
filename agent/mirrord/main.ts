import path from 'node:path'
import { parseArgs } from 'node:util'
import { ReportError } from '../../src/report/report'
import { dataError } from '../../src/wire/frame'
import { outliveLog } from '../adapters/standardError'
import { STATUS_INTERVAL_MS, type MirrordEvent } from '../../src/wire/mirrord'
import { ControlSocket } from './control/controlSocket'
import { EXIT_HANDED_OVER, KeeperLink } from './keeper/keeperLink'
import { CHECK_OPTION, checkOwn } from './keeper/successor'
import { Mirrord } from './mirrord'

const USAGE = 'Usage: mirrord --job NAME --node NAME --run DIRECTORY --state DIRECTORY [--keeper]\n'
export const EXIT_USAGE = 2
export const EXIT_FAILED = 1
/** A defect of ours; the agent reads it in its log. */
export const EXIT_DEFECT = 70
/** The last answer gets so long to leave the socket. */
const FAREWELL_MS = 50

const say = (line: string): void => void process.stderr.write(`${new Date().toISOString()} ${line}\n`)

interface Arguments {
  job: string
  node: string
  run: string
  state: string
  /** Started by a keeper, which speaks through the descriptors it has left open. */
  keeper: boolean
}

function readArguments(argv: string[]): Arguments | null {
  try {
    const text = { type: 'string' } as const
    const options = { job: text, node: text, run: text, state: text, keeper: { type: 'boolean', default: false } } as const
    const { job, node, run, state, keeper } = parseArgs({ args: argv, options }).values
    return job && node && run && state ? { job, node, run, state, keeper } : null
  } catch {
    return null
  }
}

/** The data plane of one job. It lives on when the engine goes away, and ends on `exit` or SIGTERM. */
export async function runMirrord(argv: string[], version: string): Promise<void> {
  outliveLog()
  if (argv.includes(CHECK_OPTION)) return void process.stdout.write(`${JSON.stringify(checkOwn(version))}\n`)
  const given = readArguments(argv)
  if (given === null) {
    process.stderr.write(USAGE)
    process.exit(EXIT_USAGE)
  }
  try {
    await serve(given, version)
  } catch (error) {
    say(error instanceof ReportError ? `${error.report.code}: ${error.message}` : (error as Error).message)
    process.exit(EXIT_FAILED)
  }
}

async function serve({ job, node, run, state, keeper: kept }: Arguments, version: string): Promise<void> {
  let control: ControlSocket | null = null
  const tell = (event: MirrordEvent): void => control?.tell(event)
  const leave = (handedOver: boolean): void => {
    say(handedOver ? 'ends, and leaves the rest to the next one' : 'ends')
    setTimeout(() => {
      control?.close()
      process.exit(handedOver ? EXIT_HANDED_OVER : 0)
    }, FAREWELL_MS)
  }
  const keeper = kept ? await KeeperLink.open() : null
  const mirrord = new Mirrord(job, node, path.join(state, `${job}.copy.json`), { version, say, tell, keeper, exit: leave })
  catchDefects(tell)
  process.on('SIGHUP', () => undefined)
  process.on('SIGTERM', () => void endInOrder(mirrord, 'exit'))
  process.on('SIGUSR2', () => void endInOrder(mirrord, 'handOver'))
  say(`mirrord of ${job} on ${node}, process ${process.pid}`)
  if (keeper !== null) await follow(mirrord, keeper)
  control = await ControlSocket.listen(path.join(run, `${job}.mirrord.sock`), job, (request) => mirrord.answer(request))
  keeper?.ready()
  tellStatus(mirrord, tell)
}

/** Before anybody can ask: an engine that finds the socket finds the role it knows. */
async function follow(mirrord: Mirrord, keeper: KeeperLink): Promise<void> {
  keeper.onGone = () => say('its keeper is gone: a crash from now on restarts the job')
  const { standing, after } = keeper.welcome
  if (after !== null) say(`the process before it ${after}`)
  if (standing === null) return
  try {
    await mirrord.resume(standing)
  } catch (error) {
    keeper.hopeless((error as Error).message)
    throw error
  }
}

/** A folder that is in use stays served: whoever asked us to end can see why in the log. */
async function endInOrder(mirrord: Mirrord, how: 'exit' | 'handOver'): Promise<void> {
  say(how === 'exit' ? 'asked to end' : 'asked to hand over')
  await mirrord.answer({ id: 0, do: how }).catch((error: Error) => say(`goes on: ${error.message}`))
}

function tellStatus(mirrord: Mirrord, tell: (event: MirrordEvent) => void): void {
  let said = ''
  setInterval(() => {
    const status = mirrord.status()
    const text = JSON.stringify(status)
    if (text === said) return
    said = text
    tell({ event: 'status', status })
  }, STATUS_INTERVAL_MS)
}

function catchDefects(tell: (event: MirrordEvent) => void): void {
  const defect = (error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error)
    say(`defect: ${error instanceof Error ? error.stack : message}`)
    tell({ event: 'fault', code: 'E_MIRRORD_DEFECT', message: dataError('E_MIRRORD_DEFECT', { why: message }).message })
    setTimeout(() => process.exit(EXIT_DEFECT), FAREWELL_MS)
  }
  process.on('uncaughtException', defect)
  process.on('unhandledRejection', defect)
}
