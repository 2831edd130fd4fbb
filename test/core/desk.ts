import { isDeepStrictEqual } from 'node:util'
import { initialState, nodeView, step, type Action, type Event, type Failure, type Happening, type HeartbeatFacts, type State } from '../../src/core'
import { type Config, type JobMode, type JobRecord, SAFETY_OF_MODE } from '../../src/model'
import type { CommandOptions, JobCommand, JobView, MirrordStatus, NodeView } from '../../src/wire'
import { blankMachine, statusOf } from '../fakes/machine'
import { A, B, DATA, JOB, jobConfig, pairConfig } from '../fakes/pairConfig'

export const HASH = '0123456789abcdef'
const ENGINE_START = { kind: 'booted', bootId: 'this-boot' } as const

/** One node's decisions on a table: facts go in one by one, and what follows is looked at. Every call is checked for purity. */
export class Desk {
  state: State
  actions: Action[] = []
  atMs = 1_000
  /** Somebody has set the wall clock. */
  wallOffMs = 0
  private request = 0

  constructor(
    readonly node: string,
    readonly config: Config = pairConfig()
  ) {
    this.state = initialState({ node, config, configHash: HASH, incarnation: `${node}-1` })
  }

  /** The input stays as it was (it is frozen), and the same input gives the same output. */
  tell(happening: Happening, passedMs = 10): Action[] {
    this.atMs += passedMs
    const event = deepFreeze({ ...happening, atMs: this.atMs, wallMs: 1_569_252_366_000 + this.atMs + this.wallOffMs } as Event)
    const first = step(deepFreeze(this.state), event)
    if (!isDeepStrictEqual(step(this.state, event), first)) throw new Error(`two equal calls of step differ: ${event.kind}`)
    this.state = first.state
    this.actions = first.actions
    return first.actions
  }

  get job() {
    return this.state.jobs[JOB]!
  }

  get orders(): string[] {
    return this.actions.flatMap((action) => (action.do === 'order' ? [action.order.do] : []))
  }

  get logs(): string[] {
    return this.actions.flatMap((action) => (action.do === 'log' ? [`${action.level}: ${action.text}`] : []))
  }

  boot(record: JobRecord | null): this {
    this.tell({ ...ENGINE_START, records: record && { [JOB]: record } })
    this.endAll((order) =>
      order === 'observe' ? { held: [], running: [], data: this.config.jobs[JOB]?.data ? { ran: false, status: dataStatus({}) } : null } : null
    )
    return this
  }

  /** Every order under way ends well, and those that follow, until nothing is under way. */
  endAll(result: (order: string) => unknown = () => null): this {
    for (let plan = this.job.plan; plan; plan = this.job.plan) this.end(plan.pending[0]!.order.do, null, result(plan.pending[0]!.order.do))
    return this
  }

  /** The first order of this kind ends: well, or with this reason. */
  end(kind: string, why: string | Failure | null = null, result: unknown = null): this {
    const pending = this.job.plan?.pending.find(({ order }) => order.do === kind)
    if (!pending) throw new Error(`no ${kind} is under way: ${JSON.stringify(this.job.plan)}`)
    const outcome = why === null ? ({ ok: true, result } as const) : ({ ok: false, error: typeof why === 'string' ? failure(why) : why } as const)
    this.tell({ kind: 'orderEnded', job: JOB, attempt: this.job.attempt, roleSequence: this.job.record.roleSequence, task: pending.task, outcome })
    return this
  }

  hear(facts: Partial<HeartbeatFacts> = {}): this {
    this.tell({ kind: 'heartbeatChanged', heartbeat: heartbeat(this.config, this.node, facts) })
    return this
  }

  peerSays(view: NodeView): this {
    this.tell({ kind: 'peerStateReceived', request: 0, view })
    return this
  }

  dataSays(change: Partial<MirrordStatus>): this {
    this.tell({ kind: 'dataStatusChanged', job: JOB, status: dataStatus({ roleSequence: this.job.record.roleSequence, ...change }) })
    return this
  }

  /** The owner hands the job over to this node. */
  offer(offered: JobRecord, ticket: string, start = true): this {
    this.tell({ kind: 'handoverReceived', request: 1, job: JOB, roleSequence: offered.roleSequence, record: offered, start, ticket })
    return this
  }

