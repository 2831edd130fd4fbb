import type { Paint } from '../kit/paint'
import type { Property } from '../kit/table'
import { clean, cut, nodeTime, padTo, widthOf, wrap } from '../kit/text'
import { jobNow, type ClusterView, type JobNow } from './cluster'
import { barOf } from './bar'
import { dataProperties, serviceProperties, walkOf } from './property'
import { sessionProperties } from './session'
import { heartbeatRows, hostRows, jobRow, stateShown } from './tables'

/** The live view: what stands at the top and stays, and what scrolls below. */
export interface Picture {
  head: string[]
  body: string[]
}

/** Side by side from here on; narrower, one below the other. */
const TWO_PANES_WIDTH = 78
const RIGHT_WIDTH = 31
const PANE_GAP = 2
const PROBLEMS_ABOVE = 3
const NAME_GAP = 1
/** Longer names of resources are cut, as the guide's console cuts them; a wide terminal shows more of them. */
const NAME_WIDTH = 16
const WIDE_NAME_WIDTH = 24
const WIDE_PANE = 56
const JOB_COLUMNS = [
  { title: 'Job', width: 14 },
  { title: 'State', width: 12 },
  { title: 'Activite', width: 14 },
  { title: 'TakeReason', width: 14 },
  { title: 'TakeTime', width: 19 }
]

export function pictureOf(clusters: ClusterView[], chosen: string | null, width: number, paint: Paint): Picture {
  const jobs = clusters.flatMap((cluster) => cluster.jobs.flatMap((job) => jobNow(cluster, job) ?? []))
  const cluster = clusters.find((one) => chosen !== null && one.jobs.includes(chosen)) ?? clusters[0]
  const now = jobs.find((one) => one.job === chosen)
  const problems = clusters.flatMap((one) => one.problems)
  const brief = briefly(problems, width, paint)
  return {
    head: headOf(clusters, width, paint),
    body: [
      ...brief,
      ...jobLines(jobs, chosen, paint),
      ...(cluster === undefined || now === undefined ? [] : [ruleOf(now, width), ...panes(cluster, now, width, paint)]),
      ...(brief.length > PROBLEMS_ABOVE ? ['-'.repeat(width), ...problems.flatMap((problem) => problemLines(problem, width, paint))] : [])
    ]
  }
}

/** What stands above every section. */
export const headOf = (clusters: ClusterView[], width: number, paint: Paint): string[] => clusters.flatMap((one) => titleOf(one, width, paint))

/** Name and clock of the pair, then who hears whom. */
function titleOf(cluster: ClusterView, width: number, paint: Paint): string[] {
  const seen = [...cluster.seen.values()]
  const newest = seen.find((one) => !one.old) ?? seen[0]
  const clock = newest === undefined ? '' : `${nodeTime(newest.wallMs + newest.ageMs, newest.utcOffsetMinutes)} [${newest.through}]`
  const name = cut(clean(cluster.cluster), Math.max(0, width - widthOf(clock) - 1))
  const heard = heartbeatRows([cluster]).map((row) => `${row.from}--->${row.to} ${paint.state(row.hbtState)}`)
  const licences = hostRows([cluster]).map((row) => `${row.host} ${paint.state(row.licState)}`)
  return [paint.strong(padTo(name, width - widthOf(clock)) + clock), heard.join('   '), `licence   ${licences.join('   ')}`]
}

/** The first ones above everything; where there are more they all stand below, so that they do not push the job off the screen. */
function briefly(problems: string[], width: number, paint: Paint): string[] {
  const lines = problems.flatMap((problem) => problemLines(problem, width, paint))
  if (lines.length <= PROBLEMS_ABOVE) return lines
  const first = problems.slice(0, PROBLEMS_ABOVE).map((problem) => paint.paused(cut(`! ${clean(problem)}`, width)))
  const more = problems.length - first.length
  return [...first, paint.paused(`  ${more > 0 ? `and ${more} more, ` : ''}in full below`)]
}

/** In full, at most so wide. */
export const problemLines = (problem: string, width: number, paint: Paint): string[] =>
  wrap(clean(problem), width - 2).map((line, i) => paint.paused(i === 0 ? `! ${line}` : `  ${line}`))

function jobLines(jobs: JobNow[], chosen: string | null, paint: Paint): string[] {
  const cells = jobs.map((now) => {
    const row = jobRow(now)
    return [row.job, stateShown(row), row.activite, row.takeReason, row.takeTime].map(clean)
  })
  const widths = JOB_COLUMNS.map(({ title, width: least }, i) => Math.max(least, widthOf(title) + 1, ...cells.map((row) => widthOf(row[i] ?? '') + 2)))
  const line = (row: string[], colour: (text: string) => string) => row.map((cell, i) => padTo(colour(cell), widths[i] ?? 0)).join('')
  const heading = line(
    JOB_COLUMNS.map(({ title }) => title),
    paint.faint
  )
  const marked = (row: string[]): string => {
    const text = line(row, paint.state).trimEnd()
    return jobs.length > 1 && row[0] === chosen ? paint.strong(`${text} <`) : text
  }
  return [heading.trimEnd(), ...cells.map(marked)]
}

/** Left what serves and how safe it is, right the data as the guide lists it. */
function panes(cluster: ClusterView, now: JobNow, width: number, paint: Paint): string[] {
  const left = (columns: number): Property[] => [...serviceProperties(now), ...sessionProperties(cluster, now, columns - namesOf(columns) - NAME_GAP)]
  const right = dataProperties(now)
  if (width < TWO_PANES_WIDTH) return pane([...left(width), ...right], width, paint)
  // The right one needs little; where there is more room both get of it.
  const leftWidth = width - RIGHT_WIDTH - PANE_GAP - Math.floor((width - TWO_PANES_WIDTH) / 2)
  const [a, b] = [pane(left(leftWidth), leftWidth, paint), pane(right, width - leftWidth - PANE_GAP, paint)]
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => `${padTo(a[i] ?? '', leftWidth + PANE_GAP)}${b[i] ?? ''}`.trimEnd())
}

const namesOf = (width: number): number => (width < WIDE_PANE ? NAME_WIDTH : WIDE_NAME_WIDTH)

function pane(rows: Property[], width: number, paint: Paint): string[] {
  const names = Math.min(namesOf(width), Math.max(...rows.map(([name]) => widthOf(name))))
  return rows.map(([name, value]) => {
    const label = padTo(cut(clean(name), names), names + NAME_GAP)
    return label + paint.state(cut(clean(value), Math.max(0, width - widthOf(label))))
  })
}

/** A rule; while a mirror or a comparison runs, how far it is. */
function ruleOf(now: JobNow, width: number): string {
  const data = now.view?.data ?? null
  const walk = data === null ? null : walkOf(data)
  return walk === null || !walk.running ? '-'.repeat(width) : barOf(walk, width)
}
