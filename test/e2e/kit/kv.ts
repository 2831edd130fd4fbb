import { grows } from './grows'
import { type Lab, VIP } from './lab'
import { dist, NODE } from './programs'

const PORT = 7400
/** On a busy machine the program that asks needs most of it to start: who does not answer it gives up by itself. */
const ASK_SECONDS = 20
const ANSWER_TIMEOUT_MS = 60_000

/** What the key-value service says, asked at the VIP; null: nobody answers. */
async function asks(lab: Lab, question: string): Promise<number | null> {
  const result = await lab.exec('client', ['timeout', String(ASK_SECONDS), NODE, dist('kv'), '--ask', `${VIP}:${PORT}`, question])
  const count = /^COUNT (\d+)/.exec(result.stdout)?.[1]
  return count === undefined ? null : Number(count)
}

/** Waits until there are so many entries more: the service takes writes. */
export const growKv = (lab: Lab, more: number, timeoutMs?: number): Promise<void> =>
  grows(
    async () => {
      const rows = await asks(lab, 'COUNT')
      return { rows, said: String(rows ?? 'no answer') }
    },
    more,
    timeoutMs
  )

/** Of the ledger's entries 1 to `upTo`, how many are there, in the first answer; null: nobody answers. */
export async function kvEntries(lab: Lab, upTo: number, name = 'ledger'): Promise<number | null> {
  for (const deadline = performance.now() + ANSWER_TIMEOUT_MS; ; ) {
    const count = await asks(lab, `COUNT ${name}- ${upTo}`)
    if (count !== null || performance.now() > deadline) return count
  }
}
