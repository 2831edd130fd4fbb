import { JOB } from '../e2e/kit/lab'
import { type Contestant, type Pair, pairOf } from './deaths'
import { rivals } from './rivals'

const READY_TIMEOUT_MS = 90_000
/** Three missed heartbeats of 100 ms each; a lease that is as short as it may be. */
const TIMES = ['--who', '--heartbeat', '100ms', '--miss', '3']
const LEASE = 'lease=1s,drift=200ms'
const HEARTBEATS = 'a heartbeat every 100 ms, 3 missed; what answers is started too'

const ours = (name: string, times: string, options: string[]): Contestant => ({
  name,
  times,
  options: [...TIMES, ...options],
  begin: async (lab) => void (await lab.done(['bringin', JOB])),
  revived: () => undefined,
  agreed: async (lab, sinceMs) => void (await lab.settled(sinceMs, READY_TIMEOUT_MS))
})

/** All at the same interval; ours starts what answers as well, and with a quorum waits for the lease of the dead one. */
export async function failoverPairs(root: string): Promise<Pair[]> {
  const contestants = [
    ...rivals(root),
    ours('mirrorpair, guide', HEARTBEATS, []),
    ours('mirrorpair, quorum', `${HEARTBEATS}; lease 1 s, drift 200 ms`, ['--mode', 'high-availability', '--quorum', LEASE])
  ]
  const pairs: Pair[] = []
  for (const contestant of contestants) pairs.push(await pairOf(contestant))
  return pairs
}
