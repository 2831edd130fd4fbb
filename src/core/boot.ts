import type { JobConfig, JobRecord } from '../model'
import type { KeptRecord } from '../wire/keptState'
import { dataStatusChanged } from './data'
import { bootConfig, bootJobsConfig } from './staleConfig'
import { resumeDetaching } from './detach'
import { isDetached } from './detached'
import type { Event, Found } from './event'
import { firstRecord } from './ownership'
import { isValid } from './quorum/lease'
import { startQuorum } from './quorum/rules'
import { isOff, isUnwatched } from './resources'
import { keptRestarts } from './restartLimit'
import { configOf, owns, setApplication, setBroken, setFailed, setVip, type JobState } from './state'
import { log, type Turn } from './turn'

/** Seconds of the clock: tickets of an earlier engine must not be taken for those of this one. */
const TICKET_ROUND = 100_000

/** What is on disk comes back; a job without a record gets its first one. Nothing starts before it was looked for. */
export function boot(turn: Turn, event: Extract<Event, { kind: 'booted' }>): void {
  const { state } = turn
  const { records, bootId } = event
  state.booted = true
  state.bootId = bootId
  state.bootedAtMs = state.atMs
  state.ticketCount = Math.floor(state.wallMs / 1000) % TICKET_ROUND
  bootConfig(turn, event)
  for (const [name, config] of Object.entries(state.config.jobs)) {
    const { restarts, ...record }: KeptRecord = records?.[name] ?? firstRecord(turn, name)
    const job = blankJob(config, withSafety(record, config))
    state.jobs[name] = { ...job, quorum: startQuorum(state, job), restarts: keptRestarts(turn, job, restarts) }
    resumeDetaching(state, state.jobs[name])
    if (!records?.[name]) turn.dirty = true
  }
  // What is still kept of a job that has gone must not be taken for that of another one of its name.
  if (Object.keys(records ?? {}).some((name) => state.config.jobs[name] === undefined)) turn.dirty = true
  bootJobsConfig(turn, event)
  log(turn, 'info', `The engine of ${state.node} has started`)
}

/** A record of a version that knew no safety. */
const withSafety = (record: JobRecord, { data }: JobConfig): JobRecord =>
  record.safetySequence > 0 ? record : { ...record, safety: data?.safety ?? 'off', safetySequence: 1 }

export function blankJob(config: JobConfig, record: JobRecord): JobState {
  return {
    name: config.name,
    sinceVersion: 0,
    record,
    phase: 'offline',
    note: null,
    attempt: 0,
    plan: null,
    observed: false,
    vips: Object.fromEntries(config.vips.map(({ name }) => [name, 'down' as const])),
    applications: Object.fromEntries(config.applications.map(({ name }) => [name, 'offline' as const])),
    dataRole: 'none',
    dataSequence: 0,
    data: null,
    dataLost: null,
    mirrorRuns: null,
    paths: {},
    pathsSinceMs: null,
    failedApplications: {},
    brokenApplications: {},
    applicationsSince: {},
    drained: false,
    restarts: [],
    retryAtMs: 0,
    peerSpoke: false,
    offer: null,
    movesBecause: null,
    gaveUp: null,
    pendingFlag: null,
    voided: [],
    ticket: null,
    giveUpOwn: false,
    selectAtMs: 0,
    safetyGiven: 0,
    safetyAskedMs: null,
    exposure: { flying: null, nextAtMs: 0, recordedThere: null },
    redoToldMs: null,
    lookAtMs: 0,
    next: null,
    undoneAtMs: null,
    tookAloneSequence: 0,
    typed: null,
    takeover: null,
    taken: null,
    servedThere: null,
    forcing: false,
    votesByMs: null,
    rivalSinceMs: null,
    partedAtMs: null,
    connectedSequence: 0,
    cutOff: false,
    answeredBy: null,
    stale: { vips: [], data: null, anew: false, anewAtMs: 0 },
    detaching: null,
    detachEnds: null,
    yielded: false,
    jeopardy: [],
    quorum: null
  }
}

/** An engine that restarts finds what runs, and goes on; it stops nothing because it was restarted. */
export function observed(turn: Turn, job: JobState, found: Found, when = 'when the engine started'): void {
  const { state } = turn
  job.observed = true
  leaseFound(turn, job, found)
  for (const name of found.held) setVip(job, name, 'up')
  for (const name of found.running) setApplication(job, name, 'online')
  if (found.data) {
    dataStatusChanged(turn, job, found.data.status)
    job.dataRole = found.data.status.role
    job.dataSequence = found.data.status.roleSequence
    if (found.data.differs) job.stale = { ...job.stale, anew: true }
    if (job.dataRole === 'source') job.safetyGiven = found.data.status.session.safetySequence
  }
  job.phase = owns(state, job) ? 'offline' : 'standby'
  if (owns(state, job) && job.record.desired === 'online' && job.record.handover === null && servesHere(turn, job, found)) adoptService(turn, job, when)
}

/** The guard outlives engines: what it allows was granted to this node. */
function leaseFound({ state }: Turn, job: JobState, { leaseUntilMs }: Found): void {
  const { quorum, record } = job
  if (quorum === null || record.released || typeof leaseUntilMs !== 'number' || quorum.lease.untilMs >= leaseUntilMs) return
  // How long it was is not known; the guard does.
  const leftMs = Math.max(0, leaseUntilMs - state.atMs)
  const lease = { roleSequence: record.roleSequence, untilMs: leaseUntilMs, leaseMs: leftMs }
  job.quorum = { ...quorum, lease, told: lease }
}

/** Data is what it was, so the service is; a job without data is known by its addresses and applications. */
function servesHere(turn: Turn, job: JobState, found: Found): boolean {
  if (configOf(turn.state, job).data === null) return found.held.length + found.running.length > 0
  return job.dataRole === 'source' && job.dataSequence === job.record.roleSequence
}

/** What died meanwhile counts as failed, and is restarted by `settle`. */
function adoptService(turn: Turn, job: JobState, when: string): void {
  job.phase = 'online'
  // What slept for longer than its lease may have been taken over.
  job.forcing =
    job.record.forced?.roleSequence === job.record.roleSequence && (job.quorum === null || isValid(job.quorum.lease, job.record.roleSequence, turn.state.atMs))
  for (const [name, word] of Object.entries(job.applications)) {
    if (word === 'online' || isOff(job, name)) continue
    setApplication(job, name, 'error')
    if (isUnwatched(job, name)) setBroken(job, name, `it was not running ${when}`)
    else setFailed(job, name, `it was not running ${when}`)
  }
  log(turn, 'info', `${job.name} runs on ${turn.state.node} and is ${isDetached(job) ? 'still detached' : 'watched again'}`, job)
}
