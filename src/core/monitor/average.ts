/**
 * The mean of a time that goes along. What is read is added up in a fixed number of parts of that time, so that a mean of a day takes no more room than one of
 * a minute; the oldest part leaves as a whole.
 */
export interface Average {
  windowMs: number
  firstAtMs: number
  parts: readonly Part[]
}

interface Part {
  atMs: number
  sum: number
  /** What could not be read does not count. */
  count: number
}

export const AVERAGE_PARTS = 60

export function addToAverage(before: Average | undefined, windowMs: number, atMs: number, value: number | null): Average {
  const known = before?.windowMs === windowMs ? before : { windowMs, firstAtMs: atMs, parts: [] }
  const partMs = windowMs / AVERAGE_PARTS
  const startMs = Math.floor(atMs / partMs) * partMs
  const fresh = known.parts.filter((part) => part.atMs > startMs - windowMs)
  const last = fresh.at(-1)
  const part = last?.atMs === startMs ? last : { atMs: startMs, sum: 0, count: 0 }
  const added = value === null ? part : { atMs: startMs, sum: part.sum + value, count: part.count + 1 }
  return { ...known, parts: [...fresh.filter((each) => each !== last || last.atMs !== startMs), added] }
}

/** null: nothing of it could be read. */
export function meanOf({ parts }: Average): number | null {
  const count = parts.reduce((sum, part) => sum + part.count, 0)
  return count === 0 ? null : parts.reduce((sum, part) => sum + part.sum, 0) / count
}

/** Not so long yet: then nothing can be said about it. */
export const collectedMs = ({ firstAtMs }: Average, atMs: number): number => atMs - firstAtMs
