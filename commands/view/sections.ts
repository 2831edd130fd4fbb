import type { Output } from '../context'
import type { Paint } from '../kit/paint'
import { partnersOf, printPartners } from './catalogue'
import { jobNow, type ClusterView } from './cluster'
import { linkProblems, linkRows, printLinks } from './heartbeats'
import { problemLines } from './picture'
import { printWitness, witnessRowsOf } from './witness'

/** The parts of `watch`, by the key that shows them; the first one is where it begins. */
export const SECTIONS = { s: 'status', h: 'heartbeat', m: 'mirroring', l: 'log' } as const
export type SectionKey = keyof typeof SECTIONS

/** What a command prints, as lines of a picture. */
function linesOf(paint: Paint, show: (output: Output) => void): string[] {
  const lines: string[] = []
  show({ json: false, paint, raw: null, line: (text = '') => void lines.push(text) })
  return lines
}

/** As `hbtstate` has it. */
export const heartbeatLines = (clusters: ClusterView[], width: number, paint: Paint): string[] =>
  clusters.flatMap((cluster) => [
    ...linesOf(paint, (output) => printLinks(output, cluster, linkRows(cluster))),
    ...linkProblems(cluster).flatMap((problem) => problemLines(problem, width, paint))
  ])

/** As `mirror JOB status` has it. */
export function mirroringLines(clusters: ClusterView[], job: string | null, width: number, paint: Paint): string[] {
  const cluster = clusters.find((one) => job !== null && one.jobs.includes(job))
  const now = cluster === undefined || job === null ? null : jobNow(cluster, job)
  if (cluster === undefined || now === null) return ['No job.']
  const tables = linesOf(paint, (output) => {
    printPartners(output, partnersOf(cluster, now))
    printWitness(output, witnessRowsOf(cluster, now))
  })
  return [...tables, ...cluster.problems.flatMap((problem) => problemLines(problem, width, paint))]
}
