import { JOB, Lab, type LedgerReport, otherNode, VIP } from '../../e2e/kit/lab'
import { growLedger, ledgerRows, sql } from '../../e2e/kit/postgres'
import { describeSeen } from '../../e2e/kit/observer'
import { dist, Measuring, NODE } from '../../e2e/kit/programs'
import { FIRST_WHO_PORT } from '../applications'
import type { Node } from '../plan'
import { type QuorumFault, wordsOf } from './faults'

const PORT = 5432
/** Each waits for it; long enough for what a busy machine does in between. */
export const LEASE = '5s'
const UP = ['--application', 'postgres', '--who', '--mode', 'high-availability', '--quorum', `lease=${LEASE}`, '--size', '2G']
const READY_TIMEOUT_MS = 180_000
const SERVES_TIMEOUT_MS = 120_000
const SETTLED_TIMEOUT_MS = 180_000
const SAMPLE_MS = 5
const LEDGER_EVERY_MS = 2
const ROWS = 20
/** Where nobody can be reached it is held beyond a lease and all that waits for it. */
const HOLD_MS = 9_000
/** The service goes on under the fault for so long before it is mended. */
const GOES_ON_MS = 1_500

/** As test/lab/eyes.main.ts prints it. */
interface EyesReport {
  samples: number
  answered: number
  both: number
  turns: { node: string; fromMs: number; toMs: number; answers: number }[]
  outageMs: number
}

export interface Proof {
  fault: string
  problems: string[]
  told: string
  /** As the client saw it: between two commits. */
  outageMs: number
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A pair with PostgreSQL, safety FULL and a witness, which is hurt again and again and must be whole after each time by itself. */
export class QuorumPair {
  private constructor(
    readonly lab: Lab,
    private active: Node
  ) {}

  static async up(lab: Lab): Promise<QuorumPair> {
    await lab.build(UP)
    await lab.done(['bringin', JOB])
    return new QuorumPair(lab, await lab.settled(0, READY_TIMEOUT_MS))
  }

  /** Never throws: a pair that does not come back is a problem like the others. */
  async prove(fault: QuorumFault): Promise<Proof> {
    const proof: Proof = { fault: fault.name, problems: [], told: '', outageMs: 0 }
    try {
      await this.hurt(fault, proof)
    } catch (error) {
      proof.problems.push((error as Error).message, describeSeen(this.lab.watch().seen))
      await this.mend(fault).catch((why: Error) => proof.problems.push(why.message))
      proof.problems.push(await this.lab.logs().catch(() => '(no logs)'))
    }
    return proof
  }

  /** What comes next must not suffer from what went wrong here. */
  private async mend(fault: QuorumFault): Promise<void> {
    for (const verb of wordsOf(fault.end, this.active, otherNode(this.active))) await this.lab.verb(verb)
    this.active = await this.lab.settled(Date.now(), SETTLED_TIMEOUT_MS)
  }

  private async hurt(fault: QuorumFault, proof: Proof): Promise<void> {
    const { lab, active } = this
    const verbs = async (words: string[]): Promise<void> => {
      for (const verb of wordsOf(words, active, otherNode(active))) await lab.verb(verb)
    }
    await sql(lab, 'client', 'drop table if exists ledger')
    const ledger = lab.ledger('--postgres', PORT, { everyMs: LEDGER_EVERY_MS })
    const eyes = new Measuring<EyesReport>(lab.start('client', [NODE, dist('eyes'), '--to', `${VIP}:${FIRST_WHO_PORT}`, '--every', String(SAMPLE_MS)]))
    await growLedger(lab, ROWS)
    await verbs(fault.strike)
    if (fault.goesOn) await growLedger(lab, ROWS, SERVES_TIMEOUT_MS)
    await pause(fault.goesOn ? GOES_ON_MS : HOLD_MS)
    await verbs(fault.end)
    const endedAtMs = Date.now()
    await growLedger(lab, ROWS, SERVES_TIMEOUT_MS)
    this.active = await lab.settled(endedAtMs, SETTLED_TIMEOUT_MS)
    await this.judge(proof, active, await ledger.report(), await eyes.report())
  }

  private async judge(proof: Proof, before: Node, ledger: LedgerReport, eyes: EyesReport): Promise<void> {
    const rows = await ledgerRows(this.lab, 'client', ledger.committed, VIP)
    const turns = eyes.turns.map(({ node, answers }) => `${node} ${answers}`).join(', ')
    if (rows < ledger.committed) proof.problems.push(`${ledger.committed - rows} of ${ledger.committed} committed rows are missing`)
    if (eyes.both > 0) proof.problems.push(`both nodes answered at ${eyes.both} of ${eyes.samples} samples: ${turns}`)
    // It moves once at most: who has lost it does not answer any more, not even for a moment.
    if (eyes.turns.length > 2) proof.problems.push(`the service moved to and fro: ${turns}`)
    if (eyes.answered === 0) proof.problems.push(`nobody ever answered: ${eyes.samples} samples`)
    proof.outageMs = ledger.outageMs
    const moved = before === this.active ? `${before} goes on` : `${before} → ${this.active}`
    proof.told = `${moved}, ${ledger.committed} commits and all there, outage ${ledger.outageMs} ms (${eyes.outageMs} ms without an answer), ${eyes.samples} samples, never both`
  }
}
