import type { Output } from '../context'

/** Lines around a change that are shown too. */
const AROUND = 2
/** Above this many pairs of lines nobody reads a difference line by line. */
const PAIRS_MAX = 4_000_000

interface DiffLine {
  sign: '+' | '-' | ' '
  line: string
}

/** What makes one text of the other, line by line: the fewest lines that go and come. */
function diffLines(before: string, after: string): DiffLine[] {
  const [old, next] = [linesOf(before), linesOf(after)]
  const head = sameAtStart(old, next)
  const tail = sameAtStart(old.slice(head).reverse(), next.slice(head).reverse())
  const same = (lines: string[]): DiffLine[] => lines.map((line) => ({ sign: ' ', line }))
  const middle = between(old.slice(head, old.length - tail), next.slice(head, next.length - tail))
  return [...same(old.slice(0, head)), ...middle, ...same(old.slice(old.length - tail))]
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))

function sameAtStart(one: string[], other: string[]): number {
  let count = 0
  while (count < one.length && count < other.length && one[count] === other[count]) count++
  return count
}

function between(old: string[], next: string[]): DiffLine[] {
  const gone = old.map((line): DiffLine => ({ sign: '-', line }))
  const come = next.map((line): DiffLine => ({ sign: '+', line }))
  if (old.length * next.length > PAIRS_MAX) return [...gone, ...come]
  const common = commonLengths(old, next)
  const lines: DiffLine[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < next.length) {
    const [below, beside] = [common[i + 1]?.[j] ?? -1, common[i]?.[j + 1] ?? -1]
    if (i < old.length && j < next.length && old[i] === next[j]) {
      lines.push({ sign: ' ', line: old[i++] as string })
      j++
    } else if (i < old.length && (j === next.length || below >= beside)) lines.push(gone[i++] as DiffLine)
    else lines.push(come[j++] as DiffLine)
  }
  return lines
}

/** At [i][j]: how many lines the rests from there on have in common. */
function commonLengths(old: string[], next: string[]): Uint32Array[] {
  const rows = Array.from({ length: old.length + 1 }, () => new Uint32Array(next.length + 1))
  for (let i = old.length - 1; i >= 0; i--) {
    const [row, below] = [rows[i] as Uint32Array, rows[i + 1] as Uint32Array]
    for (let j = next.length - 1; j >= 0; j--) row[j] = old[i] === next[j] ? (below[j + 1] as number) + 1 : Math.max(below[j] as number, row[j + 1] as number)
  }
  return rows
}

/** The changed lines with a few around them; what is left out between is a line of dots. */
export function printDiff(output: Output, before: string, after: string): void {
  const lines = diffLines(before, after)
  const near = lines.map((_, i) => lines.slice(Math.max(0, i - AROUND), i + AROUND + 1).some(({ sign }) => sign !== ' '))
  lines.forEach(({ sign, line }, i) => {
    if (near[i]) output.line(coloured(output, sign, `${sign} ${line}`.trimEnd()))
    else if (i > 0 && near[i - 1]) output.line('...')
  })
}

const coloured = ({ paint }: Output, sign: DiffLine['sign'], text: string): string => (sign === '+' ? paint.good(text) : sign === '-' ? paint.bad(text) : text)
