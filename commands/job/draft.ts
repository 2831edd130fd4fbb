import { configDifferences, type ConfigEdit, editConfig, type JobChange, type JobConfig, NoSuchPart, parseConfig } from '../../src/model'
import type { ConfigView } from '../../src/wire'
import { postChange } from '../change'
import { reportOf } from '../kit/fail'
import type { NodeEntry } from '../kit/store'

/** A job that is being talked about: what has been answered so far, and what both nodes say to one answer more. */
export class Draft {
  private changes: JobChange[] = []

  constructor(
    private readonly entry: NodeEntry,
    private readonly view: ConfigView,
    private readonly editOf: (changes: JobChange[]) => ConfigEdit,
    readonly job: string
  ) {}

  get edit(): ConfigEdit {
    return this.editOf(this.changes)
  }

  /** As far as it has come; null: there is nothing of it yet. */
  get config(): JobConfig | null {
    const answer = parseConfig(this.text([]), this.view.file)
    return 'config' in answer ? (answer.config.jobs[this.job] ?? null) : null
  }

  get hasWitness(): boolean {
    const answer = parseConfig(this.view.agreed.text, this.view.file)
    return 'config' in answer && !!answer.config.witness
  }

  get nodes(): string[] {
    const answer = parseConfig(this.view.agreed.text, this.view.file)
    return 'config' in answer ? Object.keys(answer.config.nodes) : []
  }

  private text(more: JobChange[]): string {
    return editConfig(this.view.agreed.text, this.editOf([...this.changes, ...more]))
  }

  add(...more: JobChange[]): void {
    this.changes.push(...more)
  }

  /** What is expected instead; null: it is right. Read here. */
  whyNot(...more: JobChange[]): string | null {
    try {
      const answer = parseConfig(this.text(more), this.view.file)
      const [problem] = 'problems' in answer ? answer.problems : []
      return problem === undefined ? null : `${problem.message} ${problem.tryThis}`
    } catch (thrown) {
      if (thrown instanceof NoSuchPart) return `There is no ${thrown.part}; there is ${thrown.known.join(', ') || 'none'}.`
      throw thrown
    }
  }

  /** Read here, then looked at by both nodes. A job that is not complete yet is looked at as far as it is. */
  async whyNotThere(...more: JobChange[]): Promise<string | null> {
    const wrong = this.whyNot(...more)
    if (wrong !== null || this.changesNothing(more)) return wrong
    try {
      await postChange(this.entry, { text: this.text(more), base: this.view.agreed.hash, reason: 'dialogue', dryRun: true })
      return null
    } catch (thrown) {
      const { code, message, tryThis } = reportOf(thrown)
      // That a job is online stands in the way of the whole, and not of this answer.
      if (code === 'E_CONFIG_JOB_ONLINE') return null
      // Of several the first line only says how many there are.
      return code === 'E_CONFIG_CHECKS' ? message.split('\n').slice(1).join('\n') : `${message} ${tryThis}`
    }
  }

  private changesNothing(more: JobChange[]): boolean {
    const [before, after] = [parseConfig(this.text([]), ''), parseConfig(this.text(more), '')]
    return 'config' in before && 'config' in after && configDifferences(before.config, after.config).length === 0
  }
}
