import { Args } from '@oclif/core'
import { JOB_MODES, setMode } from '../src/model'
import { CuiCommand, everywhere, type HelpText } from './base'
import { changePart, configuring } from './change'
import type { Outcome } from './context'
import { actionOf, jobAndWord, jobWord } from './operate'

/** Who decides that the other node takes over, and what may be lost then (product §6). */
export class Mode extends CuiCommand {
  static override args = { job: Args.string(), mode: Args.string() }
  static override flags = { ...everywhere, ...configuring }
  static override about: HelpText = {
    summary: 'the mode of a job: guide, high-availability, high-protection, high-performance; needs it brought out',
    usage: 'mode JOB guide|high-availability|high-protection|high-performance [--yes] [--dry-run] [--reason TEXT]',
    example: 'mode DB_Group high-availability'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Mode)
    const { usage } = Mode.about
    const [jobArg, word] = jobAndWord(args.job, args.mode, JOB_MODES)
    const mode = actionOf(word?.toLowerCase(), JOB_MODES, 'mode', usage)
    const job = jobWord(this.context, jobArg, usage)
    const question = `From then on ${job} is decided on by the rules of ${mode}. Do you really want it?`
    return await changePart(this.context, this.output, flags, { typed: `mode ${job} ${mode}`, question }, setMode(job, mode))
  }
}
