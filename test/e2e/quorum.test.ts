import { QUORUM_FAULTS_OF_BUILD } from '../lab/quorum/faults'
import { LEASE, type Proof, QuorumPair } from '../lab/quorum/proof'
import { Lab } from './kit/lab'
import { describePair, tell } from './kit/needs'

const UP_TIMEOUT_MS = 480_000
const TEST_TIMEOUT_MS = 600_000

/** The whole set of faults: npm run soak -- --mode high-availability */
describePair(`with a quorum (PostgreSQL, safety FULL, a witness, lease ${LEASE})`, { postgres: true }, () => {
  const lab = Lab.named('quorum')
  let pair: QuorumPair
  beforeAll(async () => {
    pair = await QuorumPair.up(lab)
  }, UP_TIMEOUT_MS)
  afterAll(() => lab.down(), UP_TIMEOUT_MS)

  test.each(QUORUM_FAULTS_OF_BUILD.map((fault) => [fault.name, fault] as const))(
    '%s: one node answers at most, no commit is lost, and both are equal again by themselves',
    async (_name, fault) => {
      const proof: Proof = await pair.prove(fault)
      expect(proof.problems).toEqual([])
      tell(`${fault.name}: ${proof.told}`)
    },
    TEST_TIMEOUT_MS
  )
})
