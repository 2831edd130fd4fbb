import type { SharedOrderedLog } from './order/sharedOrderedLog'

export interface Lease {
  roleSequence: number
  /** On the clock of this boot (CLOCK_BOOTTIME). */
  untilMs: number
}

/** The newest lease that this node was told of, and the order that obeys it, whichever comes first. */
export class Leases {
  told: Lease | null = null
  private needed = false
  private used: { log: SharedOrderedLog; roleSequence: number } | null = null

  /** Has the job's mode a quorum? */
  need(needed: boolean): void {
    this.needed = needed
    this.apply()
  }

  /** From its first word on this order obeys. */
  use(log: SharedOrderedLog, roleSequence: number): void {
    this.used = { log, roleSequence }
    this.apply()
  }

  /** False: an older one, which changes nothing. */
  tell(lease: Lease): boolean {
    const { told } = this
    const newer = told === null || lease.roleSequence > told.roleSequence || (lease.roleSequence === told.roleSequence && lease.untilMs > told.untilMs)
    if (!newer) return false
    this.told = lease
    this.apply()
    return true
  }

  private apply(): void {
    if (this.used === null) return
    const { log, roleSequence } = this.used
    log.setLease(this.needed ? this.untilMs(roleSequence) : null)
  }

  /** What was granted for an older role sequence is not this one's. */
  private untilMs(roleSequence: number): number {
    return this.told !== null && this.told.roleSequence >= roleSequence ? this.told.untilMs : 0
  }
}
