/** Times of birth as capture folds them (see stat.ts): seconds · 2^20 + nanoseconds / 2^10. Exact as a number, and in the order of time. */
const SECOND = 0x10_0000

export const ticksOf = (seconds: number, nanoseconds: number): number => seconds * SECOND + (nanoseconds >>> 10)
export const ticksOfMs = (ms: number): number => ticksOf(Math.floor(ms / 1000), (ms % 1000) * 1_000_000)
export const ticksOfNs = (ns: bigint): number => ticksOf(Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n))
