import type { Action, Order, Failure, Happening, HandoverAnswer, Outcome } from '../src/core'
import { invariant, type Config, type JobConfig, type JobRecord } from '../src/model'
import { AGENT_MESSAGES } from '../src/report/agent'
import { ReportError } from '../src/report/report'
import type { CommandAnswer, PeerMessage, PeerReply, TakeoverView } from '../src/wire'
import { formatOf } from '../src/wire/keptState'
import { measured } from './engine/lossMeasured'
import { Orders } from './engine/orders'
import type { Ports } from './ports'

/** A state message is sent again each second: a slow one is given up before long. */
export const STATE_SEND_TIMEOUT_MS = 3_000
export const HANDOVER_TIMEOUT_MS = 5_000
export const COMMAND_TIMEOUT_MS = 10_000
/** Applications wait meanwhile. */
export const OUT_OF_SYNC_TIMEOUT_MS = 3_000
/** So long a vote is waited for: a renewal counts from when it was sent, so one that is answered later would be worth little. */
const VOTES_A_LEASE = 2
/** Only this refusal is a promise that the handover is never accepted later. */
const REFUSED_FOR_GOOD = 'E_HANDOVER_REFUSED'

export interface PerformContext {
  node: string
  /** The one in force: it may change between two actions. */
  config(): Config
  /** As it is served by now, which may be not yet by all of the newest configuration. */
  job(name: string): JobConfig | undefined
  ports: Ports
  emit(happening: Happening): void
  answer(request: number, outcome: Outcome): void
  /** A voter holds this version of the configuration. */
  sawConfigVersion?(version: number): void
}

/** Action → port. Every outcome comes back as an event; nothing is awaited here that the loop would wait for. */
export class Performer {
  private readonly orders: Orders
  private sendingState = false
  /** Only the newest state is worth sending. */
  private nextState: Extract<Action, { do: 'sendState' }> | null = null

  constructor(private readonly context: PerformContext) {
    this.orders = new Orders(context.ports)
  }

  /** The only one that the loop waits for. */
  async persist(action: Extract<Action, { do: 'persist' }>): Promise<void> {
    await this.context.ports.disk.save({ formatVersion: formatOf(action.records), node: this.context.node, records: action.records })
  }

  perform(action: Exclude<Action, { do: 'persist' }>): void {
    switch (action.do) {
      case 'log':
        return this.context.ports.log.event(action.level, action.text, action.job ?? undefined)
      case 'history':
        return void this.keep(action.entry)
      case 'monitorNote':
        return this.context.ports.monitor.note(action.entry)
      case 'alarm':
        return void this.alarm(action)
      case 'exportUsage':
        return void this.exportUsage(action)
      case 'reply':
        return this.context.answer(action.request, action.outcome)
      case 'order':
        return void this.order(action)
      case 'look':
        return void this.look(action)
      case 'askReach':
        return void this.askReach(action.number)
      case 'sendState':
        return this.sendState(action)
      case 'sendHandover':
        return void this.offer(action, 'offer', { kind: 'handover', ...withoutDo(action) })
      case 'sendWithdraw':
        return void this.offer(action, 'withdraw', { kind: 'withdraw', ...withoutDo(action) })
      case 'sendOutOfSync':
        return void this.outOfSync(action)
      case 'expose':
        return void this.expose(action)
      case 'forward':
        return void this.forward(action)
      case 'forget':
        return void this.forget(action.job)
      case 'unlease':
        return this.context.ports.lease.forget(action.job)
      case 'sendVote':
        return void this.vote(action)
      case 'lease':
        return this.context.ports.lease.tell(action.job, action.roleSequence, action.untilMs, action.killAtMs)
      default:
        action satisfies never
    }
  }

  /** It is not worth stopping for; the log says that there is a gap. */
  private async keep(entry: TakeoverView): Promise<void> {
    const { history, log } = this.context.ports
    const outcome = await outcomeOf(measured(this.context.ports.data, entry).then((whole) => history.write(whole)))
    if (!outcome.ok) log.event('warning', `The record of a takeover could not be kept: ${outcome.error.message}`, entry.job)
  }

  private async alarm(action: Extract<Action, { do: 'alarm' }>): Promise<void> {
    const outcome = await outcomeOf(this.context.ports.monitor.alarm(withoutDo(action)))
    const why = outcome.ok ? outcome.result : outcome.error.message
    if (why !== null) this.monitorFailed(action.event, `The command for the alarm of ${action.event} failed: ${why}`)
  }

  private async exportUsage({ event, settings }: Extract<Action, { do: 'exportUsage' }>): Promise<void> {
    const { usage, monitor, clock } = this.context.ports
    const wallMs = clock.wallMs()
    const outcome = await outcomeOf(usage.whole().then((values) => monitor.exportUsage(event, settings, wallMs, values)))
    if (!outcome.ok) this.monitorFailed(event, `The usage of the server could not be exported for ${event}: ${outcome.error.message}`)
  }

  private monitorFailed(event: string, text: string): void {
    const { log, monitor, clock } = this.context.ports
    log.event('warning', text)
    monitor.note({ atMs: clock.wallMs(), event, what: 'failed', text, values: {} })
  }

  private async order(action: Extract<Action, { do: 'order' }>): Promise<void> {
    const { job, attempt, roleSequence, task, order } = action
    const outcome = await outcomeOf(order.do === 'fence' ? this.fence(order.node) : this.orders.carryOut(this.jobConfig(job, order), roleSequence, order))
    this.context.emit({ kind: 'orderEnded', job, attempt, roleSequence, task, outcome })
  }

