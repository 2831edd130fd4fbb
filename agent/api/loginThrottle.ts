interface Tries {
  failed: number
  blockedUntilMs: number
  lastMs: number
}

interface Limits {
  /** So many wrong passwords are a slip of the finger. */
  free: number
  /** The wait doubles from one second up to this. */
  waitMsMax: number
}

const FIRST_WAIT_MS = 1_000
const ENTRIES_MAX = 2_048
const FORGET_MS = 15 * 60_000

/** An address that guesses waits for minutes. */
const BY_ADDRESS: Limits = { free: 5, waitMsMax: 5 * 60_000 }
/** An account waits only seconds: else anybody could lock its owner out by guessing. */
const BY_ACCOUNT: Limits = { free: 10, waitMsMax: 5_000 }

/** Slows down who guesses passwords; bounded, and forgets after a quarter of an hour. */
export class LoginThrottle {
  private readonly tries = new Map<string, Tries>()

  constructor(private readonly nowMs: () => number) {}

  /** How long this login has to wait; 0: go on. */
  waitMs(address: string, account: string): number {
    return Math.max(0, ...keysOf(address, account).map(({ key }) => (this.tries.get(key)?.blockedUntilMs ?? 0) - this.nowMs()))
  }

  failed(address: string, account: string): void {
    const now = this.nowMs()
    for (const { key, limits } of keysOf(address, account)) {
      const before = this.tries.get(key)
      const failed = (before && now - before.lastMs < FORGET_MS ? before.failed : 0) + 1
      const waitMs = failed < limits.free ? 0 : Math.min(limits.waitMsMax, FIRST_WAIT_MS * 2 ** Math.min(failed - limits.free, 30))
      this.tries.delete(key)
      this.tries.set(key, { failed, blockedUntilMs: now + waitMs, lastMs: now })
    }
    // The order of insertion is the order of age.
    while (this.tries.size > ENTRIES_MAX) this.tries.delete(this.tries.keys().next().value as string)
  }

  succeeded(address: string, account: string): void {
    for (const { key } of keysOf(address, account)) this.tries.delete(key)
  }
}

const keysOf = (address: string, account: string) => [
  { key: `address ${address}`, limits: BY_ADDRESS },
  { key: `account ${account}`, limits: BY_ACCOUNT }
]
