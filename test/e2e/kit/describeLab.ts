import { JOB, Lab } from './lab'
import { describePair } from './needs'

/** The pair, the bring in, and what is waited for then. */
const UP_TIMEOUT_MS = 600_000
/** Each wait of a test has a limit of its own, which says what did not come. This one is above their sum: it only ends what hangs elsewhere. */
export const TEST_TIMEOUT_MS = 900_000
/** What an agent sees or does within seconds, on a machine that is ten times slower. */
export const SEEN_TIMEOUT_MS = 60_000
export const ONLINE_TIMEOUT_MS = 80_000
export const EQUAL_TIMEOUT_MS = 120_000

/** `agents`: PostgreSQL as its OCF resource agent runs it. */
interface Wishes {
  options?: string[]
  postgres?: boolean
  agents?: boolean
}

/** A real pair whose job is online on RMHW131 and equal on both nodes; one for all tests of the story. */
export function describeOnline(name: string, wishes: Wishes, tests: (lab: Lab) => void): void {
  const { options = [], postgres = false, agents = false } = wishes
  describePair(name, { postgres: postgres || agents, agents }, () => {
    const lab = Lab.named()
    beforeAll(async () => {
      await lab.build([...(postgres ? ['--application', 'postgres'] : []), ...(agents ? ['--application', 'pgsql'] : []), ...options])
      await lab.done(['bringin', JOB])
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS)
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
    }, UP_TIMEOUT_MS)
    afterAll(() => lab.down(), UP_TIMEOUT_MS)
    tests(lab)
  })
}
