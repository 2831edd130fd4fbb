import { type QuorumConfig, STOP_PART } from '../../model'

/** The owner's side: what it may do until when, on its own clock. */
export interface Lease {
  roleSequence: number
  untilMs: number
}

export const NO_LEASE: Lease = { roleSequence: 0, untilMs: Number.NEGATIVE_INFINITY }

/** Renewed so often in the time of a lease: two lost messages in a row cost nothing. */
const RENEWALS_A_LEASE = 5

export const renewEveryMs = ({ leaseMs }: QuorumConfig): number => leaseMs / RENEWALS_A_LEASE
export const stopMarginMs = ({ leaseMs }: QuorumConfig): number => leaseMs / STOP_PART
export const guardMarginMs = (quorum: QuorumConfig): number => stopMarginMs(quorum) / 2

/** A renewal counts from when it was SENT: the voter's own waiting began later than that, whatever the network did. */
export function renewed(lease: Lease, roleSequence: number, sentAtMs: number, { leaseMs }: QuorumConfig): Lease {
  const untilMs = sentAtMs + leaseMs
  return lease.roleSequence === roleSequence ? { roleSequence, untilMs: Math.max(lease.untilMs, untilMs) } : { roleSequence, untilMs }
}

/** Asked with the time of the event that is being looked at: who was asleep wakes up without a lease. */
export const isValid = (lease: Lease, roleSequence: number, atMs: number): boolean => lease.roleSequence === roleSequence && atMs < lease.untilMs

/** There is still time for more than stopping. */
export const mayGoOn = (lease: Lease, roleSequence: number, atMs: number, quorum: QuorumConfig): boolean =>
  lease.roleSequence === roleSequence && atMs < lease.untilMs - stopMarginMs(quorum)
