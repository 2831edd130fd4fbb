import { PEER_STATE_INTERVAL_MS, type JobView, type NodeView, type StatusAnswer } from '../../src/wire'
import type { Asked } from '../kit/nodes'
import { shortDuration } from '../kit/text'
import { where } from '../kit/client'
import { fail } from '../kit/fail'

/** A node's view of itself, heard from it or from its peer, with its age. */
export interface Seen {
  view: NodeView
  ageMs: number
  /** The peer said it some time ago, or says that it hears nothing any more: never to be drawn green. */
  old: boolean
  /** The node that handed it on; the node itself when it was asked. */
  through: string
  /** Wall clock of that node when it answered, and its offset from UTC. */
  wallMs: number
  utcOffsetMinutes: number
}

/** What the open nodes of one cluster say, put together. */
export interface ClusterView {
  cluster: string
  /** Both nodes, in the order of their names. */
  nodes: string[]
  seen: Map<string, Seen>
  jobs: string[]
  problems: string[]
  /** Open nodes that did not answer, and why. */
  unanswered: string[]
}

export interface JobNow {
  job: string
  owner: string
  /** The owner's word for it; `unknown` when nobody has heard the owner. */
  state: string
  takeReason: string
  takeTimeMs: number
  utcOffsetMinutes: number
  roleSequence: number
  seen: Seen | null
  view: JobView | null
}

const FRESH_MS = 3 * PEER_STATE_INTERVAL_MS

export const UNKNOWN = 'unknown'

/** A value with its age where it is old. */
export const aged = (word: string, seen: Pick<Seen, 'old' | 'ageMs'> | null | undefined): string =>
  seen?.old === true && word !== UNKNOWN ? `${word} (${shortDuration(seen.ageMs)} ago)` : word

export function clustersOf(asked: Asked[]): ClusterView[] {
  const answers = asked.flatMap((one) => (one.status === null ? [] : [{ ...one.status, agoMs: one.agoMs }]))
  const names = [...new Set(answers.map((answer) => answer.cluster))]
  const silent = asked.filter((one) => one.status === null)
  return names.map((name, i) =>
    clusterOf(
      name,
      answers.filter((answer) => answer.cluster === name),
      i === 0 ? silent : []
    )
  )
}

function clusterOf(cluster: string, answers: (StatusAnswer & { agoMs: number })[], silent: Asked[]): ClusterView {
  const nodes = [...new Set(answers.flatMap((answer) => [answer.node, answer.peerNode]))].sort()
  const seen = new Map<string, Seen>()
  const clock = ({ node, wallMs, utcOffsetMinutes }: StatusAnswer) => ({ through: node, wallMs, utcOffsetMinutes })
  for (const answer of answers) seen.set(answer.node, { view: answer.self, ageMs: answer.agoMs, old: answer.agoMs > FRESH_MS, ...clock(answer) })
  for (const answer of answers) {
    if (answer.peer === null || seen.has(answer.peerNode)) continue
    const ageMs = answer.peer.ageMs + answer.agoMs
    seen.set(answer.peerNode, { view: answer.peer.view, ageMs, old: ageMs > FRESH_MS || answer.peerAlive !== 'up', ...clock(answer) })
  }
  const jobs = [...new Set([...seen.values()].flatMap((one) => Object.keys(one.view.jobs)))]
  const unanswered = silent.map((one) => `${one.entry.node} (${where(one.entry)}): ${one.report?.message ?? 'it does not answer.'}`)
  const problems = [...unanswered, ...answers.flatMap((answer) => answer.problems), ...differing(seen), ...jobs.flatMap((job) => disagreement(seen, job))]
  return { cluster, nodes, seen, jobs, problems: [...new Set(problems)], unanswered }
}

/** Both nodes, where both speak for themselves. */
const bothOf = (seen: Map<string, Seen>) => [...seen.values()].filter((known) => !known.old).map((known) => known.view)

