import type { CheckView, DecisionView, Question, WhyAnswer } from '../../src/wire'
import type { Context } from '../context'
import { askAll, askEach, call, openNodes, requireAnswer, type Asked } from '../kit/nodes'
import { clustersOf, disagreement, knownJob, type ClusterView, type JobNow } from './cluster'

/** The agent waits two seconds for its peer. */
const WHY_ANSWER_MS = 5_000

/** What the nodes that decide about a job say; null: the one that would decide it was not heard. */
export interface Decisions {
  cluster: ClusterView
  now: JobNow
  owner: string
  standby: string
  answers: Record<Question, DecisionView | null>
  /** The nodes whose word there is, whatever it is about. */
  heard: Set<string>
  /** Why there is no word of a node. */
  unheard: string[]
  /** Where the nodes say different things about who owns the job. */
  disagreement: string[]
}

/** Every open node of the job's cluster is asked; each hands on what the other one says. A node's own word counts before one that was handed on. */
export async function readDecisions(context: Context, job: string, node: string | undefined): Promise<Decisions> {
  const asked = await askAll(openNodes(context.store, node))
  requireAnswer(asked)
  const { cluster, now } = knownJob(clustersOf(asked), job)
  const answers = await askWhy(asked, cluster.cluster, job)
  const standby = cluster.nodes.find((name) => name !== now.owner) ?? 'the other node'
  const heard = new Set(answers.flatMap(({ decisions }) => decisions.map((decision) => decision.node)))
  const unheard = heard.size > 1 ? [] : answers.flatMap((answer) => answer.unheard ?? [])
  return { cluster, now, owner: now.owner, standby, answers: chosen(answers, now.owner), heard, unheard, disagreement: disagreement(cluster.seen, job) }
}

async function askWhy(asked: Asked[], cluster: string, job: string): Promise<WhyAnswer[]> {
  const entries = asked.filter(({ status }) => status?.cluster === cluster && status.self.jobs[job] !== undefined).map(({ entry }) => entry)
  const path = `/v1/jobs/${encodeURIComponent(job)}/why`
  return (await askEach(entries.map((entry) => call<WhyAnswer>(entry, { method: 'GET', path, answerMs: WHY_ANSWER_MS })))).answers
}

/** What the owner decides. */
const OWNERS: readonly Question[] = ['serve', 'switch', 'monitor']

/** The owner's word about serving and switching, the standby's about taking over and accepting. */
function chosen(answers: WhyAnswer[], owner: string): Decisions['answers'] {
  const all = [...answers].flatMap((answer) => answer.decisions.map((decision) => ({ decision, own: decision.node === answer.node })))
  const of = (question: Question): DecisionView | null => {
    const fits = all.filter(({ decision }) => decision.question === question && (decision.node === owner) === OWNERS.includes(question))
    return (fits.find(({ own }) => own) ?? fits[0])?.decision ?? null
  }
  return { serve: of('serve'), switch: of('switch'), failover: of('failover'), accept: of('accept'), monitor: of('monitor') }
}

/** true, false, or null: it cannot be told. */
export type Answer = boolean | null

export interface Verdict {
  answer: Answer
  checks: CheckView[]
}

/** Would the standby take over by itself if the owner were lost now? */
export const failoverVerdict = ({ answers: { failover } }: Decisions): Verdict => verdictOf(failover)

/** Both have to agree to a switch: who has it, and who gets it. */
export function switchVerdict({ answers }: Decisions): Verdict {
  const [gives, takes] = [verdictOf(answers.switch), verdictOf(answers.accept)]
  const said = [gives.answer, takes.answer]
  const answer = said.includes(false) ? false : said.includes(null) ? null : true
  return { answer, checks: [...gives.checks, ...takes.checks] }
}

/** null: no event of the owner's monitor could move it, or the owner does not say. */
export const monitorVerdict = ({ answers: { monitor } }: Decisions): Verdict | null => (monitor === null ? null : verdictOf(monitor))

export const serveVerdict = ({ answers: { serve } }: Decisions): Verdict => verdictOf(serve)

const verdictOf = (decision: DecisionView | null): Verdict =>
  decision === null ? { answer: null, checks: [] } : { answer: decision.yes, checks: decision.checks }

/** Why it is not a yes, in one sentence. A node that is heard and has no word about it takes another one for the owner. */
export function reasonOf({ answer, checks }: Verdict, decider: string, { heard, owner }: Pick<Decisions, 'heard' | 'owner'>): string {
  if (answer === null && heard.has(decider)) return `${decider}, which decides it, was heard, and does not say that ${owner} owns it`
  if (answer === null) return `${decider}, which decides it, was not heard`
  return checks.flatMap(({ why }) => (why === null ? [] : [why]))[0] ?? ''
}
