import {
  carriesHeartbeat,
  type Config,
  DRIFT_OF_LEASE_MIN,
  KILL_GRACE_MS,
  type LinkConfig,
  type QuorumConfig,
  STOP_PART,
  WATCHDOG_LEASE_MS_MIN,
  watchdogTimeoutMs
} from '../config'
import type { Source } from './source'
import { durationText } from './units'

/**
 * Votes decide, not heartbeats, so these may be slower; but a status that calls a dead node alive for longer than a whole
 * takeover after the takeover misleads whoever reads it.
 */
const TAKEOVERS_UNTIL_SEEN_MAX = 2

/** The times have to make sense together; each refusal shows its sum. */
export function checkTimers(config: Config, source: Source): void {
  const { quorum } = config
  if (!quorum) return
  checkDrift(quorum, source)
  checkKill(quorum, source)
  checkHeartbeats(config.links, quorum, source)
  if (config.watchdog) checkWatchdog(quorum, source)
  for (const job of Object.values(config.jobs)) {
    if (job.mode === 'high-availability' && job.data) checkPartner(job.name, job.data.partnerTimeoutMs, quorum, source)
  }
}

const driftNeeded = (leaseMs: number): number => Math.ceil(leaseMs * DRIFT_OF_LEASE_MIN)
const percent = `${DRIFT_OF_LEASE_MIN * 100} %`

function checkDrift(quorum: QuorumConfig, source: Source): void {
  const { leaseMs, driftMs } = quorum
  const needed = driftNeeded(leaseMs)
  if (driftMs >= needed) return
  source.refuse(quorum, 'E_CONFIG_TIMERS', {
    what: 'Two clocks may go apart further than the drift bound says',
    sum: `${percent} of the lease of ${durationText(leaseMs)} = ${durationText(needed)}`,
    limit: `the drift of ${durationText(driftMs)}`,
    instead: `Write drift: ${durationText(needed)} or more, or leave it out.`
  })
}

/** The guard kills in the last tenth of a lease; what it kills must be gone when the other node may begin. */
function checkKill(quorum: QuorumConfig, source: Source): void {
  const { leaseMs, driftMs } = quorum
  const killAtMs = leaseMs - leaseMs / STOP_PART / 2
  const clocksMs = driftNeeded(leaseMs)
  const goneMs = Math.ceil(killAtMs + KILL_GRACE_MS + clocksMs)
  const takeoverMs = leaseMs + driftMs
  if (goneMs <= takeoverMs) return
  const terms = [`${durationText(Math.ceil(killAtMs))} until the kill`, `${durationText(KILL_GRACE_MS)} for it`, `${durationText(clocksMs)} of clock drift`]
  source.refuse(quorum, 'E_CONFIG_TIMERS', {
    what: 'An owner without a lease would not be gone when its partner takes over',
    sum: `${terms.join(' + ')} = ${durationText(goneMs)}`,
    limit: `lease ${durationText(leaseMs)} + drift ${durationText(driftMs)} = ${durationText(takeoverMs)}`,
    instead: `Make the lease longer, or write drift: ${durationText(driftMs + goneMs - takeoverMs)} or more.`
  })
}

/** It counts in whole seconds, and is petted in the first half of a lease only. */
function checkWatchdog({ leaseMs }: QuorumConfig, source: Source): void {
  if (leaseMs >= WATCHDOG_LEASE_MS_MIN) return
  source.refuse('watchdog', 'E_CONFIG_TIMERS', {
    what: 'The watchdog would reset a node that serves',
    sum: `twice its timeout of ${durationText(watchdogTimeoutMs({ leaseMs }))} = ${durationText(WATCHDOG_LEASE_MS_MIN)}`,
    limit: `the lease of ${durationText(leaseMs)}`,
    instead: `Write lease: ${durationText(WATCHDOG_LEASE_MS_MIN)} or more under quorum, or no watchdog.`
  })
}

/** The mirroring paper's partner takes over when the partner timeout is over. */
function checkPartner(job: string, partnerTimeoutMs: number, quorum: QuorumConfig, source: Source): void {
  const { leaseMs, driftMs } = quorum
  const sumMs = leaseMs + driftMs + KILL_GRACE_MS
  if (sumMs <= partnerTimeoutMs) return
  source.refuse(quorum, 'E_CONFIG_TIMERS', {
    what: `The lease of ${job} cannot end before its partner is to take over`,
    sum: `lease ${durationText(leaseMs)} + drift ${durationText(driftMs)} + ${durationText(KILL_GRACE_MS)} for the kill = ${durationText(sumMs)}`,
    limit: `the partnerTimeout of ${durationText(partnerTimeoutMs)}`,
    instead: `Write a shorter lease under quorum, or partnerTimeout: ${durationText(sumMs)} or more for ${job}.`
  })
}

function checkHeartbeats(links: LinkConfig[], quorum: QuorumConfig, source: Source): void {
  const [fastest] = links.filter(carriesHeartbeat).sort((a, b) => patienceMs(a) - patienceMs(b))
  if (fastest === undefined) return
  const { intervalMs, maxMiss, name } = fastest
  const takeoverMs = quorum.leaseMs + quorum.driftMs
  const limitMs = TAKEOVERS_UNTIL_SEEN_MAX * takeoverMs
  if (patienceMs(fastest) <= limitMs) return
  source.refuse(quorum, 'E_CONFIG_TIMERS', {
    what: `The heartbeats would call a node alive long after its partner has taken over`,
    sum: `interval ${durationText(intervalMs)} × maxMiss ${maxMiss} of link ${name} = ${durationText(patienceMs(fastest))}`,
    limit: `twice lease ${durationText(quorum.leaseMs)} + drift ${durationText(quorum.driftMs)} = ${durationText(limitMs)}`,
    instead: 'Write a shorter interval or a lower maxMiss under heartbeat, or a longer lease under quorum.'
  })
}

const patienceMs = ({ intervalMs, maxMiss }: LinkConfig): number => intervalMs * maxMiss
