import type { DataConfig, JobStateWord } from '../model'
import type { DataSettings, JobView, LinkView, NodeView, StatusAnswer, TicketAnswer } from '../wire'
import { dataView } from './dataView'
import { digest } from './digest'
import type { HeartbeatFacts } from './event'
import { licenceView } from './licence'
import { monitorView } from './monitor/view'
import { whyNotInForce } from './modeChange'
import { problems } from './problems'
import { quorumView } from './quorum/view'
import { applicationViews } from './resources'
import { configOf, isTouched, peerJob, type JobState, type State, type Ticket } from './state'

export const ACTIVITY_STEPS_MAX = 60

/** What this node says of itself. `heartbeat`: the newest counters, when the caller has newer ones. */
export function nodeView(state: State, heartbeat: HeartbeatFacts | null = state.heartbeat): NodeView {
  return {
    node: state.node,
    incarnation: state.incarnation,
    heard: state.peer?.view.incarnation ?? null,
    configHash: state.configHash,
    configVersion: state.configVersion,
    configAgreed: state.configAgreed,
    jobs: jobViews(state),
    links: (heartbeat?.links ?? []).map(linkView),
    licence: licenceView(state),
    ...monitorView(state)
  }
}

function jobViews(state: State): NodeView['jobs'] {
  const views: NodeView['jobs'] = {}
  for (const name in state.jobs) views[name] = jobView(state, state.jobs[name] as JobState)
  return views
}

function linkView({ name, local, remote, up, ageMs, sent, received, missed, rejected }: LinkView & { up: boolean }): LinkView {
  return { name, local, remote, state: up ? 'ok' : 'error', ageMs, sent, received, missed, rejected }
}

function jobView(state: State, job: JobState): JobView {
  const config = configOf(state, job)
  const { record } = job
  return {
    record,
    phase: job.phase,
    state: stateWord(state, job),
    note: job.note,
    vips: config.vips.map(({ name, address, prefix }) => ({ name, address, prefix, up: job.vips[name] === 'up', path: job.paths[name] ?? 'ok' })),
    applications: applicationViews(state, job),
    data: dataView(state, job),
    ...(job.drained && !isTouched(job) ? { drained: true } : {}),
    dataSettings: dataSettings(config.data),
    mode: config.mode,
    modePending: whyNotInForce(state, job),
    jeopardy: job.jeopardy,
    ...(job.quorum === null ? {} : { quorum: quorumView(state, job) }),
    activity: activity(state, job)
  }
}

function dataSettings(data: DataConfig | null): DataSettings | null {
  if (data === null) return null
  const { folders, capture, queueBytes, pagefileBytes, redoQueueBytes, partnerTimeoutMs } = data
  return { folders: folders.map(({ path, exclude }) => ({ path, exclude })), capture, queueBytes, pagefileBytes, redoQueueBytes, partnerTimeoutMs }
}

function stateWord(state: State, job: JobState): JobStateWord {
  if (job.phase !== 'standby') return job.phase
  if (state.peerAlive === 'lost') return job.record.desired === 'online' ? 'error' : 'offline'
  const theirs = peerJob(state, job)
  return theirs && theirs.phase !== 'standby' ? theirs.phase : job.record.desired
}

function activity(state: State, job: JobState): JobView['activity'] {
  const ticket = job.ticket === null ? undefined : state.tickets[job.ticket]
  if (!ticket) return null
  return {
    ticket: ticket.id,
    steps: ticket.steps.filter(({ node }) => node === state.node).slice(0, ACTIVITY_STEPS_MAX),
    done: ticket.state !== 'running',
    ok: ticket.state === 'done'
  }
}

export function statusAnswer(state: State, now: { atMs: number; wallMs: number; utcOffsetMinutes: number; heartbeat: HeartbeatFacts | null }): StatusAnswer {
  const { cluster, nodes } = state.config
  const answer = {
    node: state.node,
    cluster,
    address: nodes[state.node]?.address ?? '',
    peerNode: state.peerNode,
    peerAddress: nodes[state.peerNode]?.address ?? '',
    wallMs: now.wallMs,
    utcOffsetMinutes: now.utcOffsetMinutes,
    self: nodeView(state, now.heartbeat),
    peer: state.peer && { view: state.peer.view, ageMs: Math.max(0, now.atMs - state.peer.atMs) },
    peerAlive: state.peerAlive,
    problems: problems(state)
  }
  return { ...answer, digest: statusDigest(answer) }
}

/** Without what changes by itself: ages, clocks, counters of links, and the sentences that name them. */
const statusDigest = ({ self, peer, peerAlive }: StatusAnswer): string => digest([lasting(self), peer === null ? null : lasting(peer.view), peerAlive])

const lasting = ({ links, ...view }: NodeView): object => ({ ...view, links: links.map(({ name, local, remote, state }) => [name, local, remote, state]) })

export const peerJobAge = (state: State): string => (state.peer === null ? 'never' : `${Math.round((state.atMs - state.peer.atMs) / 100) / 10} s ago`)

export function ticketAnswer(state: State, ticket: Ticket, since: number): TicketAnswer {
  const { code, message, tryThis, exitCode } = ticket.error ?? {}
  const error = code === undefined ? null : { code, message: message ?? '', tryThis: tryThis ?? '', exitCode: exitCode ?? 1, node: state.node }
  return { ticket: ticket.id, job: ticket.job, state: ticket.state, steps: ticket.steps.slice(since), nextSince: ticket.steps.length, error }
}
