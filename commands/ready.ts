import { Args } from '@oclif/core'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { actionOf, jobAndWord, jobWord } from './operate'
import { failoverVerdict, monitorVerdict, readDecisions, reasonOf, switchVerdict, type Decisions } from './view/decisions'

const QUESTIONS = ['failover', 'switch', 'monitor'] as const
type Wanted = (typeof QUESTIONS)[number]
/** An HA switch of the system resource monitor is asked for by name only: not every pair has one. */
const USUAL: readonly Wanted[] = ['failover', 'switch']

/** For a runbook, before the work begins: it stops there when the pair is not ready. */
export class Ready extends CuiCommand {
  static override args = { job: Args.string(), question: Args.string() }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'exit code 0 when the job would fail over by itself and switch would be accepted, else 5',
    usage: 'ready JOB [failover|switch|monitor] [--node NODE] [--json]',
    example: 'ready DB_Group switch'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Ready)
    const { usage } = Ready.about
    const [jobArg, word] = jobAndWord(args.job, args.question, QUESTIONS)
    const wanted = word === undefined ? USUAL : [actionOf(word, QUESTIONS, 'ready', usage)]
    const job = jobWord(this.context, jobArg, usage)
    const decisions = await readDecisions(this.context, job, flags.node)
    const against = wanted.flatMap((question) => whyNot(decisions, question, job))
    if (against.length > 0) throw fail('E_NOT_READY', { job, why: against })
    this.output.line(`${job} is ready: ${wanted.map((question) => promise(decisions, question, job)).join(', and ')}`)
    return { exitCode: 0, json: { job, ready: true, questions: wanted, owner: decisions.owner, standby: decisions.standby } }
  }
}

function promise({ owner, standby }: Decisions, question: Wanted, job: string): string {
  if (question === 'failover') return `${standby} would take over by itself if ${owner} were lost now`
  return question === 'switch' ? `switch ${job} would be accepted` : `an HA switch of the system resource monitor of ${owner} would move it`
}

function whyNot(decisions: Decisions, question: Wanted, job: string): string[] {
  const { owner, standby } = decisions
  if (question === 'monitor') return whyNotMonitor(decisions, job)
  const verdict = question === 'failover' ? failoverVerdict(decisions) : switchVerdict(decisions)
  if (verdict.answer === true) return []
  const decider = question === 'switch' && decisions.answers.switch === null ? owner : standby
  const what = question === 'failover' ? `${standby} would not take over by itself` : `switch ${job} would not be accepted`
  return [`${verdict.answer === null ? 'it cannot be told whether it is' : what}: ${reasonOf(verdict, decider, decisions)}`]
}

function whyNotMonitor(decisions: Decisions, job: string): string[] {
  const verdict = monitorVerdict(decisions)
  if (verdict === null) return [`no event of the system resource monitor of ${decisions.owner} moves ${job}, as far as is known`]
  return verdict.answer === true ? [] : [`an HA switch of the system resource monitor would not move it: ${reasonOf(verdict, decisions.owner, decisions)}`]
}
