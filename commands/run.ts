import { Args, Flags } from '@oclif/core'
import fs from 'node:fs'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { runbookFromText } from './runbook'

const RUNBOOK_BYTES_MAX = 1024 * 1024

/** A runbook: one command a line, stopped at the first that fails. */
export class Run extends CuiCommand {
  static override args = { file: Args.string({ required: true }) }
  static override flags = {
    ...everywhere,
    set: Flags.string({ multiple: true, description: 'NAME=VALUE: what $NAME stands for in the file' }),
    hands: Flags.string({ description: 'PROGRAM that does what "# on NODE: WORK" says; called with NODE and WORK (ssh is one)' }),
    done: Flags.boolean({ description: 'what a person has to do on the nodes has been done already' })
  }
  static override about: HelpText = {
    summary: 'run the commands in a file, stop at the first failure',
    usage: 'run FILE [--set NAME=VALUE] [--hands PROGRAM|--done] [--json]',
    example: 'run man/runbooks/os-update.runbook --set JOB=DB_Group --set STANDBY=RMHW132 --set ACTIVE=RMHW131 --set UPDATE="apt-get -y upgrade"'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Run)
    if (this.context.depth > 0) throw fail('E_USAGE', { what: 'A runbook cannot run another one.', usage: 'cui run FILE, from outside' })
    const { json, hands, done } = flags
    const values = valuesOf(flags.set ?? [])
    return runbookFromText(this.context, readRunbook(args.file), args.file, { json, values, hands: hands ?? null, done, asked: true })
  }
}

function valuesOf(settings: string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((setting) => {
      const match = /^([A-Z][A-Z0-9_]*)=(.+)$/.exec(setting)
      if (match === null) throw fail('E_USAGE', { what: `"${setting}" sets nothing: a name in capital letters, = and a value.`, usage: Run.about.usage })
      return [match[1] ?? '', match[2] ?? '']
    })
  )
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
