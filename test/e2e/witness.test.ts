import fs from 'node:fs'
import path from 'node:path'
import { Asker, held, makePair, type Pair, temporaryFolder } from '../agent/witness/kit'
import { tell } from './kit/needs'
import { dist, NODE, startProgram } from './kit/programs'
import { firstOwnPort } from '../kit/ports'

/** `WITNESS_PAIRS=1000 WITNESS_JOBS=1 WITNESS_SECONDS=60` measures other shapes; 1,000 jobs they are all the same. */
const PAIRS = Number(process.env.WITNESS_PAIRS ?? 25)
const JOBS = Number(process.env.WITNESS_JOBS ?? 40)
const SECONDS = Number(process.env.WITNESS_SECONDS ?? 10)
const MEMORY_MIB_MAX = 100
const LEASE_MS = 10_000
/** As often as a node asks. */
const ROUND_MS = LEASE_MS / 5
const JOB_NAMES = Array.from({ length: JOBS }, (_, place) => `job-${place}`)
const TEST_TIMEOUT_MS = 300_000
const MIB = 1024 * 1024
const TICKS_A_SECOND = 100

const statusOf = (pid: number): string => fs.readFileSync(`/proc/${pid}/status`, 'utf8')
const residentMib = (pid: number): number => (Number(/VmRSS:\s+(\d+)/.exec(statusOf(pid))?.[1]) * 1024) / MIB
function cpuSeconds(pid: number): number {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}

async function askersOf(pair: Pair, port: number): Promise<[Asker, Asker]> {
  const [a, b] = [await pair.sign('RMHW131'), await pair.sign('RMHW132')]
  const times = () => ({ leaseMs: LEASE_MS, driftMs: 250 })
  return [new Asker('RMHW131', 'RMHW132', { port, certificates: a, times }), new Asker('RMHW132', 'RMHW131', { port, certificates: b, times })]
}

/** Owner and mirror ask as in the life of a job: the owner renews, the mirror reports. No two pairs at the same moment. */
async function askPair([owner, mirror]: [Asker, Asker], place: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, (ROUND_MS * place) / PAIRS))
  const replies = JOB_NAMES.flatMap((job) => [owner.renew(held('RMHW131'), job), mirror.report(held('RMHW131'), job)])
  return (await Promise.all(replies)).filter((reply) => reply?.ballot).length
}

/** All of them once; how many answers came. */
async function round(pairs: [Asker, Asker][]): Promise<number> {
  const [answered] = await Promise.all([Promise.all(pairs.map(askPair)), new Promise((resolve) => setTimeout(resolve, ROUND_MS))])
  return answered.reduce((sum, count) => sum + count, 0)
}

test(
  'one witness serves 1,000 jobs in less than 100 MiB',
  async () => {
    const folder = temporaryFolder()
    const pairs = await Promise.all(Array.from({ length: PAIRS }, (_, place) => makePair(`pair-${place}`)))
    for (const pair of pairs) await pair.enrol(folder)
    const port = firstOwnPort()
    const witness = startProgram([NODE, dist('agent'), 'witness', 'run', '--state', folder, '--listen', '127.0.0.1', '--port', String(port)])
    const pid = witness.pid as number
    try {
      while (!fs.existsSync(path.join(folder, 'witness.sock'))) await new Promise((resolve) => setTimeout(resolve, 50))
      const askers = await Promise.all(pairs.map((pair) => askersOf(pair, port)))
      while ((await round(askers)) < 2 * PAIRS * JOBS);
      const before = { cpu: cpuSeconds(pid), at: performance.now() }
      let peakMib = 0
      let answered = 0
      let rounds = 0
      while (performance.now() - before.at < SECONDS * 1_000) {
        answered += await round(askers)
        rounds += 1
        peakMib = Math.max(peakMib, residentMib(pid))
      }
      const percent = ((cpuSeconds(pid) - before.cpu) / ((performance.now() - before.at) / 1_000)) * 100
      tell(`witness: ${PAIRS} pairs with ${JOBS} jobs each, ${answered} answers in ${SECONDS} s: ${peakMib.toFixed(0)} MiB, ${percent.toFixed(1)} % of a core`)
      expect(answered).toBe(rounds * 2 * PAIRS * JOBS)
      expect(peakMib).toBeLessThan(MEMORY_MIB_MAX)
      for (const { client } of askers.flat()) client.close()
    } finally {
      witness.kill('SIGKILL')
      fs.rmSync(folder, { recursive: true, force: true })
    }
  },
  TEST_TIMEOUT_MS
)
