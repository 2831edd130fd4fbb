import { JOB, Lab } from './lab'
import { describePair } from './needs'

const UP_TIMEOUT_MS = 110_000
export const ONLINE_TIMEOUT_MS = 40_000
export const EQUAL_TIMEOUT_MS = 60_000

/** A real pair whose job is online on RMHW131 and equal on both nodes; one for all tests of the story. */
export function describeOnline(name: string, { options = [], postgres = false }: { options?: string[]; postgres?: boolean }, tests: (lab: Lab) => void): void {
  describePair(name, { postgres }, () => {
    const lab = Lab.named()
    beforeAll(async () => {
      await lab.build([...(postgres ? ['--application', 'postgres'] : []), ...options])
      await lab.done(['bringin', JOB])
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS)
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
    }, UP_TIMEOUT_MS)
    afterAll(() => lab.down(), UP_TIMEOUT_MS)
    tests(lab)
  })
}
