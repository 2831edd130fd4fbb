/** So many wrong letters still count as a slip of the finger. */
const DISTANCE_MAX = 3

/** Letters to insert, remove or change to make one word of the other. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const change = (previous[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(change, (previous[column] as number) + 1, (current[column - 1] as number) + 1))
    }
    previous = current
  }
  return previous[b.length] as number
}

/** The known word that was most likely meant, or null. */
export function nearest(word: string, known: readonly string[]): string | null {
  const small = word.toLowerCase()
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(small, candidate.toLowerCase()) }))
    .filter(
      ({ candidate, far }) => far <= Math.min(DISTANCE_MAX, Math.floor(candidate.length / 2)) || (small.length > 2 && candidate.toLowerCase().startsWith(small))
    )
    .sort((a, b) => a.far - b.far)
  return ranked[0]?.candidate ?? null
}
