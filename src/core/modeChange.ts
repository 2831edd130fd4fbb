import { type Config, hasQuorum, type JobConfig, type JobName, type JobRecord, SAFETY_OF_MODE } from '../model'
import type { NodeView } from '../wire'
import { beginPlan } from './plan'
import { hasLease, longestTimes, rulesOf, startQuorum } from './quorum/rules'
import { grantTo } from './quorum/voter'
import { configOf, isTouched, owns, peerJob, type JobState, type Plan, type State, type Unconfirmed } from './state'
import { runningTicket } from './tickets'
import { log, setNote, setRecord, type Seeing, type Turn } from './turn'

/**
 * The rules by which a job is served change while it is served: its mode, the voters, their times. Both nodes have promised the change on their disks
 * before one of them goes by it (agreement), and from its promise on a node takes nothing over by itself until it is sure of the other one:
 *
 * 1. An owner whose mode needs no lease any more needs none from the change on: whoever could take over has promised not to.
 * 2. An owner whose mode begins to need one goes on without (`unleased`, on its disk before the change) until the first lease is in use, by the guard and
 *    the data program too. It says so.
 * 3. A node is sure of the other one when that has said that it goes by the change, and not without a lease that it needs. From then on it lets the owner
 *    serve for a whole lease more, the longest of before and after: whatever was granted by the rules before is over then.
 *
 * What was promised by the rules before counts as long as it was promised for: no lease and no grant is cut short, each is as long as its own question said.
 */
export const changedModes = (before: Config, next: Config): JobName[] =>
  Object.values(next.jobs).flatMap(({ name, mode }) => ((before.jobs[name]?.mode ?? mode) === mode ? [] : [name]))

const NO_TIMES = { leaseMs: 0, driftMs: 0 }

export const timesDiffer = ({ quorum: before }: Config, { quorum: after }: Config): boolean =>
  before?.leaseMs !== after?.leaseMs || before?.driftMs !== after?.driftMs

export const witnessDiffers = ({ witness: before }: Config, { witness: after }: Config): boolean =>
  JSON.stringify(before ?? null) !== JSON.stringify(after ?? null)

/** What must not count before the other node goes by it too; added to what is not sure from before. */
export function unconfirmedOf(before: Config, { unconfirmed: known }: Pick<State, 'unconfirmed'>, config: Config, version: number): Unconfirmed | null {
  const witness = witnessDiffers(before, config)
  const modes = changedModes(before, config)
  const [old, next] = [before.quorum ?? NO_TIMES, config.quorum ?? NO_TIMES]
  if (!witness && modes.length === 0 && !timesDiffer(before, config)) return known
  return {
    version,
    witness: witness || known?.witness === true,
    modes: [...new Set([...modes, ...(known?.modes ?? [])])],
    longest: {
      leaseMs: Math.max(old.leaseMs, next.leaseMs, known?.longest.leaseMs ?? 0),
      driftMs: Math.max(old.driftMs, next.driftMs, known?.longest.driftMs ?? 0)
    },
    heardAtMs: null
  }
}

/** Of several changes, one after the other: a mode that was changed and changed back may be served by any of them. */
export function unconfirmedSince(before: Config, later: Config[], version: number): Unconfirmed | null {
  let unconfirmed: Unconfirmed | null = null
  let from = before
  for (const next of later) {
    unconfirmed = unconfirmedOf(from, { unconfirmed }, next, version)
    from = next
  }
  return unconfirmed
}

/** A change is about to be decided: what depends on it does not begin. */
export const isHeld = ({ hold }: State, { name }: JobState): boolean => hold?.jobs.includes(name) === true || hold?.modes.includes(name) === true

/** The mode of this job is not the same on both nodes for certain: nobody takes it over by itself. */
export const modeIsUnsure = ({ hold, unconfirmed }: State, { name }: JobState): boolean =>
  hold?.modes.includes(name) === true || unconfirmed?.modes.includes(name) === true

/** Why the mode of this job cannot be changed just now; null: it can. Asked on both nodes. */
export function whyNotChangeMode({ state }: Seeing, job: JobState): string | null {
  const { record, phase } = job
  const { peerNode, unconfirmed } = state
  const ticket = runningTicket(state, job)
  const theirs = peerJob(state, job)?.record
  if (!job.observed) return `${state.node} is looking for what runs`
  if (ticket !== null && ticket.purpose !== 'automatic') return `${ticket.purpose} is under way`
  if (record.handover !== null) return `it is being handed over to ${peerNode}`
  if (record.claim) return `${state.node} asks for a second vote`
  if (record.forced) return 'its start was forced, and no second voter has recorded that yet'
  if (unconfirmed?.modes.includes(job.name)) return `${peerNode} has not confirmed the change of version ${unconfirmed.version} yet`
  if (phase === 'starting' || phase === 'stopping' || phase === 'switching') return `it is ${phase}`
  const same = theirs?.roleSequence === record.roleSequence && theirs.owner === record.owner
  return same ? null : `${state.node} and ${peerNode} do not agree yet on who owns it`
}

