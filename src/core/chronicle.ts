import type { JobRecord } from '../model'
import type { CheckView, TakeoverEnd, TakeoverView } from '../wire'
import { checkView } from './check'
import { explain } from './explain'
import type { Event } from './event'
import { acceptChecks, isSelected } from './handover'
import { lossOf, lossOfHandover } from './loss'
import { rulesOf } from './quorum/rules'
import { configOf, owns, peerJob, type JobState, type State, type Takeover } from './state'
import type { Turn } from './turn'

const PERCENT_ALL = 100
const MOVES = ['switch', 'takeover', 'forcetake', 'selectsrc']

/**
 * The record of each change of owner is made from what the decisions have done, after each step: nothing has to remember to write it. What is
 * seen is told as of this step; the job's own facts are those from before it.
 */
export function chronicle(turn: Turn, before: State, event: Event): void {
  for (const job of Object.values(turn.state.jobs)) {
    const was = before.jobs[job.name]
    if (was === undefined) continue
    if (takes(turn.state, was, job)) begin(turn, was, job, 'takes', offeredBy(event, job))
    else if (gives(was, job)) begin(turn, was, job, 'gives', null)
    const end = job.takeover === null ? null : endOf(turn.state, job, job.takeover)
    if (end !== null) finish(turn, job, end)
    if (job.taken !== null) measureReturn(turn, job, job.taken)
  }
}

const takes = (state: State, was: JobState, job: JobState): boolean => owns(state, job) && job.record.roleSequence > was.record.roleSequence

/** What came with a handover; null: it was taken otherwise. */
const offeredBy = (event: Event, { name }: JobState): JobRecord | null => (event.kind === 'handoverReceived' && event.job === name ? event.record : null)

const gives = (was: JobState, job: JobState): boolean =>
  (job.plan?.kind === 'switch' && was.plan?.kind !== 'switch') || (job.record.handover !== null && was.record.handover === null && job.takeover === null)

function begin(turn: Turn, was: JobState, job: JobState, part: TakeoverView['part'], offered: JobRecord | null): void {
  const { state } = turn
  const seen: State = { ...state, jobs: { ...state.jobs, [job.name]: was } }
  const { node, peerNode } = state
  const typed = job.typed !== null && job.typed.ticket === job.ticket && MOVES.includes(job.typed.command) ? job.typed : null
  const { roleSequence, safety, safetySequence, mirrorInSync, syncSequence, needToVerify } = was.record
  const view: TakeoverView = {
    job: job.name,
    node,
    part,
    roleSequence: part === 'takes' ? job.record.roleSequence : roleSequence + 1,
    from: was.record.owner,
    to: part === 'takes' ? node : peerNode,
    command: typed?.command ?? null,
    account: typed?.account ?? null,
    reason: typed === null && part === 'gives' ? job.movesBecause : (typed?.reason ?? null),
    takeReason: part === 'takes' ? job.record.takeReason : job.pendingFlag === null && job.movesBecause === null ? 'manual' : 'failover',
    atMs: state.wallMs,
    before: { roleSequence, safety, safetySequence, mirrorInSync, syncSequence, needToVerify },
    ...factsOf(seen, was, part, offered),
    loss: lossIn(seen, was, offered, job.record.takeReason === 'forced'),
    end: null
  }
  const served = part === 'gives' ? (was.phase === 'online' ? state.atMs : null) : lastServed(seen, was)
  job.takeover = { view, servedMs: served, handed: offered !== null }
  turn.actions.push({ do: 'history', entry: view })
}

/** What this node had to go by. */
function factsOf(
  state: State,
  job: JobState,
  part: TakeoverView['part'],
  offered: JobRecord | null
): Pick<TakeoverView, 'links' | 'peer' | 'votes' | 'checks' | 'timers'> {
  const { atMs, peer, heartbeat, config } = state
  const theirs = peerJob(state, job)
  const times = rulesOf(state, job)?.times ?? null
  return {
    links: (heartbeat?.links ?? []).map(({ name, up, ageMs }) => ({ name, up, ageMs })),
    peer: peer === null || theirs === null ? null : { ageMs: Math.round(atMs - peer.atMs), phase: theirs.phase },
    votes: Object.entries(job.quorum?.asked ?? {}).map(([voter, { answeredAtMs, leasedTo, held }]) => ({
      voter: voter === 'peer' ? state.peerNode : voter,
      ageMs: answeredAtMs === null ? null : Math.round(atMs - answeredAtMs),
      leasedTo,
      roleSequence: held?.roleSequence ?? null
    })),
    checks: offered === null ? checksOf(state, job, part) : acceptedChecks(state, job, offered),
    timers: {
      heartbeatMs: Math.max(0, ...config.links.map(({ intervalMs, maxMiss }) => intervalMs * maxMiss)),
      leaseMs: times?.leaseMs ?? null,
      driftMs: times?.driftMs ?? null
    }
  }
}

