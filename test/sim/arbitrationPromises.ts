import type { Action, Event } from '../../src/core'
import type { JobRecord } from '../../src/model'
import { serves } from '../fakes/machine'
import { JOB } from '../fakes/pairConfig'
import type { FakeNode } from '../fakes/fakeNode'
import type { World } from '../fakes/world'

/** A node asks again after five seconds; the answer, a probe of the address, a fence agent and a slow disk take their time. */
const ANSWER_OLD_MS = 25_000
/** Two answers in a row that it is not reached, then what was begun is stopped; a heartbeat is missed only after its silence. */
const STOPS_WITHIN_MS = 25_000

const CUT_OFF_MISSES = 2
/** Of a plan that begins now; one that is under way is stopped when it has ended. */
const FIRST_TASK = 1

/** What one node was told since it lost the other one. */
interface Told {
  reached: { yes: boolean; atMs: number } | null
  /** Its newest order to the fence agent, and whether that said that the other one is off. */
  fencing: number | null
  fenced: boolean
  /** It is known since then that nobody is heard and nothing reached; null: it is not so, or something was reached since the other one was lost. */
  cutOffSinceMs: number | null
  ever: boolean
  /** It was cut off and served at each look since then. */
  servesSinceMs: number | null
}

const nothing = (): Told => ({ reached: null, fencing: null, fenced: false, cutOffSinceMs: null, ever: false, servesSinceMs: null })

/** What a pair that asks for arbitration promises: who has lost the other one takes over by the leave of that alone, and who is cut off stops. */
export class ArbitrationPromises {
  private readonly told = new Map<string, Told>()
  /** Taken without being asked about: by an administrator's word, or from a node that had said that it shuts down. */
  private readonly unasked = new Set<number>()
  takeovers = 0

  check(node: FakeNode, actions: Action[], event: Event): void {
    const told = this.listen(node, actions, event)
    if (event.kind === 'ticked') checkCutOff(node, told, event.atMs)
    checkBegins(node, told, actions)
    const persist = actions[0]?.do === 'persist' ? actions[0].records[JOB] : undefined
    if (persist && takes(node, persist)) this.checkTakes(node, persist, told, event.atMs)
  }

  /** Nothing that was said before the other node was heard again, or had said that it shuts down, counts. A fence agent says how it is when it has ended. */
  private listen(node: FakeNode, actions: Action[], event: Event): Told {
    const known = this.told.get(node.name)
    const told = known === undefined || event.kind === 'booted' ? nothing() : node.state?.peerAlive === 'up' ? { ...nothing(), fencing: known.fencing } : known
    this.told.set(node.name, told)
    if (node.state?.reach === null) Object.assign(told, { reached: null, cutOffSinceMs: null, ever: false })
    if (event.kind === 'reachTold' && node.state?.reach?.asked === event.number) {
      told.reached = { yes: event.reached, atMs: event.atMs }
      told.ever ||= event.reached
      told.cutOffSinceMs = told.ever ? null : (told.cutOffSinceMs ?? event.atMs)
    }
    if (event.kind === 'orderEnded' && event.task === told.fencing && node.state?.peerAlive !== 'up') {
      told.fenced = event.outcome.ok
      told.fencing = null
    }
    for (const action of actions) if (action.do === 'order' && action.order.do === 'fence') told.fencing = action.task
    return told
  }

  private checkTakes(node: FakeNode, now: JobRecord, told: Told, atMs: number): void {
    const { state } = node
    if (state === null || state.peerAlive === 'up') return
    if (now.takeReason !== 'failover' || state.heartbeat?.peerLeaving === true) return void this.unasked.add(now.roleSequence)
    this.takeovers += 1
    if (told.reached?.yes !== true) throw new Error(`${node.name} took over and was not told that it reaches the address`)
    if (atMs - told.reached.atMs > ANSWER_OLD_MS) throw new Error(`${node.name} took over by an answer of ${atMs - told.reached.atMs} ms ago`)
    if (state.config.arbitration?.fence && !told.fenced) throw new Error(`${node.name} took over and its fence agent had not said that the other one is off`)
  }

  /** What was fenced serves nothing: the two never serve at one moment, whatever the network does. */
  served(world: World, node: FakeNode, what: string): void {
    const other = world.other(node)
    const newest = Math.max(...Object.values(world.nodes).map(({ disk }) => disk?.[JOB]?.roleSequence ?? 0))
    if (world.config.arbitration?.fence && !this.unasked.has(newest) && serves(other.machine))
      throw new Error(`${node.name} ${what} while ${other.name}, which was to be fenced, serves, at ${world.nowMs}`)
  }
}

function takes({ name, disk }: FakeNode, now: JobRecord): boolean {
  const before = disk?.[JOB]
  return before !== undefined && now.owner === name && now.roleSequence > before.roleSequence
}

/** Two answers in a row: it knows. */
function checkBegins({ name, state }: FakeNode, { cutOffSinceMs }: Told, actions: Action[]): void {
  if (cutOffSinceMs === null || (state?.reach?.misses ?? 0) < CUT_OFF_MISSES || state?.jobs[JOB]?.forcing === true) return
  const begins = actions.some((action) => action.do === 'order' && action.order.do === 'source' && action.task === FIRST_TASK)
  if (begins) throw new Error(`${name} begins to serve and is cut off`)
}

/** Whose start was forced serves alone by its administrator's word. */
function checkCutOff({ name, machine, state }: FakeNode, told: Told, atMs: number): void {
  const goesOn = told.cutOffSinceMs !== null && state?.jobs[JOB]?.forcing === false && serves(machine)
  told.servesSinceMs = goesOn ? (told.servesSinceMs ?? atMs) : null
  const servedMs = atMs - (told.servesSinceMs ?? atMs)
  if (servedMs > STOPS_WITHIN_MS) throw new Error(`${name} serves, and has reached nobody for ${servedMs} ms`)
}