/** On the disk before it is promised: an engine that ends between the decision and its first look at it must not stop what it finds. */
export function holdModes(turn: Turn, next: Config, modes: JobName[]): void {
  for (const name of modes) {
    const job = turn.state.jobs[name]
    if (job && hasQuorum(next.jobs[name]?.mode ?? 'guide') && job.quorum === null && servesHere(turn.state, job)) setRecord(turn, job, { unleased: true })
  }
}

const servesHere = (state: State, job: JobState): boolean => owns(state, job) && (isTouched(job) || !job.observed)

/** Both nodes have agreed on it, and this one goes by it from now on. */
export function changeRules(turn: Turn, job: JobState): void {
  const { state } = turn
  const { quorum } = job
  if (rulesOf(state, job) === null) {
    job.quorum = null
    if (quorum !== null) turn.actions.push({ do: 'unlease', job: job.name })
  } else if (quorum === null) {
    job.quorum = startQuorum(state, job)
    if (servesHere(state, job)) setRecord(turn, job, { unleased: true })
  } else {
    const { peer, witness } = quorum.asked
    const now = { nextAtMs: state.atMs }
    job.quorum = { ...quorum, sinceMs: state.atMs, asked: { peer: { ...peer, ...now }, witness: { ...witness, ...now } } }
  }
}

const isUnleased = (record: JobRecord | undefined): boolean => record?.unleased === true

/** The other node's own words. */
export function confirm({ state }: Turn, view: NodeView): void {
  const { unconfirmed } = state
  if (unconfirmed === null || unconfirmed.heardAtMs !== null || (view.configVersion ?? 0) < unconfirmed.version) return
  const modes = unconfirmed.modes.filter((name) => isUnleased(view.jobs[name]?.record) || isUnleased(state.jobs[name]?.record))
  for (const job of Object.values(state.jobs)) if (!modes.includes(job.name)) letOwnerServe(state, job)
  state.unconfirmed = { ...unconfirmed, witness: false, modes, heardAtMs: modes.length === 0 ? state.atMs : null }
}

/** It may have a lease that was granted by the rules before, and not by this node. */
function letOwnerServe(state: State, job: JobState): void {
  const rules = rulesOf(state, job)
  if (rules === null || job.quorum === null || owns(state, job)) return
  const { grant } = job.quorum
  const next = grantTo(job.record.owner, state.atMs, longestTimes(state, rules.times))
  if (grant === null || grant.holder !== next.holder || grant.untilMs < next.untilMs) job.quorum = { ...job.quorum, grant: next }
}

/** What was granted by the rules before is over. */
export function forgetChange({ state }: Turn): void {
  const { unconfirmed } = state
  if (unconfirmed === null || unconfirmed.heardAtMs === null) return
  const { leaseMs, driftMs } = unconfirmed.longest
  if (state.atMs >= unconfirmed.heardAtMs + leaseMs + driftMs) state.unconfirmed = null
}

/** The first lease is in use when the data program obeys it too. True when it is being told. */
export function settleUnleased(turn: Turn, job: JobState): boolean {
  const { state } = turn
  if (!isUnleased(job.record) || isHeld(state, job)) return false
  if (job.quorum === null || !isTouched(job)) return end(turn, job)
  if (!owns(state, job)) return false
  if (!hasLease(turn, job)) {
    setNote(turn, job, `the mode ${configOf(state, job).mode} is not in force yet: no voter has let ${state.node} serve`, 'warning')
    return false
  }
  if (configOf(state, job).data === null) return end(turn, job)
  if (job.dataRole !== 'source' || state.atMs < job.retryAtMs) return false
  beginPlan(turn, job, 'lease', 'automatic', [[{ do: 'reconfigure', leased: true }]])
  return true
}

export function leaseInUse(turn: Turn, job: JobState, plan: Plan): void {
  if (plan.failures.length > 0) return
  job.retryAtMs = 0
  end(turn, job)
}

function end(turn: Turn, job: JobState): false {
  setRecord(turn, job, { unleased: false })
  if (job.quorum !== null && isTouched(job)) {
    job.note = null
    log(turn, 'info', `${job.name} is served under a lease from now on`, job)
  }
  return false
}

/** As the hands see it: what is not served under a lease yet is begun, restarted and configured as if it needed none. */
export function asServed(state: State, name: JobName): JobConfig | undefined {
  const config = state.config.jobs[name]
  return config && hasQuorum(config.mode) && isUnleased(state.jobs[name]?.record) ? { ...config, mode: 'guide' } : config
}

/** Why what the configuration says about the mode is not true yet; null: it is. */
export function whyNotInForce(state: State, job: JobState): string | null {
  const { mode, data } = configOf(state, job)
  const { record } = job
  const { node, peerNode } = state
  if (state.hold?.modes.includes(job.name)) return `${node} has promised a change of it that is not decided yet`
  if (isUnleased(record)) return `no voter has let ${node} serve yet`
  if (state.unconfirmed?.modes.includes(job.name)) return `${peerNode} has not said yet that it goes by it`
  const safety = data === null ? null : SAFETY_OF_MODE[mode]
  if (safety === null || !owns(state, job)) return null
  const given = job.dataRole !== 'source' || job.safetyGiven >= record.safetySequence
  return record.safety === safety && given ? null : `its safety is not ${safety.toUpperCase()} yet`
}
