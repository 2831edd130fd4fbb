import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'

/** Leaves the shell, or ends a runbook early and well. Sessions stay until they expire or `logout`. */
export class Exit extends CuiCommand {
  static override args = {}
  static override flags = { ...everywhere }
  static override about: HelpText = { summary: 'leave the shell', usage: 'exit', example: 'exit', guide: '9' }

  async run(): Promise<Outcome> {
    await this.read(Exit)
    this.context.flow.ended = true
    return { exitCode: 0, json: {} }
  }
}
