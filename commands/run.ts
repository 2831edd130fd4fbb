import { Args } from '@oclif/core'
import fs from 'node:fs'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { runbookFromText } from './runbook'

const RUNBOOK_BYTES_MAX = 1024 * 1024

/** A runbook: one command a line, stopped at the first that fails. */
export class Run extends CuiCommand {
  static override args = { file: Args.string({ required: true }) }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'run the commands in a file, stop at the first failure',
    usage: 'run FILE',
    example: 'run os-update.runbook'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Run)
    if (this.context.depth > 0) throw fail('E_USAGE', { what: 'A runbook cannot run another one.', usage: 'cui run FILE, from outside' })
    return runbookFromText(this.context, readRunbook(args.file), args.file, flags.json)
  }
}

function readRunbook(file: string): string {
  try {
    const size = fs.statSync(file).size
    if (size > RUNBOOK_BYTES_MAX) throw Object.assign(new Error('too large'), { code: `larger than ${RUNBOOK_BYTES_MAX} bytes` })
    return fs.readFileSync(file, 'utf8')
  } catch (thrown) {
    throw fail('E_SHELL_FILE', { file, what: `it cannot be read (${(thrown as NodeJS.ErrnoException).code ?? 'no reason known'})`, advice: 'run FILE' })
  }
}
