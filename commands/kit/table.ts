import { clean, padTo, widthOf } from './text'

/** The guide's tables: a rule of dashes above and below the heading and at the end, columns with two spaces between. */
export interface Column {
  title: string
  /** Width of the guide's own example; grows when something in it is longer. */
  width: number
}

/** The guide's rule, which is as long for every table. */
const RULE_WIDTH = 59
const GAP = 2

export function table(columns: Column[], rows: string[][], colour: (text: string) => string = (text) => text): string[] {
  const cells = rows.map((row) => row.map(clean))
  const widths = columns.map((column, i) => {
    const longest = Math.max(widthOf(column.title), ...cells.map((row) => widthOf(row[i] ?? '')))
    return i === columns.length - 1 ? 0 : Math.max(column.width, longest + GAP)
  })
  const grown = widths.slice(0, -1).reduce((sum, width, i) => sum + width - (columns[i]?.width ?? 0), 0)
  const rule = '-'.repeat(RULE_WIDTH + grown)
  // The colour goes on after the width is measured, so that it cannot shift a column.
  const line = (row: string[], paint: (text: string) => string): string =>
    row
      .map((cell, i) => paint(cell) + ' '.repeat(Math.max(0, (widths[i] ?? 0) - widthOf(cell))))
      .join('')
      .trimEnd()
  const heading = columns
    .map((column, i) => padTo(column.title, widths[i] ?? 0))
    .join('')
    .trimEnd()
  return [rule, heading, rule, ...cells.map((row) => line(row, colour)), rule]
}
