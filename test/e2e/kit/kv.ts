import { type Lab, VIP } from './lab'

const PORT = 7400
const ROWS_TIMEOUT_MS = 40_000
const ASK_AGAIN_MS = 100

/** What the key-value service says, asked at the VIP; null: nobody answers. */
async function asks(lab: Lab, question: string): Promise<number | null> {
  const result = await lab.exec('client', ['timeout', '3', 'node', `${process.cwd()}/dist/kv.cjs`, '--ask', `${VIP}:${PORT}`, question])
  const count = /^COUNT (\d+)/.exec(result.stdout)?.[1]
  return count === undefined ? null : Number(count)
}

/** Waits until there are so many entries more than when it was asked first: the service takes writes. */
export async function growKv(lab: Lab, more: number, timeoutMs = ROWS_TIMEOUT_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs
  let first: number | null = null
  for (;;) {
    const rows = await asks(lab, 'COUNT')
    first ??= rows
    if (rows !== null && first !== null && rows >= first + more) return
    if (performance.now() > deadline) throw new Error(`the ledger does not grow: ${rows ?? 'no answer'}`)
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
  }
}

/** Of the ledger's entries 1 to `upTo`, how many are there. */
export const kvEntries = (lab: Lab, upTo: number): Promise<number | null> => asks(lab, `COUNT ledger- ${upTo}`)
