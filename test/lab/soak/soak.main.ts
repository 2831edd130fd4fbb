import { parseArgs } from 'node:util'
import { LabError } from '../labError'
import { planOf, WHATS, type Wishes, WORKS } from './plan'
import { soakQuorum } from '../quorum/soakQuorum'
import { soak } from './soak'

const RUNS = 100
const HELP = `Power cuts and cut cables on a real pair, each with a seed, and what must be true after each of them.

  npm run soak -- [--runs 100] [--seed S] [--what source,target,both,link] [--fs ext4,xfs] [--safety full,off]
                  [--work records,postgres] [--keep]

  npm run soak -- --mode high-availability [--runs 1] [--fault TEXT] [--keep]
                  a pair with a quorum, PostgreSQL and a witness: each host dies, sleeps, loses its power; each link and each pair of links is cut,
                  messages are lost one way; --fault: only those whose name has this in it

A run that fails prints its story and the command that has it again. --keep leaves its pair up.
`

const { values } = parseArgs({
  options: {
    runs: { type: 'string' },
    mode: { type: 'string' },
    fault: { type: 'string', default: '' },
    seed: { type: 'string' },
    what: { type: 'string', default: WHATS.join(',') },
    fs: { type: 'string', default: 'ext4,xfs' },
    safety: { type: 'string', default: 'full,off' },
    work: { type: 'string', default: WORKS.join(',') },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})

function chosen<T extends string>(option: string, text: string, among: readonly T[]): T[] {
  const words = text.split(',').filter(Boolean)
  const wrong = words.find((word) => !(among as readonly string[]).includes(word))
  if (wrong !== undefined || words.length === 0) throw new LabError(`--${option} ${text}: "${wrong ?? ''}" is unknown`, `--${option} ${among.join(',')}`, 2)
  return words as T[]
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const say = (text: string) => void process.stdout.write(`${text}\n`)
  if (values.mode !== undefined) {
    chosen('mode', values.mode, ['high-availability'])
    return (await soakQuorum({ wanted: values.fault, rounds: Number(values.runs ?? 1), keep: values.keep, say })) > 0 ? 1 : 0
  }
  const wishes: Wishes = {
    whats: chosen('what', values.what, WHATS),
    fileSystems: chosen('fs', values.fs, ['ext4', 'xfs']),
    safeties: chosen('safety', values.safety, ['full', 'off']),
    works: chosen('work', values.work, WORKS)
  }
  const first = Number(values.seed ?? Date.now() % 1_000_000)
  const plans = Array.from({ length: Number(values.runs ?? RUNS) }, (_, place) => planOf(first + place, wishes))
  process.stdout.write(`${plans.length} runs from seed ${first} on\n`)
  const failed = await soak({ plans, wishes, keep: values.keep, say })
  process.stdout.write(`${plans.length - failed.length} good, ${failed.length} failed${failed.map(({ plan }) => ` ${plan.seed}`).join('')}\n`)
  return failed.length > 0 ? 1 : 0
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(error instanceof LabError ? `${error.message}\nTry: ${error.tryThis}\n` : `${error.stack}\n`)
    process.exit(1)
  }
)
