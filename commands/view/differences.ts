import type { VerifyAnswer } from '../../src/wire'
import type { DifferenceKind } from '../../src/wire/frameFields'
import type { Output } from '../context'
import { pathText } from '../kit/path'
import { table } from '../kit/table'
import { nodeTime, shortDuration, thousands } from '../kit/text'
import { print } from './tables'

/** One file, one kind of difference, one range: what stands side by side is one row. */
export interface DifferenceRow {
  /** With its folder in front; bytes that are no text as \xNN. */
  path: string
  /** The path below the folder byte for byte, base64. */
  pathBytes: string
  folder: string
  kind: DifferenceKind
  offset: number
  /** 0: the file as a whole. */
  length: number
  atMs: number
}

export function differenceRows({ folders, report }: VerifyAnswer): DifferenceRow[] {
  const rows = report.differences.map((one): DifferenceRow => {
    const folder = folders[one.folder] ?? String(one.folder)
    const path = one.path === '' ? folder : `${folder}/${pathText(one.path)}`
    return {
      path,
      pathBytes: Buffer.from(one.path, 'latin1').toString('base64'),
      folder,
      kind: one.what,
      offset: one.offset,
      length: one.length,
      atMs: one.atMs
    }
  })
  return joined(rows.sort((a, b) => compare(a.path, b.path) || compare(a.kind, b.kind) || a.offset - b.offset))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function joined(rows: DifferenceRow[]): DifferenceRow[] {
  const kept: DifferenceRow[] = []
  for (const row of rows) {
    const last = kept.at(-1)
    const touches = last !== undefined && last.pathBytes === row.pathBytes && last.folder === row.folder && last.kind === row.kind
    if (touches && last.length > 0 && row.offset <= last.offset + last.length) {
      last.length = Math.max(last.offset + last.length, row.offset + row.length) - last.offset
      last.atMs = Math.max(last.atMs, row.atMs)
    } else kept.push({ ...row })
  }
  return kept
}

export function printReport(output: Output, answer: VerifyAnswer, rows: DifferenceRow[], utcOffsetMinutes: number): void {
  const time = (atMs: number): string => nodeTime(atMs, utcOffsetMinutes)
  output.line(`${summaryOf(answer, time)}`)
  if (rows.length === 0) return
  const columns = [
    { title: 'Time', width: 21 },
    { title: 'Difference', width: 12 },
    { title: 'Range', width: 14 },
    { title: 'File', width: 0 }
  ]
  print(
    output,
    table(
      columns,
      rows.map((row) => [time(row.atMs), row.kind, rangeOf(row), row.path])
    )
  )
  const listed = answer.report.differences.length
  if (answer.report.total > listed) output.line(`The list holds the first ${thousands(listed)} of ${thousands(answer.report.total)}.`)
}

/** First and last byte. */
const rangeOf = ({ offset, length }: DifferenceRow): string => (length === 0 ? 'whole' : `${thousands(offset)}-${thousands(offset + length - 1)}`)

function summaryOf({ node, job, report }: VerifyAnswer, time: (atMs: number) => string): string {
  const { mode, state, startedAtMs, endedAtMs, total } = report
  if (startedAtMs === null) return `No comparison of ${job} has run since ${node} became its source.`
  const found = `${differencesText(total)} found`
  if (state === 'Verifying') return `verify ${mode} of ${job} runs since ${time(startedAtMs)}: ${found} so far.`
  const ended = endedAtMs === null ? '' : ` to ${time(endedAtMs)} (${shortDuration(endedAtMs - startedAtMs)})`
  const end = state === 'Stop' ? 'it was stopped before its end' : total === 0 ? 'both copies are equal' : 'repaired, both copies are equal'
  return `verify ${mode} of ${job} from ${time(startedAtMs)}${ended}: ${found}; ${end}.`
}

export const differencesText = (total: number): string => (total === 1 ? '1 difference' : `${total === 0 ? 'no' : thousands(total)} differences`)
