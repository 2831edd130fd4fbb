import { createInterface } from 'node:readline'
import { ReportError } from '../src/report/report'
import type { Context, Outcome } from './context'
import { reportOf } from './kit/fail'
import { wordsOf } from './line'

/** What a line of a runbook did. */
interface LineOutcome {
  line: number
  command: string
  exitCode: number
  result: object
}

export async function runbookFromText(context: Context, text: string, file: string, json: boolean): Promise<Outcome> {
  async function* lines() {
    yield* text.split('\n')
  }
  return runbook(context, lines(), file, json)
}

/** Lines on standard input: each is run when it arrives. */
export async function runbookFromStdin(context: Context, json: boolean): Promise<Outcome> {
  const input = createInterface({ input: context.io.stdin, crlfDelay: Infinity })
  return runbook(context, input, 'standard input', json)
}

/**
 * Stops at the first command that fails. A status command that shows problems has not failed: a runbook often runs
 * while one node is away; `wait` is what stops it when something is not as it must be.
 */
async function runbook(context: Context, lines: AsyncIterable<string>, file: string, json: boolean): Promise<Outcome> {
  const done: LineOutcome[] = []
  let number = 0
  context.depth += 1
  try {
    for await (const line of lines) {
      number += 1
      const outcome = await runOne(context, line.trim(), { file, number, json })
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

async function runOne(context: Context, command: string, at: { file: string; number: number; json: boolean }): Promise<LineOutcome | null> {
  try {
    const words = wordsOf(command)
    if (words.length === 0) return null
    const outcome = await context.runLine(context, at.json ? [...words, '--json'] : words, at.json)
    return { line: at.number, command, exitCode: outcome.exitCode, result: outcome.json }
  } catch (thrown) {
    const report = reportOf(thrown)
    throw new ReportError({ ...report, message: `${report.message}\nStopped at line ${at.number} of ${at.file}: ${command}` })
  }
}
