import { cut, heal, kill, pause, powercut, resume, shutdown, start } from './faults'
import { down } from './down'
import { LabError } from './labError'
import { describe, observerCommand } from './observe'
import { parseUp, takeName } from './options'
import { labPlaces } from './places'
import { isHost, isNode, NODES } from './plan'
import { execInside, onTerminal, runShell } from './shell'
import { type LabState, openLab, withLock } from './state'
import { printStatus } from './statusText'
import { up } from './up'

export const HELP = `A real pair on one machine: namespaces, virtual cables, disks of its own. Needs root.

  npm run --silent lab -- VERB [--name NAME] …

  up [--config FILE] [--jobs A,B] [--application none|postgres|pgsql|kv|records|"COMMAND"] [--folder DIR] [--fs ext4|xfs] [--size 4G]
     [--heartbeat 500ms] [--miss 3] [--mode guide|high-availability|high-protection|high-performance] [--quorum lease=3s] [--data partnerTimeout=2s]
     [--boot waitForPeer=30s]
                                         builds the lab; returns when both agents answer and hear each other; --mode high-availability brings a witness
  down                                   takes everything away
  status [--json]                        hosts, cables, agents, jobs
  cui [ARGS…]                            the shell at the client, logged in on both nodes
  exec RMHW131|RMHW132|witness|client -- CMD…
  cut NAME · heal NAME|all               a cable: service, link-0, link-1; one end of it: RMHW131:link-0; between two hosts: RMHW131-witness,
                                         one way RMHW131>RMHW132, of one cable RMHW131>RMHW132:link-0 (what is sent is lost, the carrier stays)
  kill NODE|witness [--engine]           the node dies; --engine: only its engine does
  powercut NODE|witness                  the node dies and its disk loses what was not flushed
  shutdown NODE|witness                  its jobs are handed over in order, then it is off
  pause NODE · resume NODE               all its programs stand still
  start NODE                             switches a dead node on, or starts a dead engine
`

type Verb = (name: string, args: string[]) => number | Promise<number>

const say = (text: string): number => {
  process.stdout.write(`${text}\n`)
  return 0
}

/** Where the user typed, also through npm. */
const callerDirectory = () => process.env.INIT_CWD ?? process.cwd()

/** A verb that changes the lab: one at a time. */
const changing =
  (work: (places: ReturnType<typeof labPlaces>, state: LabState, args: string[]) => string): Verb =>
  (name, args) =>
    withLock(labPlaces(name), () => {
      const { places, state } = openLab(name)
      return say(work(places, state, args))
    })

const VERBS: Record<string, Verb> = {
  up: (name, args) => withLock(labPlaces(name), () => up(parseUp(['--name', name, ...args])) ?? 0),
  down: (name) => withLock(labPlaces(name), () => say(down(name) ? `The lab ${name} is gone.` : `There is no lab ${name}.`)),
  status: (name, args) => {
    const { places, state } = openLab(name)
    const description = describe(places, state)
    return say(args.includes('--json') ? JSON.stringify(description, null, 2) : printStatus(description))
  },
  observe: (name, args) => {
    const { places, state } = openLab(name)
    return onTerminal([...observerCommand(places, state, NODES), ...args])
  },
  cui: (name, args) => {
    const { places, state } = openLab(name)
    return runShell(places, state, args, callerDirectory())
  },
  exec: (name, args) => {
    const { places, state } = openLab(name)
    const [host = '', separator, ...command] = args
    if (!isHost(host)) throw new LabError(`"${host}" is no host of the lab`, 'lab exec RMHW131|RMHW132|witness|client -- CMD…', 2)
    const words = separator === '--' ? command : [separator ?? '', ...command].filter((word, place) => place > 0 || word !== '')
    if (words.length === 0) throw new LabError('there is no command to run', `lab exec ${host} -- CMD…`, 2)
    // A node has files of its own: the caller's directory means something only outside them.
    return execInside(places, state, host, words, isNode(host) ? '/' : callerDirectory())
  },
  cut: changing((places, state, [cable = '']) => cut(places, state, cable)),
  heal: changing((places, state, [cable = '']) => heal(places, state, cable)),
  kill: changing((places, state, args) =>
    kill(
      places,
      state,
      args.find((word) => !word.startsWith('--')),
      { engine: args.includes('--engine') }
    )
  ),
  powercut: changing((places, state, [host]) => powercut(places, state, host)),
  shutdown: changing((places, state, [host]) => shutdown(places, state, host)),
  pause: changing((places, state, [host]) => pause(places, state, host)),
  resume: changing((places, state, [host]) => resume(places, state, host)),
  start: changing((places, state, [host]) => start(places, state, host))
}

/** Verbs that hand their words on keep every one of them; only a `--name` in front is the lab's. */
const HANDS_ON = ['cui', 'exec', 'observe']

export async function runVerb(words: string[]): Promise<number> {
  const before = takeName(words)
  const [verb = 'help', ...args] = before.rest
  if (['help', '--help', '-h'].includes(verb)) return say(HELP)
  const run = VERBS[verb]
  if (!run)
    throw new LabError(
      `the lab has no verb "${verb}"`,
      `one of: ${Object.keys(VERBS)
        .filter((word) => word !== 'observe')
        .join(', ')}`,
      2
    )
  const { name, rest } = before.rest.length < words.length ? { name: before.name, rest: args } : nameOf(verb, args)
  return run(name, rest)
}

function nameOf(verb: string, args: string[]): { name: string; rest: string[] } {
  if (HANDS_ON.includes(verb)) return takeName(args)
  const place = args.findIndex((word) => word === '--name' || word.startsWith('--name='))
  if (place < 0) return takeName(args)
  const taken = takeName(args.slice(place))
  return { name: taken.name, rest: [...args.slice(0, place), ...taken.rest] }
}
