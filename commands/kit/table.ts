import Table from 'cli-table3'
import { clean, widthOf } from './text'

/** The guide's tables: a rule of dashes above and below the heading and at the end, columns with two spaces between. */
export interface Column {
  title: string
  /** Width of the guide's own example; grows when something in it is longer. */
  width: number
}

/** A row of a property view. */
export type Property = [name: string, value: string]

/** The guide's rule, which is as long for every table. */
const RULE_WIDTH = 59
const GAP = 2

export function table(columns: Column[], rows: string[][], colour: (text: string) => string = (text) => text): string[] {
  const cells = rows.map((row) => row.map(clean))
  const widths = columns.map((column, i) => {
    const longest = Math.max(widthOf(column.title), ...cells.map((row) => widthOf(row[i] ?? '')))
    return i === columns.length - 1 ? longest : Math.max(column.width, longest + GAP)
  })
  const grown = widths.slice(0, -1).reduce((sum, width, i) => sum + width - (columns[i]?.width ?? 0), 0)
  const rule = '-'.repeat(RULE_WIDTH + grown)
  const [heading = '', ...lines] = layOut([columns.map(({ title }) => title), ...cells.map((row) => row.map(colour))], widths)
  return [rule, heading, rule, ...lines, rule]
}

/** Without borders: the guide's tables have rules above and below only. */
const BORDERS = 'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid middle'
const NO_BORDERS = Object.fromEntries(BORDERS.split(' ').map((name) => [name, '']))

function layOut(rows: string[][], widths: number[]): string[] {
  const laid = new Table({
    chars: NO_BORDERS,
    colWidths: widths.map((width) => Math.max(1, width)),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] }
  })
  laid.push(...rows)
  return laid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
}
