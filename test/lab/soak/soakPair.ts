import { FOLDER, JOB, Lab } from '../../e2e/kit/lab'
import { describeSeen } from '../../e2e/kit/observer'
import { lastingDifferences } from '../../e2e/kit/trees'
import type { Node } from '../plan'
import { faultOf } from './faultOf'
import type { PairKind, Plan } from './plan'
import { PostgresWork } from './postgresWork'
import { RecordsWork } from './recordsWork'
import { Story } from './story'
import type { Work } from './work'

const READY_TIMEOUT_MS = 180_000
const SERVES_TIMEOUT_MS = 120_000
const SETTLED_TIMEOUT_MS = 180_000
/** Short, so that each run meets it; the least that the configuration takes is 1 s. */
const PARTNER_TIMEOUT = '2s'
const DIFFERENCES_SHOWN = 10

export interface Outcome {
  plan: Plan
  problems: string[]
  told: string
  story: string
  tookMs: number
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A pair that is hurt again and again, and must be whole after each time. */
export class SoakPair {
  private constructor(
    private readonly lab: Lab,
    private readonly work: Work,
    private owner: Node
  ) {}

  static async up(kind: PairKind): Promise<SoakPair> {
    const data = `safety=${kind.safety},partnerTimeout=${PARTNER_TIMEOUT}`
    const lab = await Lab.up(['--application', kind.work, '--fs', kind.fileSystem, '--data', data, '--size', '2G'], 'soak')
    try {
      const work = kind.work === 'records' ? new RecordsWork(lab, kind.safety) : new PostgresWork(lab, kind.safety)
      await lab.done(['bringin', JOB])
      const owner = await lab.settled(0, READY_TIMEOUT_MS)
      await work.prepare()
      return new SoakPair(lab, work, owner)
    } catch (error) {
      await lab.down().catch(() => undefined)
      throw error
    }
  }

  get name(): string {
    return this.lab.name
  }

  /** One fault and what must be true afterwards. Never throws: a pair that does not come back is a problem like the others. */
  async run(plan: Plan): Promise<Outcome> {
    const story = new Story()
    const begin = performance.now()
    const outcome: Outcome = { plan, problems: [], told: '', story: '', tookMs: 0 }
    try {
      await this.hurt(plan, story, outcome)
    } catch (error) {
      outcome.problems.push((error as Error).message)
    }
    if (outcome.problems.length > 0) story.tell(`${describeSeen(this.lab.watch().seen)}\n${await this.lab.logs().catch(() => '(no logs)')}`)
    return { ...outcome, story: story.text, tookMs: performance.now() - begin }
  }

  private async hurt(plan: Plan, story: Story, outcome: Outcome): Promise<void> {
    const before = this.owner
    story.tell(`${before} serves`)
    await this.work.begin()
    await pause(plan.delayMs)
    const fault = faultOf(plan, this.lab, before, story)
    const struckAtMs = Date.now()
    await fault.strike()
    // Both nodes without power: nobody can serve before they are back.
    const served = async () => {
      await this.work.goesOn(SERVES_TIMEOUT_MS)
      story.tell('the service takes writes')
    }
    if (plan.offMs === null && plan.what !== 'both') await served()
    else await pause(plan.offMs ?? 0)
    await fault.end()
    const backAtMs = Date.now()
    await served()
    let settled: Promise<Node> | null = null
    const owner = () => (settled ??= this.lab.settled(backAtMs, SETTLED_TIMEOUT_MS))
    const { told, problems } = await this.work.end(async () => (await owner()) !== before)
    this.owner = await owner()
    story.tell(`${this.owner} serves, the copy of the other node is whole, ${Date.now() - struckAtMs} ms after the fault; ${told}`)
    outcome.told = `${before} → ${this.owner}: ${told}`
    outcome.problems.push(...problems)
    await this.compare(outcome)
  }

  private async compare(outcome: Outcome): Promise<void> {
    await this.work.rest(this.owner)
    const different = await lastingDifferences(this.lab, FOLDER, this.work.excluded)
    if (different.length > 0) outcome.problems.push(`${different.length} differences: ${different.slice(0, DIFFERENCES_SHOWN).join('\n')}`)
    if (this.work instanceof PostgresWork) outcome.problems.push(...(await this.work.pages()))
    const onAtMs = Date.now()
    await this.work.goOn()
    this.owner = await this.lab.settled(onAtMs, SETTLED_TIMEOUT_MS)
  }

  async down(): Promise<void> {
    await this.lab.down()
  }
}
