const ROWS_TIMEOUT_MS = 160_000
const ASK_AGAIN_MS = 200

/** How many rows there are, null: nobody answers; and what was said. */
export interface Counted {
  rows: number | null
  said: string
}

/** Waits until there are so many rows more than when it was asked first: the service takes writes. */
export async function grows(count: () => Promise<Counted>, more: number, timeoutMs = ROWS_TIMEOUT_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs
  let first: number | null = null
  for (;;) {
    const { rows, said } = await count()
    first ??= rows
    if (rows !== null && first !== null && rows >= first + more) return
    if (performance.now() > deadline) throw new Error(`the ledger does not grow: ${said}`)
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
  }
}
