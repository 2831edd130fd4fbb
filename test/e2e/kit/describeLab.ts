import { JOB, Lab } from './lab'
import { describePair } from './needs'

const UP_TIMEOUT_MS = 240_000
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
