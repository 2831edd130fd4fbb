/** How main steers the walk's thread, which never looks at its mailbox: a few words of shared memory. */
export type WalkState = 'idle' | 'walking' | 'paused' | 'stopped' | 'failed'
/** `full`: full mirror. `verify`: compare all there is. `difference`: compare what a dirty set names, which main has posted before. */
export type WalkOrder = 'none' | 'full' | 'stop' | 'exit' | 'verify' | 'difference'
/** What runs, or ran last. */
export type WalkKind = 'mirror' | 'verify' | 'difference'

export const WALK_STATES: readonly WalkState[] = ['idle', 'walking', 'paused', 'stopped', 'failed']
const ORDERS: readonly WalkOrder[] = ['none', 'full', 'stop', 'exit', 'verify', 'difference']
const KINDS: readonly WalkKind[] = ['mirror', 'verify', 'difference']
const ORDER = 0
const PAUSED = 1
const STATE = 2
const BUSY = 3
const NAP = 4
const KIND = 5
const SMALL_WORDS = 6
const TOTAL = 0
const DONE = 1
const APPLIED = 2
const DIFFERENCES = 3
const STARTED = 4
const ENDED = 5
const LONG_WORDS = 6
const NAP_MS = 2
const FULL_PERCENT = 100
/** Before this much time has gone, nobody can say how long it will take. */
const RATE_MS_MIN = 1_000

export class WalkControl {
  private readonly small: Int32Array
  private readonly long: BigInt64Array

  private constructor(readonly shared: SharedArrayBuffer) {
    this.small = new Int32Array(shared, 0, SMALL_WORDS)
    this.long = new BigInt64Array(shared, SMALL_WORDS * 4, LONG_WORDS)
  }

  static create(): WalkControl {
    return new WalkControl(new SharedArrayBuffer(SMALL_WORDS * 4 + LONG_WORDS * 8))
  }

  static attach(shared: SharedArrayBuffer): WalkControl {
    return new WalkControl(shared)
  }

  order(order: WalkOrder): void {
    Atomics.store(this.small, ORDER, ORDERS.indexOf(order))
  }

  pending(): WalkOrder {
    return ORDERS[Atomics.load(this.small, ORDER)]!
  }

  /** The order, once. `exit` stays. */
  take(): WalkOrder {
    const order = this.pending()
    if (order !== 'exit') Atomics.compareExchange(this.small, ORDER, ORDERS.indexOf(order), 0)
    return order
  }

  pause(paused: boolean): void {
    Atomics.store(this.small, PAUSED, paused ? 1 : 0)
  }

  isPaused(): boolean {
    return Atomics.load(this.small, PAUSED) === 1
  }

  setState(state: WalkState): void {
    Atomics.store(this.small, STATE, WALK_STATES.indexOf(state))
  }

  state(): WalkState {
    return WALK_STATES[this.stateNumber()]!
  }

  stateNumber(): number {
    return Atomics.load(this.small, STATE)
  }

  /** Something runs, paused or not. */
  isRunning(): boolean {
    return ['walking', 'paused'].includes(this.state())
  }

  /** What runs is a comparison. */
  isComparing(): boolean {
    return this.kind() !== 'mirror' && this.isRunning()
  }

  kind(): WalkKind {
    return KINDS[Atomics.load(this.small, KIND)]!
  }

  /** Set around each look at the revisits: while it is not set and there are none, all that was asked for is in the order. */
  setBusy(busy: boolean): void {
    Atomics.store(this.small, BUSY, busy ? 1 : 0)
  }

  isBusy(): boolean {
    return Atomics.load(this.small, BUSY) === 1
  }

  /** The walk's thread: it has begun, at this wall clock. */
  begin(kind: WalkKind, nowMs: number): void {
    Atomics.store(this.small, KIND, KINDS.indexOf(kind))
    Atomics.store(this.long, TOTAL, 0n)
    Atomics.store(this.long, DONE, 0n)
    Atomics.store(this.long, STARTED, BigInt(Math.round(nowMs)))
    Atomics.store(this.long, ENDED, 0n)
    if (kind !== 'mirror') Atomics.store(this.long, DIFFERENCES, 0n)
    this.setState('walking')
  }

  /** The walk's thread: it is over, in this state. */
  end(state: WalkState, nowMs: number): void {
    Atomics.store(this.long, ENDED, BigInt(Math.round(nowMs)))
    this.setState(state)
  }

  setTotal(bytes: number): void {
    Atomics.store(this.long, TOTAL, BigInt(bytes))
    Atomics.store(this.long, DONE, 0n)
  }

  advance(bytes: number): void {
    Atomics.add(this.long, DONE, BigInt(bytes))
  }

  progress(): { totalBytes: number; doneBytes: number } {
    return { totalBytes: Number(Atomics.load(this.long, TOTAL)), doneBytes: Number(Atomics.load(this.long, DONE)) }
  }

  /** Files grow while they are walked: only the end mark makes it a hundred. */
  percent(): number {
    if (this.state() === 'idle') return FULL_PERCENT
    const { totalBytes, doneBytes } = this.progress()
    return totalBytes === 0 ? 0 : Math.min(FULL_PERCENT - 1, Math.floor((doneBytes * FULL_PERCENT) / totalBytes))
  }

  leftBytes(): number {
    const { totalBytes, doneBytes } = this.progress()
    return this.state() === 'idle' ? 0 : Math.max(0, totalBytes - doneBytes)
  }

  /** As fast as until now; null: too early to say. */
  leftMs(nowMs: number): number | null {
    if (this.state() === 'idle') return 0
    const { doneBytes } = this.progress()
    const tookMs = nowMs - Number(Atomics.load(this.long, STARTED))
    return doneBytes === 0 || tookMs < RATE_MS_MIN ? null : Math.round((this.leftBytes() * tookMs) / doneBytes)
  }

  /** The sender: the target has applied all up to here, and its differences until then are in the DiffersQueue. */
  setTargetApplied(lsn: number): void {
    Atomics.store(this.long, APPLIED, BigInt(lsn))
  }

  targetApplied(): number {
    return Number(Atomics.load(this.long, APPLIED))
  }

  setDifferences(count: number): void {
    Atomics.store(this.long, DIFFERENCES, BigInt(count))
  }

  /** Found by the comparison that runs, or ran last. */
  differences(): number {
    return Number(Atomics.load(this.long, DIFFERENCES))
  }

  /** The walk's thread only. */
  nap(): void {
    Atomics.wait(this.small, NAP, 0, NAP_MS)
  }
}
