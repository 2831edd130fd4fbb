import { createInterface } from 'node:readline'
import { ReportError } from '../src/report/report'
import { byHand, type Consent, handLine, mayGoOn } from './byHand'
import type { Context, Outcome } from './context'
import { fail, reportOf } from './kit/fail'
import { wordsOf } from './line'

/** What a line of a runbook did. */
interface LineOutcome {
  line: number
  command: string
  exitCode: number
  result: object
}

export interface RunbookOptions extends Consent {
  json: boolean
  /** What `$NAME` stands for. */
  values: Record<string, string>
}

/** A whole file: nothing of it is run before all its names have values, and what a person has to do can be done. */
export async function runbookFromText(context: Context, text: string, file: string, options: RunbookOptions): Promise<Outcome> {
  const written = text.split('\n')
  checkNames(written, file, options.values)
  const lines = written.map((line) => (isRun(line) ? filled(line, options.values) : line))
  mayGoOn(context, lines, file, options)
  async function* each() {
    yield* lines
  }
  return runbook(context, each(), file, options)
}

/** Lines on standard input: each is run when it arrives. A comment is a comment there, and `$` nothing special. */
export async function runbookFromStdin(context: Context, json: boolean): Promise<Outcome> {
  const input = createInterface({ input: context.io.stdin, crlfDelay: Infinity })
  return runbook(context, input, 'standard input', { json, values: {}, hands: null, done: false, asked: false })
}

// ── names ─────────────────────────────────────────────────────────────────

const NAME = /\$(?:\{([A-Z][A-Z0-9_]*)\}|([A-Z][A-Z0-9_]*))/g
/** `# $NODE  the standby`: what a name means, for people. */
const MEANING = /^#\s*\$([A-Z][A-Z0-9_]*)\s+(\S.*)$/

/** Commands, and what a person does: what else is a comment may say what it likes. */
const isRun = (line: string): boolean => !line.trim().startsWith('#') || handLine(line) !== null

const namesIn = (line: string): string[] => [...line.matchAll(NAME)].map((match) => match[1] ?? match[2] ?? '')

const filled = (line: string, values: Record<string, string>): string =>
  line.replace(NAME, (_, braced?: string, bare?: string) => values[braced ?? bare ?? ''] ?? '')

function checkNames(lines: string[], file: string, values: Record<string, string>): void {
  const used = [...new Set(lines.filter(isRun).flatMap(namesIn))]
  const strange = Object.keys(values).filter((name) => !used.includes(name))
  if (strange.length > 0) throw fail('E_RUNBOOK_NAMES', { file, what: `does not use ${strange.join(', ')}`, names: used.map((name) => `--set ${name}=…`) })
  const unset = used.filter((name) => values[name] === undefined)
  if (unset.length === 0) return
  const meanings = new Map(lines.flatMap((line) => [MEANING.exec(line.trim())].flatMap((match) => (match ? [[match[1], match[2]] as const] : []))))
  const told = unset.map((name) => (meanings.has(name) ? `${name} (${meanings.get(name)})` : name))
  throw fail('E_RUNBOOK_NAMES', { file, what: `needs ${told.join(', ')}`, names: unset.map((name) => `--set ${name}=…`) })
}

// ── running ───────────────────────────────────────────────────────────────

/**
 * Stops at the first command that fails. A status command that shows problems has not failed: a runbook often runs
 * while one node is away; `wait` is what stops it when something is not as it must be.
 */
async function runbook(context: Context, lines: AsyncIterable<string>, file: string, options: RunbookOptions): Promise<Outcome> {
  const done: LineOutcome[] = []
  let number = 0
  context.depth += 1
  try {
    for await (const line of lines) {
      number += 1
      const outcome = await runOne(context, line.trim(), { file, number }, options)
      if (outcome !== null) done.push(outcome)
      if (context.flow.ended) break
    }
  } finally {
    context.depth -= 1
    // `exit` ends the runbook, not the shell that it was started from.
    if (context.interactive && context.depth === 0) context.flow.ended = false
  }
  return { exitCode: 0, json: { file, lines: done } }
}

async function runOne(context: Context, command: string, at: { file: string; number: number }, options: RunbookOptions): Promise<LineOutcome | null> {
  try {
    const hand = options.asked ? handLine(command) : null
    if (hand !== null) return { line: at.number, command, exitCode: 0, result: { ...hand, by: await byHand(context, hand, options) } }
    const words = wordsOf(command)
    if (words.length === 0) return null
    const outcome = await context.runLine(context, options.json ? [...words, '--json'] : words, options.json)
    if (outcome.failed !== undefined) throw fail('E_LINE_FAILED', { what: outcome.failed })
    return { line: at.number, command, exitCode: outcome.exitCode, result: outcome.json }
  } catch (thrown) {
    const report = reportOf(thrown)
    throw new ReportError({ ...report, message: `${report.message}\nStopped at line ${at.number} of ${at.file}: ${command}` })
  }
}
