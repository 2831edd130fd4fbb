import type { Detached, JobMode, LicenceWord } from '../../src/model'
import type { Jeopardy, QuorumView } from '../../src/wire'
import type { Output } from '../context'
import { table } from '../kit/table'
import { clean, nodeTime } from '../kit/text'
import { aged, UNKNOWN, type ClusterView, type JobNow } from './cluster'

export interface HostRow {
  host: string
  licState: string
  licenseState: LicenceWord | null
  expires: string | null
  ageMs: number | null
}
export interface HeartbeatRow {
  from: string
  to: string
  hbtState: string
  ageMs: number | null
}
export interface JobRow {
  job: string
  state: string
  activite: string
  takeReason: string
  takeTime: string
  takeTimeMs: number
  roleSequence: number
  ageMs: number | null
  /** By the owner's word; null: not known. */
  mode: JobMode | null
  quorum: QuorumView | null
  jeopardy: Jeopardy[] | null
  exposedSinceMs: number | null
  /** Monitoring was stopped by somebody; null: it is watched. */
  detached: Detached | null
}

/** The guide's screens have the last day alone. */
export const licenceShown = (word: LicenceWord, expires: string | null): string =>
  word === 'Valid' ? (expires ?? word) : [word, ...(expires === null ? [] : [expires])].join(' ')

export function hostRows(clusters: ClusterView[]): HostRow[] {
  return clusters.flatMap((cluster) =>
    cluster.nodes.map((host) => {
      const seen = cluster.seen.get(host)
      const licence = seen?.view.licence
      const [word, expires] = licence === undefined ? [null, null] : [licence.word ?? licence.state, licence.expires]
      const licState = aged(word === null ? UNKNOWN : licenceShown(word, expires), seen)
      return { host, licState, licenseState: word, expires, ageMs: seen?.ageMs ?? null }
    })
  )
}

/** A heartbeat from A to B is ok when B hears A on some link. */
export function heartbeatRows(clusters: ClusterView[]): HeartbeatRow[] {
  return clusters.flatMap((cluster) =>
    cluster.nodes.flatMap((from) =>
      cluster.nodes
        .filter((to) => to !== from)
        .map((to) => {
          const seen = cluster.seen.get(to)
          const heard = seen === undefined ? UNKNOWN : seen.view.links.some((link) => link.state === 'ok') ? 'ok' : 'error'
          return { from, to, hbtState: aged(heard, seen), ageMs: seen?.ageMs ?? null }
        })
    )
  )
}

export const jobRow = (now: JobNow): JobRow => ({
  job: now.job,
  state: aged(now.state, now.seen),
  activite: now.owner,
  takeReason: now.takeReason,
  takeTime: nodeTime(now.takeTimeMs, now.utcOffsetMinutes),
  takeTimeMs: now.takeTimeMs,
  roleSequence: now.roleSequence,
  ageMs: now.seen?.ageMs ?? null,
  mode: now.view?.mode ?? null,
  quorum: now.view?.quorum ?? null,
  jeopardy: now.view?.jeopardy ?? null,
  exposedSinceMs: now.view?.data?.session.exposedSinceMs ?? null,
  detached: now.view?.record.detached ?? null
})

/** What serves, and is not watched, says so where a person looks first. */
export const stateShown = ({ state, detached }: JobRow): string => (detached !== null && state === 'online' ? 'detached' : state)

export function printHosts(output: Output, rows: HostRow[]): void {
  const columns = [
    { title: 'host', width: 14 },
    { title: 'licState', width: 0 }
  ]
  print(
    output,
    table(
      columns,
      rows.map((row) => [row.host, row.licState]),
      output.paint.state
    )
  )
}

export function printHeartbeats(output: Output, rows: HeartbeatRow[]): void {
  const columns = [
    { title: 'host', width: 26 },
    { title: 'hbtState', width: 0 }
  ]
  print(
    output,
    table(
      columns,
      rows.map((row) => [`${row.from}--->${row.to}`, row.hbtState]),
      output.paint.state
    )
  )
}

export function printJobs(output: Output, rows: JobRow[]): void {
  const columns = [
    { title: 'Job', width: 14 },
    { title: 'State', width: 12 },
    { title: 'Activite', width: 14 },
    { title: 'TakeReason', width: 14 },
    { title: 'TakeTime', width: 0 }
  ]
  print(
    output,
    table(
      columns,
      rows.map((row) => [row.job, stateShown(row), row.activite, row.takeReason, row.takeTime]),
      output.paint.state
    )
  )
}

export function printProblems(output: Output, problems: string[]): void {
  for (const problem of problems) output.line(output.paint.paused(`! ${clean(problem)}`))
}

/** What is wrong in a text, each at its place. */
export function printPlaced(output: Output, file: string, problems: { line: number; column: number; message: string; tryThis: string }[]): void {
  for (const { line, column, message, tryThis } of problems) {
    output.line(`${file}:${line}:${column}: ${message}`)
    output.line(`  Try: ${tryThis}`)
  }
}

export const print = (output: Output, lines: string[]): void => {
  for (const line of lines) output.line(line)
}