function lossIn(state: State, job: JobState, offered: JobRecord | null, forced: boolean): TakeoverView['loss'] {
  if (configOf(state, job).data === null) return null
  return offered === null ? lossOf(state, job, forced) : lossOfHandover(state, job, offered)
}

/** Those of the decision that was made; an owner that takes its own job anew (by force, or back) could not serve it as it was. */
function checksOf(state: State, job: JobState, part: TakeoverView['part']): CheckView[] {
  const wanted = part === 'gives' ? 'switch' : owns(state, job) ? 'serve' : 'failover'
  return explain(state, job).flatMap(({ question, checks, trigger }) => (question === wanted ? [...checks, ...(trigger ?? [])] : []))
}

/** What is handed over is not taken from anybody: no vote has to be free for it. */
const acceptedChecks = (state: State, job: JobState, offered: JobRecord): CheckView[] =>
  acceptChecks(state, job, offered.roleSequence, isSelected(offered)).map((check) => checkView(state, job, check))

/** When the other node stopped serving, if it has said so; else its last sign of life, if it served when its engine last spoke. */
function lastServed(state: State, job: JobState): number | null {
  const { atMs, peer, heartbeat } = state
  if (peer === null || job.servedThere === null || owns(state, job)) return null
  if (!job.servedThere.still) return job.servedThere.atMs
  const heard = (heartbeat?.links ?? []).flatMap(({ ageMs }) => (ageMs === null ? [] : [atMs - ageMs]))
  return Math.max(peer.atMs, ...heard)
}

function endOf(state: State, job: JobState, { view }: Takeover): TakeoverEnd['outcome'] | null {
  return view.part === 'takes' ? endOfTaking(state, job, view) : endOfGiving(state, job, view)
}

function endOfTaking(state: State, job: JobState, { roleSequence }: TakeoverView): TakeoverEnd['outcome'] | null {
  if (!owns(state, job) || job.record.roleSequence !== roleSequence || job.phase === 'error' || job.plan?.kind === 'giveBack') return 'failed'
  if (job.phase === 'online') return 'online'
  return job.record.desired === 'offline' && job.plan === null ? 'offline' : null
}

function endOfGiving(state: State, job: JobState, { roleSequence }: TakeoverView): TakeoverEnd['outcome'] | null {
  const { record } = job
  if (record.roleSequence < roleSequence) return job.plan?.kind === 'switch' || record.handover !== null ? null : 'failed'
  const theirs = peerJob(state, job)
  if (owns(state, job) || record.roleSequence > roleSequence) return 'failed'
  if (theirs?.record.roleSequence !== roleSequence) return null
  if (theirs.phase === 'online') return 'online'
  if (theirs.phase === 'error') return 'failed'
  return theirs.phase === 'offline' && record.desired === 'offline' ? 'offline' : null
}

function finish(turn: Turn, job: JobState, outcome: TakeoverEnd['outcome']): void {
  if (job.takeover === null) return
  const { view, servedMs, handed } = job.takeover
  const outageMs = outcome === 'online' && servedMs !== null ? Math.round(turn.state.atMs - servedMs) : null
  const entry: TakeoverView = { ...view, end: { atMs: turn.state.wallMs, outcome, outageMs } }
  job.takeover = null
  if (view.part === 'takes') job.taken = outcome === 'online' && !handed && view.takeReason !== 'manual' && view.loss !== null ? entry : null
  turn.actions.push({ do: 'history', entry })
}

/** The old owner is back and equal again: what the comparison found is the measure of what it had and the new one lacked. */
function measureReturn({ state, actions }: Turn, job: JobState, taken: TakeoverView): void {
  const { record, data } = job
  if (record.roleSequence !== taken.roleSequence || !owns(state, job)) {
    job.taken = null
    return
  }
  const isSource = data?.role === 'source' && data.roleSequence === record.roleSequence
  if (!isSource || !data.connected || record.needToVerify !== 'No' || data.mirror.state !== 'Idle' || data.verify.state !== 'Idle') return
  const { mode, percent, differences } = data.verify
  const compared = percent === PERCENT_ALL && differences !== null ? mode : null
  job.taken = null
  actions.push({ do: 'history', entry: { ...taken, returned: { atMs: state.wallMs, compared, differences: compared === null ? null : differences } } })
}
