import { createHash } from 'node:crypto'

/** One record on the disk: fixed length, and its own proof that it is whole. */
export const ROW_BYTES = 64
const NUMBER_WIDTH = 16
const DIGEST_WIDTH = ROW_BYTES - NUMBER_WIDTH - 2

export function row(number: number): Buffer {
  const text = String(number).padStart(NUMBER_WIDTH)
  const digest = createHash('sha256').update(text).digest('hex').slice(0, DIGEST_WIDTH)
  return Buffer.from(`${text} ${digest}\n`)
}

/** The number of a row that is whole; null: it is damaged, or not there (zeros). */
export function numberOf(bytes: Buffer): number | null {
  const number = Number(bytes.toString('latin1', 0, NUMBER_WIDTH))
  return Number.isSafeInteger(number) && row(number).equals(bytes) ? number : null
}

/** Whole rows of a file, in their order; damaged ones are null. A cut off last one is left out. */
export function rowsOf(bytes: Buffer): (number | null)[] {
  return Array.from({ length: Math.floor(bytes.length / ROW_BYTES) }, (_, place) => numberOf(bytes.subarray(place * ROW_BYTES, (place + 1) * ROW_BYTES)))
}

/** Numbers as ranges, both ends included: thousands of them fit a line. */
export type Ranges = [number, number][]

export function rangesOf(numbers: Iterable<number>): Ranges {
  const ranges: Ranges = []
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last && number <= last[1] + 1) last[1] = Math.max(last[1], number)
    else ranges.push([number, number])
  }
  return ranges
}

export function* numbersIn(ranges: Ranges): Generator<number> {
  for (const [from, to] of ranges) for (let number = from; number <= to; number += 1) yield number
}