function differing(seen: Map<string, Seen>): string[] {
  const [one, other] = bothOf(seen)
  return one !== undefined && other !== undefined && one.configHash !== other.configHash ? [`${one.node} and ${other.node} run different configurations.`] : []
}

/** Where they say different things about a job. */
export function disagreement(seen: Map<string, Seen>, job: string): string[] {
  const [one, other] = bothOf(seen)
  if (one === undefined || other === undefined) return []
  const [a, b] = [one.jobs[job], other.jobs[job]]
  if (a === undefined || b === undefined) return [`${job} is known on ${a === undefined ? other.node : one.node} only.`]
  const both = a.phase === 'online' && b.phase === 'online'
  if (a.record.owner === b.record.owner) return both ? [`${job} is online on ${one.node} and on ${other.node}.`] : []
  const says = (node: string, view: JobView) => `${node} says that ${view.record.owner} owns it (role sequence ${view.record.roleSequence})`
  return [`The nodes disagree about ${job}: ${says(one.node, a)}, ${says(other.node, b)}.${both ? ' Both serve it now.' : ''}`]
}

/** Where a job's standby is, and what it says of the job. */
export function standbyOf(cluster: ClusterView, now: JobNow): { node: string | undefined; seen: Seen | undefined; view: JobView | undefined } {
  const node = cluster.nodes.find((name) => name !== now.owner)
  const seen = node === undefined ? undefined : cluster.seen.get(node)
  return { node, seen, view: seen?.view.jobs[now.job] }
}

/** The newest record that anybody holds says who the owner is; the owner says what it does. */
export function jobNow(cluster: ClusterView, job: string): JobNow | null {
  const holders = [...cluster.seen.values()].filter((one) => one.view.jobs[job] !== undefined)
  const newest = holders.sort((a, b) => sequence(b, job) - sequence(a, job))[0]
  const record = newest?.view.jobs[job]?.record
  if (newest === undefined || record === undefined) return null
  const seen = cluster.seen.get(record.owner) ?? null
  const view = seen?.view.jobs[job] ?? null
  return {
    job,
    owner: record.owner,
    state: view?.state ?? UNKNOWN,
    takeReason: record.takeReason,
    takeTimeMs: record.takeTimeMs,
    utcOffsetMinutes: (seen ?? newest).utcOffsetMinutes,
    roleSequence: record.roleSequence,
    seen,
    view
  }
}

/** Where a job is, and how it is there; null: nobody knows it. `of`: in that cluster alone. */
export function jobIn(clusters: ClusterView[], job: string, of?: Pick<ClusterView, 'cluster'>): { cluster: ClusterView; now: JobNow } | null {
  const cluster = clusters.find((one) => one.jobs.includes(job) && (of === undefined || one.cluster === of.cluster))
  const now = cluster === undefined ? null : jobNow(cluster, job)
  return cluster === undefined || now === null ? null : { cluster, now }
}

/** One that somebody knows, or what is known instead. Two pairs may each have a job of this name: whose is meant is never guessed. */
export function knownJob(clusters: ClusterView[], job: string): { cluster: ClusterView; now: JobNow } {
  const holders = clusters.filter(({ jobs }) => jobs.includes(job))
  if (holders.length > 1) throw fail('E_JOB_AMBIGUOUS', { job, clusters: holders.map(({ cluster, nodes }) => `${cluster} (${nodes.join(', ')})`) })
  const found = jobIn(clusters, job)
  if (found === null) throw fail('E_JOB_NOT_FOUND', { job, known: clusters.flatMap(({ jobs }) => jobs) })
  return found
}

const sequence = (seen: Seen, job: string): number => seen.view.jobs[job]?.record.roleSequence ?? -1

export const jobsNow = (clusters: ClusterView[]): JobNow[] => clusters.flatMap((cluster) => cluster.jobs.flatMap((job) => jobNow(cluster, job) ?? []))

export const problemsOf = (clusters: ClusterView[]): string[] => [...new Set(clusters.flatMap((cluster) => cluster.problems))]