  command(command: JobCommand, more: CommandOptions & { dryRun?: boolean } = {}): Answer {
    this.request += 1
    const { dryRun = false, ...options } = more
    this.tell({ kind: 'commandGiven', request: this.request, job: JOB, command, options, dryRun, account: 'root', reason: null })
    const reply = this.actions.find((one) => one.do === 'reply')
    if (reply?.do !== 'reply') return { is: 'forwarded' }
    return reply.outcome.ok ? { is: 'accepted', result: reply.outcome.result } : { is: 'refused', error: reply.outcome.error }
  }
}

export type Answer = { is: 'forwarded' } | { is: 'accepted'; result: unknown } | { is: 'refused'; error: Failure }

export const failure = (message: string): Failure => ({ code: 'E_FAKE', message, tryThis: 'Nothing.', exitCode: 1 })

export function record(change: Partial<JobRecord> = {}): JobRecord {
  const { roleSequence = 1, owner = A } = change
  const plain = { desired: 'online', takeReason: 'manual', takeTimeMs: 0, handover: null, errorFlag: null, needToVerify: 'No', copyComplete: true } as const
  const session = { safety: 'off', safetySequence: 1, mirrorInSync: true, syncSequence: 1, selectedSequence: 0 } as const
  return { job: JOB, roleSequence, owner, ...plain, ...session, history: [{ roleSequence, owner }], ...change }
}

export const dataStatus = (change: Partial<MirrordStatus>): MirrordStatus => ({
  ...statusOf({ ...blankMachine(true).data, running: true, peerCopyComplete: true }),
  ...change
})

export function heartbeat(config: Config, node: string, facts: Partial<HeartbeatFacts> & { up?: boolean } = {}): HeartbeatFacts {
  const { up = facts.peerAlive ?? true, ...more } = facts
  const links = config.links.map(({ name, addresses }) => {
    const counters = { ageMs: 0, sent: 0, received: 0, missed: 0, rejected: 0 }
    return {
      name,
      up,
      state: up ? ('ok' as const) : ('error' as const),
      local: addresses[node] ?? '',
      remote: addresses[node === A ? B : A] ?? '',
      ...counters
    }
  })
  return { links, peerAlive: up, peerEngineSilentMs: 0, peerLeaving: false, ...more }
}

/** What the other node says of itself: standby or owner, all well, unless said otherwise. */
export function peerView(node: string, of: Partial<JobRecord>, change: Partial<JobView> & { configHash?: string; config?: Config } = {}): NodeView {
  const { configHash = HASH, config = pairConfig(), ...job } = change
  const view = nodeView(new Desk(node, config).boot(record(of)).state)
  const heard = `${node === A ? B : A}-1`
  return { ...view, heard, configHash, jobs: Object.fromEntries(Object.entries(view.jobs).map(([name, known]) => [name, { ...known, ...job }])) }
}

/** The owner, online, with a standby that has all of it. */
export function owner(config: Config = pairConfig()): Desk {
  const safety = config.jobs[JOB]?.data?.safety ?? 'off'
  const desk = new Desk(A, config).boot(record({ desired: 'offline', safety })).hear()
  desk.peerSays(peerView(B, { desired: 'offline', safety }, { config }))
  desk.command('bringin')
  desk.endAll()
  return config.jobs[JOB]?.data ? desk.dataSays({ role: 'source', connected: true }) : desk
}

/** The standby of an owner that serves; its copy is whole. */
export function standby(change: Partial<JobRecord> = {}, config: Config = pairConfig()): Desk {
  const desk = new Desk(B, config).boot(record(change)).hear()
  return desk.peerSays(peerView(A, change, { config, phase: 'online' })).endAll()
}

/** Without the times of a quorum: what does not depend on votes. */
export const withMode = (mode: JobMode): Config => pairConfig(jobConfig({ mode, data: { ...DATA, safety: SAFETY_OF_MODE[mode] ?? 'off' } }))

export const withoutData = (): Config => pairConfig(jobConfig({ data: null }))

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) deepFreeze(part)
  return value
}
