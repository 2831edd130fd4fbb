import { createInterface } from 'node:readline'
import { Sampler, wholeKeys } from './sampler'
import type { UsageAnswer, UsageQuestion } from './wire'

/**
 * `mirrorpair-agent usage`: looks at the usage of the machine in the engine's place. What is read here can hang (a network share, a process that is stuck in
 * the kernel); then this program hangs alone, and the engine ends it. It ends by itself when the engine is gone.
 */
export async function runUsageProgram(): Promise<number> {
  const samplers = new Map<string, Sampler>()
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const question = JSON.parse(line) as UsageQuestion
    const sampler = question.lasting === null ? new Sampler() : (samplers.get(question.lasting) ?? new Sampler())
    if (question.lasting !== null) samplers.set(question.lasting, sampler)
    void answer(question, sampler)
  })
  await new Promise((resolve) => lines.once('close', resolve))
  // Whatever a thread of it still waits for.
  process.exit(0)
}

async function answer({ number, keys }: UsageQuestion, sampler: Sampler): Promise<void> {
  const values = await sampler.sample(keys ?? wholeKeys()).catch(() => ({}))
  const said: UsageAnswer = { number, values }
  process.stdout.write(`${JSON.stringify(said)}\n`)
}
