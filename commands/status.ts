import { Args } from '@oclif/core'
import { ReportError } from '../src/report/report'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail, reportOf } from './kit/fail'
import { actionOf, jobAndWord, jobWord } from './operate'
import { standbyOf } from './view/cluster'
import { failoverVerdict, readDecisions, reasonOf, type Answer, type Decisions } from './view/decisions'
import { reached, seenWords } from './view/reached'

const QUERIES = ['is-online', 'is-synchronized', 'is-protected'] as const
type Query = (typeof QUERIES)[number]

const EXIT_CODES = { yes: 0, cannotTell: 1, no: 2 } as const

interface Said {
  answer: Answer
  why: string
}

/** For scripts and load balancers: the exit code is the answer. */
export class Status extends CuiCommand {
  static override args = { what: Args.string(), job: Args.string(), query: Args.string() }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'exit code 0: it is so, 2: it is not, 1: it cannot be told',
    usage: 'status query JOB is-online|is-synchronized|is-protected [--node NODE] [--json]',
    example: 'status query DB_Group is-online'
  }

  async run(): Promise<Outcome> {
    try {
      return await this.answered()
    } catch (thrown) {
      // A job that nobody knows, or a word that is none, must never be taken for a "no" (2, as for wrong usage everywhere else).
      throw new ReportError({ ...reportOf(thrown), exitCode: EXIT_CODES.cannotTell })
    }
  }

  private async answered(): Promise<Outcome> {
    const { args, flags } = await this.read(Status)
    const { usage } = Status.about
    if (args.what !== 'query') throw fail('E_USAGE', { what: `status knows one word, query; for a look at a job there is jobstate.`, usage })
    const [jobArg, word] = jobAndWord(args.job, args.query, QUERIES)
    const query = actionOf(word, QUERIES, 'status query', usage)
    const job = jobWord(this.context, jobArg, usage)
    const { answer, why } = said(await readDecisions(this.context, job, flags.node), query)
    this.output.line(`${job} ${query}: ${answer === null ? 'cannot tell' : answer ? 'yes' : 'no'} (${why})`)
    return { exitCode: answer === null ? EXIT_CODES.cannotTell : answer ? EXIT_CODES.yes : EXIT_CODES.no, json: { job, query, answer, why } }
  }
}

/** Old news is no answer, and neither is a "no" where the two nodes disagree about the owner. */
function said(decisions: Decisions, query: Query): Said {
  const { cluster, now, owner } = decisions
  if (now.seen === null || now.seen.old || now.view === null) return { answer: null, why: `${owner} was not heard` }
  const others = [...cluster.seen.values()].filter((seen) => !seen.old).flatMap((seen) => seen.view.jobs[now.job]?.record.owner ?? [])
  if (others.some((other) => other !== owner)) return { answer: null, why: 'the nodes disagree about the owner' }
  if (query === 'is-protected') return protectedNow(decisions)
  if (query === 'is-synchronized' && now.view.data === null) return { answer: null, why: 'it replicates nothing' }
  const pair = { now, standby: standbyOf(cluster, now).view ?? null }
  return { answer: reached(pair, query === 'is-online' ? 'online' : 'synchronized'), why: seenWords(pair) }
}

/** It is served, and the death of the owner's node now would be survived without anybody's hand. */
function protectedNow(decisions: Decisions): Said {
  const { now, owner, standby } = decisions
  if (now.state !== 'online') return { answer: false, why: `${now.state} on ${owner}` }
  const verdict = failoverVerdict(decisions)
  return { answer: verdict.answer, why: verdict.answer === true ? `${standby} would take over from ${owner}` : reasonOf(verdict, standby, decisions) }
}
