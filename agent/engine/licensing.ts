import { judgeLicence, type LicenceFacts, type LicenceJudged } from '../../src/model'
import { licenceReport } from '../../src/report/licence'
import { ReportError } from '../../src/report/report'
import type { LicenceAnswer, LicenceChangeAnswer, LicenceRequest, LicenceView } from '../../src/wire'
import { plainReason } from '../adapters/failure'
import type { Ports } from '../ports'

/** A card that is exchanged, or a file that somebody put there by hand, is seen so much later. */
const LOOK_MS = 30_000

interface LicensingOptions {
  node: string
  ports: Pick<Ports, 'clock' | 'licence' | 'log'>
  /** Something about it has changed. */
  seen(facts: LicenceFacts): void
}

/** This node's licence: looked at, installed, removed. What follows from it is decided in the core. */
export class Licensing {
  private last: LicenceFacts | null = null
  /** One look or change after the other: an older look never speaks after a newer one. */
  private turn: Promise<unknown> = Promise.resolve()
  private unreadable = false
  private cancelLook: () => void = () => undefined

  constructor(private readonly options: LicensingOptions) {}

  start(): void {
    void this.inTurn(() => this.look()).catch((error: unknown) => this.cannotLook(error))
    this.cancelLook = this.options.ports.clock.after(LOOK_MS, () => this.start())
  }

  stop(): void {
    this.cancelLook()
  }

  /** As of the last look: at once. */
  judged(): LicenceJudged {
    return judgeLicence(this.last, this.options.ports.clock.wallMs())
  }

  async show(): Promise<LicenceAnswer> {
    return { node: this.options.node, ...this.view(await this.inTurn(() => this.lookNow())) }
  }

  /** Everything is checked before the file that is there is touched. */
  change({ text, dryRun = false }: LicenceRequest, account: string): Promise<LicenceChangeAnswer> {
    return this.inTurn(async () => {
      const before = this.view(await this.lookNow())
      const next = await this.lookNow(text)
      if (text !== null) this.check(next)
      if (!dryRun && (text !== null || before.serial !== null || before.why !== null)) await this.save(text, account)
      return { node: this.options.node, dryRun, before, after: this.view(dryRun ? next : await this.look()) }
    })
  }

  private check(facts: LicenceFacts): void {
    const { node } = this.options
    const { licensor, trouble, licence, bad, hostId } = facts
    if (trouble !== null) throw new ReportError({ node, ...licenceReport('E_LICENSE_FILE', { node, why: trouble }) })
    if (licensor === null) throw new ReportError({ node, ...licenceReport('E_LICENSE_FREE', { node }) })
    if (licence === null) throw new ReportError({ node, ...licenceReport('E_LICENSE_FILE', { node, why: bad ?? 'it is empty' }) })
    if (bad !== null) throw new ReportError({ node, ...licenceReport('E_LICENSE_SIGNATURE', { node, licensor: licensor.name }) })
    const { word, expires } = judgeLicence(facts, this.options.ports.clock.wallMs())
    if (word === 'WrongHost')
      throw new ReportError({ node, ...licenceReport('E_LICENSE_HOST', { node, given: licence.hostId, hostId: hostId ?? 'one without network cards' }) })
    if (word === 'Expired') throw new ReportError({ node, ...licenceReport('E_LICENSE_EXPIRED', { node, expires: expires ?? '' }) })
  }

  private async save(text: string | null, account: string): Promise<void> {
    const { node, ports } = this.options
    try {
      await ports.licence.save(text)
    } catch (error) {
      throw new ReportError({ node, ...licenceReport('E_LICENSE_SAVE', { node, why: plainReason(error) }) })
    }
    ports.log.event('info', `The licence of ${node} was ${text === null ? 'removed' : 'installed'}, typed by ${account}`)
  }

  /** What is there now, told on when it is another than before. */
  private async look(): Promise<LicenceFacts> {
    const facts = await this.options.ports.licence.look()
    this.unreadable = false
    if (JSON.stringify(facts) !== JSON.stringify(this.last)) {
      this.last = facts
      this.options.seen(facts)
    }
    return facts
  }

  private async lookNow(instead?: string | null): Promise<LicenceFacts> {
    const { node, ports } = this.options
    try {
      return instead === undefined ? await this.look() : await ports.licence.look(instead)
    } catch (error) {
      throw new ReportError({ node, ...licenceReport('E_LICENSE_LOOK', { node, why: plainReason(error) }) })
    }
  }

  /** What was seen before goes on counting. */
  private cannotLook(error: unknown): void {
    if (this.unreadable) return
    this.unreadable = true
    this.options.ports.log.event('warning', `${this.options.node} cannot look at its licence: ${plainReason(error)}`)
  }

  private view(facts: LicenceFacts): LicenceView {
    const { licensor, licence, hostId } = facts
    return {
      ...judgeLicence(facts, this.options.ports.clock.wallMs()),
      hostId,
      licensor: licensor?.name ?? null,
      required: licensor?.required ?? facts.trouble !== null,
      serial: licence?.serial ?? null,
      licensee: licence?.licensee ?? null,
      issued: licence?.issued ?? null
    }
  }

  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.turn.then(work)
    this.turn = result.catch(() => undefined)
    return result
  }
}
