/** A broken invariant is a bug of ours, never of the user: the process ends and recovers from disk. */
export class InvariantError extends Error {
  override name = 'InvariantError'
}

/** Says what must be true, on the way to disk and on the way back, in production too. */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw new InvariantError(`invariant broken: ${what}`)
}
