import { fail } from './kit/fail'

/** Splits a line into words: quotes hold words together, a backslash takes the next character as it is, # begins a comment. */
export function wordsOf(line: string): string[] {
  const words: string[] = []
  let word: string | null = null
  let quote: string | null = null
  for (let i = 0; i < line.length; i++) {
    const c = line[i] as string
    if (quote !== null) {
      if (c === quote) quote = null
      else word += c === '\\' && quote === '"' && i + 1 < line.length ? (line[++i] as string) : c
    } else if (c === '"' || c === "'") {
      quote = c
      word ??= ''
    } else if (/\s/.test(c)) {
      if (word !== null) words.push(word)
      word = null
    } else if (c === '#' && word === null) break
    else word = (word ?? '') + (c === '\\' && i + 1 < line.length ? (line[++i] as string) : c)
  }
  if (quote !== null) throw fail('E_USAGE', { what: `A quote (${quote}) is not closed.`, usage: 'the line again with both quotes' })
  if (word !== null) words.push(word)
  return words
}
