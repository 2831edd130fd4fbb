/** Control characters of an answer must not reach the terminal: they could move the cursor or hide words. */
export const clean = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')

/** The escape character starts a colour. */
const COLOUR = /\u001b\[[0-9;]*m/g
const WIDE = /\p{Script=Hangul}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Emoji_Presentation}|[\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u
const NARROW = /^[\uff61-\uffdc]$/u
/** Made when the first text needs it: that takes a third of the time in which a command in plain ASCII is done. */
let segmenter: Intl.Segmenter | null = null

function graphemes(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  return segmenter.segment(text)
}

/** Columns that a text takes on a terminal: Korean and other wide characters take two, colours none. */
export function widthOf(text: string): number {
  const bare = text.replace(COLOUR, '')
  // Plain ASCII needs no look at each character.
  if (/^[\x20-\x7e]*$/.test(bare)) return bare.length
  let width = 0
  for (const { segment } of graphemes(bare)) width += WIDE.test(segment) && !NARROW.test(segment) ? 2 : 1
  return width
}

export const padTo = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)))

const DOTS = '...'

/** At most so many columns; what is cut off ends in dots, as the guide's console shows it, and has no colour that nothing would end. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let kept = ''
  for (const { segment } of graphemes(text.replace(COLOUR, ''))) {
    if (widthOf(kept + segment) > width - DOTS.length) break
    kept += segment
  }
  return (kept + DOTS).slice(0, Math.max(0, width))
}

/** Lines of at most so many columns, broken between words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && widthOf(`${last} ${word}`) <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Of a terminal that does not say how wide it is. */
export const COLUMNS = 80

/** On a terminal, sentences broken between words at its edge, as far in as they begin; in a pipe as they are. */
export function fold(stream: { isTTY?: boolean; columns?: number }, text: string): string {
  if (stream.isTTY !== true) return text
  // A serial console that knows no width says 0.
  const columns = stream.columns || COLUMNS
  const folded = (line: string): string[] => {
    const indent = /^ */.exec(line)?.[0] ?? ''
    return widthOf(line) <= columns ? [line] : wrap(line.slice(indent.length), columns - indent.length).map((part) => indent + part)
  }
  return text.split('\n').flatMap(folded).join('\n')
}

/** 1766384 → 1,766,384, as the guide's property view prints numbers. */
export const thousands = (value: number): string =>
  Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',')

/** The guide's Left Time: 1s, 2m 5s, 3h 0m. */
export function shortDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`
  return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`
}

const two = (value: number): string => String(value).padStart(2, '0')

/** 2019-10-30 11:47:32 in the local time of the node that said it. */
export function nodeTime(epochMs: number, utcOffsetMinutes: number): string {
  const at = new Date(epochMs + utcOffsetMinutes * 60_000)
  const day = `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`
  return `${day} ${nodeClock(epochMs, utcOffsetMinutes)}`
}

export function nodeClock(epochMs: number, utcOffsetMinutes: number): string {
  const at = new Date(epochMs + utcOffsetMinutes * 60_000)
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`
}

/** Edits that turn one word into the other; for "did you mean". */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

export function nearest(word: string, words: readonly string[]): string | null {
  const farthest = Math.max(1, Math.floor(word.length / 2))
  const ranked = words.map((known) => ({ known, away: distance(word.toLowerCase(), known) })).sort((a, b) => a.away - b.away)
  const best = ranked[0]
  return best !== undefined && best.away <= farthest ? best.known : null
}
