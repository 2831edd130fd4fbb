import { Args } from '@oclif/core'
import type { CheckView } from '../src/wire'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { table } from './kit/table'
import { clean, shortDuration } from './kit/text'
import { jobWord } from './operate'
import {
  failoverVerdict,
  monitorVerdict,
  readDecisions,
  reasonOf,
  serveVerdict,
  switchVerdict,
  type Answer,
  type Decisions,
  type Verdict
} from './view/decisions'
import { printProblems } from './view/tables'

const WORDS = { yes: 'Yes', no: 'No', unknown: 'It cannot be told' }

/** Shows the conditions that the nodes' decisions depend on, as they stand now. */
export class Why extends CuiCommand {
  static override args = { job: Args.string() }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'would it fail over, would switch be accepted: each condition, who saw it and when',
    usage: 'why JOB [--node NODE] [--json]',
    example: 'why DB_Group'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Why)
    const job = jobWord(this.context, args.job, Why.about.usage)
    const decisions = await readDecisions(this.context, job, flags.node)
    const { owner, standby } = decisions
    const [serve, failover, move] = [serveVerdict(decisions), failoverVerdict(decisions), switchVerdict(decisions)]
    this.show(`May ${owner} serve ${job}?`, serve, reasonOf(serve, owner, decisions))
    this.show(`Would ${standby} take over by itself if ${owner} were lost now?`, failover, reasonOf(failover, standby, decisions))
    this.trigger(decisions)
    this.show(`Would switch ${job} be accepted now?`, move, reasonOf(move, decisions.answers.switch === null ? owner : standby, decisions))
    const monitor = monitorVerdict(decisions)
    if (monitor !== null)
      this.show(`Would an HA switch of the system resource monitor of ${owner} move ${job} now?`, monitor, reasonOf(monitor, owner, decisions))
    printProblems(this.output, [...decisions.unheard, ...decisions.disagreement])
    const all = [serve, failover, move]
    return {
      exitCode: all.every(({ answer }) => answer === true) && decisions.disagreement.length === 0 ? 0 : 1,
      json: {
        job,
        owner,
        standby,
        serve,
        failover: { ...failover, trigger: triggerOf(decisions) },
        switch: move,
        monitor,
        unheard: decisions.unheard,
        disagreement: decisions.disagreement
      }
    }
  }

  private show(question: string, verdict: Verdict, unknown: string): void {
    const { output } = this
    output.line(clean(`${question} ${wordOf(verdict.answer)}.`))
    if (verdict.answer === null) printProblems(output, [unknown])
    if (verdict.checks.length > 0)
      for (const line of table(COLUMNS, verdict.checks.map(row), (cell) => (cell === NOT_MET ? output.paint.bad(cell) : output.paint.state(cell))))
        output.line(line)
    printProblems(
      output,
      verdict.checks.flatMap(({ why }) => why ?? [])
    )
    output.line()
  }

  /** What has not happened yet is no reason against. */
  private trigger(decisions: Decisions): void {
    const waits = triggerOf(decisions).filter(({ met }) => !met)
    if (decisions.answers.failover?.yes !== true) return
    this.output.line(
      waits.length === 0 ? 'It is about to: all that it waits for has happened.' : clean(`It has no cause to now: ${waits.map(({ why }) => why).join(', ')}.`)
    )
    this.output.line()
  }
}

const NOT_MET = 'no'
const COLUMNS = [
  { title: 'Condition', width: 22 },
  { title: 'Met', width: 7 },
  { title: 'Seen', width: 18 },
  { title: 'By', width: 9 },
  { title: 'Age', width: 0 }
]

const row = ({ check, met, value, observer, ageMs }: CheckView): string[] => [
  check,
  met ? 'ok' : NOT_MET,
  value,
  observer,
  ageMs === null ? 'never' : shortDuration(ageMs)
]

const wordOf = (answer: Answer): string => (answer === null ? WORDS.unknown : answer ? WORDS.yes : WORDS.no)

const triggerOf = ({ answers }: Decisions): CheckView[] => answers.failover?.trigger ?? []
