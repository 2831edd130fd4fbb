import { Args } from '@oclif/core'
import type { HistoryAnswer, TakeoverView } from '../src/wire'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { askEach, call, openNodes } from './kit/nodes'
import { table } from './kit/table'
import { clean } from './kit/text'
import { jobAndWord, jobWord } from './operate'
import { changeLines, changeRow, changesOf, type Change } from './view/takeovers'
import { readJob } from './view/read'
import { print, printProblems } from './view/tables'

/** The agent waits two seconds for its peer. */
const HISTORY_ANSWER_MS = 5_000

/** What became of each change of owner, and what the nodes went by. */
export class History extends CuiCommand {
  static override args = { job: Args.string(), sequence: Args.string() }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'each change of owner: who, why, what each node saw, how long nobody served, what may be lost',
    usage: 'history JOB [SEQUENCE] [--node NODE] [--json]',
    example: 'history DB_Group'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(History)
    const { usage } = History.about
    const [jobArg, word] = jobAndWord(args.job, args.sequence, (one) => /^\d+$/.test(one))
    if (word !== undefined && !/^\d+$/.test(word)) throw fail('E_USAGE', { what: `"${word}" is not a role sequence.`, usage })
    const job = jobWord(this.context, jobArg, usage)
    const { now } = await readJob(this.context, job, flags.node)
    const { entries, unheard } = await this.kept(job, flags.node)
    const all = changesOf(entries)
    const changes = word === undefined ? all : all.filter(({ roleSequence }) => roleSequence === Number(word))
    if (word === undefined) this.list(changes, now.utcOffsetMinutes)
    else for (const change of changes) this.one(change, now.utcOffsetMinutes)
    if (changes.length === 0) this.output.line(word === undefined ? `No change of owner of ${job} has been kept.` : `Nothing is kept of role sequence ${word}.`)
    printProblems(this.output, unheard)
    return { exitCode: unheard.length > 0 ? 1 : 0, json: { job, changes, unheard } }
  }

  /** Each node has its own; one that is not open is asked through the other one. */
  private async kept(job: string, node: string | undefined): Promise<{ entries: TakeoverView[]; unheard: string[] }> {
    const path = `/v1/jobs/${encodeURIComponent(job)}/history`
    const asked = openNodes(this.context.store, node).map((entry) => call<HistoryAnswer>(entry, { method: 'GET', path, answerMs: HISTORY_ANSWER_MS }))
    const { answers } = await askEach(asked)
    const entries = new Map(answers.flatMap((answer) => answer.entries).map((entry) => [`${entry.node} ${entry.roleSequence} ${entry.atMs}`, entry]))
    const complete = answers.length > 1 || answers.some(({ unheard }) => unheard === null)
    return { entries: [...entries.values()], unheard: complete ? [] : answers.flatMap(({ unheard }) => unheard ?? []) }
  }

  private list(changes: Change[], utcOffsetMinutes: number): void {
    if (changes.length === 0) return
    const rows = changes.map((change) => changeRow(change, utcOffsetMinutes))
    print(this.output, table(COLUMNS, rows, this.output.paint.state))
  }

  private one(change: Change, utcOffsetMinutes: number): void {
    print(this.output, changeLines(change, utcOffsetMinutes).map(clean))
    this.output.line()
  }
}

const COLUMNS = [
  { title: 'Seq', width: 5 },
  { title: 'Time', width: 21 },
  { title: 'From', width: 9 },
  { title: 'To', width: 9 },
  { title: 'How', width: 11 },
  { title: 'Ended', width: 9 },
  { title: 'Outage', width: 8 },
  { title: 'Loss', width: 0 }
]
