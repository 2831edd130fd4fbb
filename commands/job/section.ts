import { sectionProblems } from '../../src/model'
import { CONFIG_TEXT_LENGTH_MAX } from '../../src/wire'
import type { Context, Output } from '../context'
import { fail } from '../kit/fail'
import { isTerminal } from '../kit/confirm'
import { readText } from '../kit/file'
import { printPlaced } from '../view/tables'

const STDIN = '-'

/** The text of `--file`; null: it is no YAML, and what is wrong with it was said. */
export async function readSection(context: Context, output: Output, file: string): Promise<string | null> {
  const text = file === STDIN ? await readStdin(context) : readFile(file)
  const shown = file === STDIN ? 'standard input' : file
  const problems = sectionProblems(text, shown)
  printPlaced(output, shown, problems)
  return problems.length === 0 ? text : null
}

function readFile(file: string): string {
  const text = readText(file, 'job show JOB')
  if (text.length > CONFIG_TEXT_LENGTH_MAX) throw tooLong(file)
  return text
}

async function readStdin(context: Context): Promise<string> {
  const { stdin } = context.io
  const why = isTerminal(context) ? 'it is a terminal' : context.depth > 0 ? 'a runbook has no other one to give' : null
  if (why !== null) throw fail('E_SHELL_FILE', { file: 'standard input', what: `the YAML cannot be read from it: ${why}`, advice: '--file FILE' })
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk as Buffer))
    bytes += chunk.length
    if (bytes > CONFIG_TEXT_LENGTH_MAX) throw tooLong('standard input')
  }
  return Buffer.concat(chunks).toString('utf8')
}

const tooLong = (file: string): Error =>
  fail('E_SHELL_FILE', { file, what: `it is longer than ${CONFIG_TEXT_LENGTH_MAX / 1024} KiB`, advice: 'one job only, as job show JOB prints it' })
