import { type QuorumConfig, STOP_PART } from '../../model'

/** The owner's side: what it may do until when, on its own clock. */
export interface Lease {
  roleSequence: number
  untilMs: number
  /** Its length when it was granted: what is configured may have changed since. */
  leaseMs: number
}

export const NO_LEASE: Lease = { roleSequence: 0, untilMs: Number.NEGATIVE_INFINITY, leaseMs: 0 }

/** Renewed so often in the time of a lease: two lost messages in a row cost nothing. */
const RENEWALS_A_LEASE = 5

export const renewEveryMs = ({ leaseMs }: Pick<QuorumConfig, 'leaseMs'>): number => leaseMs / RENEWALS_A_LEASE
export const stopMarginMs = ({ leaseMs }: Pick<QuorumConfig, 'leaseMs'>): number => leaseMs / STOP_PART
export const guardMarginMs = (lease: Pick<QuorumConfig, 'leaseMs'>): number => stopMarginMs(lease) / 2

/** A renewal counts from when it was SENT: the voter's own waiting began later than that, whatever the network did. */
export function renewed(lease: Lease, roleSequence: number, sentAtMs: number, { leaseMs }: Pick<QuorumConfig, 'leaseMs'>): Lease {
  const untilMs = sentAtMs + leaseMs
  return lease.roleSequence === roleSequence && lease.untilMs >= untilMs ? lease : { roleSequence, untilMs, leaseMs }
}

/** Asked with the time of the event that is being looked at: who was asleep wakes up without a lease. */
export const isValid = (lease: Lease, roleSequence: number, atMs: number): boolean => lease.roleSequence === roleSequence && atMs < lease.untilMs

/** There is still time for more than stopping. */
export const mayGoOn = (lease: Lease, roleSequence: number, atMs: number): boolean =>
  lease.roleSequence === roleSequence && atMs < lease.untilMs - stopMarginMs(lease)
