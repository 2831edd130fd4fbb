import { bootTimeMicros } from '../../native/libc'

/** A job without quorum needs no lease. */
const NOT_NEEDED = 0n
/** Needed, and none was told yet: over since the boot. */
const NONE_YET = 1n

/** Until when this node may say that something is durable, and may send: one word in shared memory that is looked at each time, never a timer. */
export class LeaseWord {
  constructor(
    private readonly longs: BigInt64Array,
    private readonly at: number,
    private readonly nowMicros = bootTimeMicros
  ) {}

  /** null: none is needed. */
  set(untilMs: number | null): void {
    const word = untilMs === null ? NOT_NEEDED : BigInt(Math.floor(untilMs * 1_000))
    Atomics.store(this.longs, this.at, untilMs !== null && word < NONE_YET ? NONE_YET : word)
  }

  isNeeded(): boolean {
    return Atomics.load(this.longs, this.at) !== NOT_NEEDED
  }

  runs(): boolean {
    const until = Atomics.load(this.longs, this.at)
    return until === NOT_NEEDED || this.nowMicros() < Number(until)
  }
}
