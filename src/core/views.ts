import type { DataConfig, JobStateWord } from '../model'
import type { DataSettings, JobView, LinkView, NodeView, StatusAnswer, TicketAnswer } from '../wire'
import type { HeartbeatFacts } from './event'
import { ENGINE_SILENT_MS, peerEngineIsSilent } from './heartbeat'
import { configOf, owns, peerJob, type JobState, type State, type Ticket } from './state'

export const ACTIVITY_STEPS_MAX = 60

/** What this node says of itself. `heartbeat`: the newest counters, when the caller has newer ones. */
export function nodeView(state: State, heartbeat: HeartbeatFacts | null = state.heartbeat): NodeView {
  return {
    node: state.node,
    incarnation: state.incarnation,
    heard: state.peer?.view.incarnation ?? null,
    configHash: state.configHash,
    jobs: Object.fromEntries(Object.values(state.jobs).map((job) => [job.name, jobView(state, job)])),
    links: (heartbeat?.links ?? []).map(linkView),
    licence: { state: 'Valid', expires: null }
  }
}

function linkView(link: LinkView & { up: boolean }): LinkView {
  const { up, ...view } = link
  return { ...view, state: up ? 'ok' : 'error' }
}

function jobView(state: State, job: JobState): JobView {
  const config = configOf(state, job)
  return {
    record: job.record,
    phase: job.phase,
    state: stateWord(state, job),
    note: job.note,
    vips: config.vips.map(({ name, address, prefix }) => ({ name, address, prefix, up: job.vips[name] === 'up' })),
    applications: config.applications.map(({ name }) => ({ name, state: job.applications[name] ?? 'offline' })),
    data: job.data,
    dataSettings: dataSettings(config.data),
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
  return {
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
}

/** Plain sentences for what is not as it should be. */
export function problems(state: State): string[] {
  return [...pairProblems(state), ...Object.values(state.jobs).flatMap((job) => jobProblems(state, job))]
}

function pairProblems(state: State): string[] {
  const { node, peerNode, peer, heartbeat } = state
  const found: string[] = []
  if (state.peerAlive === 'lost' && heartbeat?.peerLeaving) found.push(`${peerNode} has shut down; ${node} is alone until it comes back`)
  else if (state.peerAlive === 'lost') found.push(`${node} hears ${peerNode} on no heartbeat link`)
  else if (state.peerAlive === 'unknown') found.push(`${node} has not heard ${peerNode} since it started`)
  else
    for (const link of heartbeat?.links ?? [])
      if (!link.up) found.push(`${node} does not hear ${peerNode} on link ${link.name} (${link.local} <-> ${link.remote})`)
  if (peerEngineIsSilent(state)) found.push(`${peerNode} lives, but its engine has been silent for more than ${ENGINE_SILENT_MS / 1000} s`)
  if (peer && peer.view.configHash !== state.configHash) found.push(`the configurations of ${node} and ${peerNode} differ`)
  return found
}

function jobProblems(state: State, job: JobState): string[] {
  const found: string[] = []
  const { record } = job
  if (job.note !== null) found.push(`${job.name} on ${state.node}: ${job.note}`)
  if (record.errorFlag !== null && job.note !== `error flag: ${record.errorFlag}`)
    found.push(`${state.node} keeps an error flag for ${job.name}: ${record.errorFlag}`)
  if (record.needToVerify === 'Manually' && owns(state, job))
    found.push(`${job.name}: both copies may hold changes of their own (need to verify: Manually); selectsrc ${job.name} NODE says whose data is right`)
  if (!owns(state, job) && configOf(state, job).data !== null && !record.copyComplete)
    found.push(`the copy of ${job.name} on ${state.node} is not complete: it cannot take over`)
  return found
}

export const peerJobAge = (state: State): string => (state.peer === null ? 'never' : `${Math.round((state.atMs - state.peer.atMs) / 100) / 10} s ago`)

export function ticketAnswer(state: State, ticket: Ticket, since: number): TicketAnswer {
  const { code, message, tryThis, exitCode } = ticket.error ?? {}
  const error = code === undefined ? null : { code, message: message ?? '', tryThis: tryThis ?? '', exitCode: exitCode ?? 1, node: state.node }
  return { ticket: ticket.id, job: ticket.job, state: ticket.state, steps: ticket.steps.slice(since), nextSince: ticket.steps.length, error }
}