  private async askReach(number: number): Promise<void> {
    const { arbitration } = this.context.config()
    const outcome = await outcomeOf(
      arbitration ? this.context.ports.arbitration.reach(arbitration) : Promise.resolve({ reached: false, why: 'not configured' })
    )
    const { reached, why } = outcome.ok ? outcome.result : { reached: false, why: outcome.error.message }
    this.context.emit({ kind: 'reachTold', number, reached, why })
  }

  private async fence(node: string): Promise<void> {
    const fence = this.context.config().arbitration?.fence ?? null
    invariant(fence, 'a fence agent is configured')
    await this.context.ports.arbitration.fence(fence, node)
  }

  private async look({ job, attempt }: { job: string; attempt: number }): Promise<void> {
    const outcome = await outcomeOf(this.orders.held(this.jobConfig(job)))
    if (outcome.ok) this.context.emit({ kind: 'vipsSeen', job, attempt, held: outcome.result })
  }

  private sendState(action: Extract<Action, { do: 'sendState' }>): void {
    this.nextState = action
    if (!this.sendingState) void this.sendNewest()
  }

  private async sendNewest(): Promise<void> {
    this.sendingState = true
    for (let next = this.nextState; next; next = this.nextState) {
      this.nextState = null
      await this.send({ kind: 'state', state: next.view }, STATE_SEND_TIMEOUT_MS)
    }
    this.sendingState = false
  }

  private async offer(what: { job: string; roleSequence: number; ticket: string }, asked: 'offer' | 'withdraw', message: PeerMessage): Promise<void> {
    const sent = await this.send(message, HANDOVER_TIMEOUT_MS)
    const { job, roleSequence, ticket } = what
    this.context.emit({ kind: 'handoverAnswered', job, roleSequence, ticket, asked, answer: handoverAnswer(sent) })
  }

  private async outOfSync({ job, roleSequence, syncSequence }: Extract<Action, { do: 'sendOutOfSync' }>): Promise<void> {
    const sent = await this.send({ kind: 'outOfSync', job, roleSequence, syncSequence }, OUT_OF_SYNC_TIMEOUT_MS)
    this.context.emit({ kind: 'outOfSyncAnswered', job, roleSequence, syncSequence, answer: handoverAnswer(sent) })
  }

  /** Silence is an answer too: one event for each question. */
  private async vote({ to: voter, job, message }: Extract<Action, { do: 'sendVote' }>): Promise<void> {
    const { config, ports } = this.context
    const { quorum } = config()
    // Changed since the question was decided on.
    const reply = quorum === undefined ? null : await ports.voters.ask(voter, message, quorum.leaseMs / VOTES_A_LEASE)
    if (reply?.ballot) this.context.sawConfigVersion?.(reply.ballot.configVersion)
    this.context.emit({ kind: 'voteAnswered', job, voter, number: message.number, reply })
  }

  private async expose({ job, roleSequence }: Extract<Action, { do: 'expose' }>): Promise<void> {
    const outcome = await outcomeOf(this.context.ports.data.expose(job, roleSequence))
    this.context.emit({ kind: 'exposeEnded', job, roleSequence, outcome })
  }

  private async forward(action: Extract<Action, { do: 'forward' }>): Promise<void> {
    const { request, job, command, options, account, reason, dryRun } = action
    const message: PeerMessage = { ...options, kind: 'command', job, command, account, reason, dryRun }
    const sent = await this.send(message, COMMAND_TIMEOUT_MS)
    if (!sent.ok) return this.context.answer(request, sent)
    const reply = sent.result
    this.context.answer(request, reply.ok ? { ok: true, result: reply.result as CommandAnswer } : { ok: false, error: reply.error })
  }

  private async forget(job: string): Promise<void> {
    this.context.ports.lease.forget(job)
    const outcome = await outcomeOf(this.context.ports.data.forget(job))
    if (!outcome.ok) this.context.ports.log.event('error', `What ${job} kept could not be put aside: ${outcome.error.message}`)
  }

  private send(message: PeerMessage, timeoutMs: number): Promise<Outcome<PeerReply>> {
    return outcomeOf(this.context.ports.peer.send(message, timeoutMs))
  }

  private jobConfig(name: string, order?: Order): JobConfig {
    const wanted = order?.do === 'reconfigure' && order.leased === true
    const job = wanted ? this.context.config().jobs[name] : this.context.job(name)
    invariant(job, `job ${name} is in the configuration`)
    return job
  }
}

function withoutDo<A extends { do: string }>(action: A): Omit<A, 'do'> {
  const { do: _, ...rest } = action
  return rest
}

/** Anything but a record or the one refusal leaves open what the peer has on its disk. */
function handoverAnswer(sent: Outcome<PeerReply>): HandoverAnswer {
  if (!sent.ok) return { is: 'silence', why: sent.error.message }
  const reply = sent.result
  if (reply.ok) return { is: 'record', record: reply.result as JobRecord }
  return reply.error.code === REFUSED_FOR_GOOD ? { is: 'refusal', error: reply.error } : { is: 'silence', why: reply.error.message }
}

export async function outcomeOf<Result>(work: Promise<Result>): Promise<Outcome<Result>> {
  try {
    return { ok: true, result: await work }
  } catch (error) {
    return { ok: false, error: failureOf(error) }
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof ReportError) return error.report
  const message = error instanceof Error ? error.message : String(error)
  const { exitCode, message: words, tryThis } = AGENT_MESSAGES.E_UNEXPECTED
  return { code: 'E_UNEXPECTED', message: words({ what: message }), tryThis: tryThis({ what: message }), exitCode }
}
