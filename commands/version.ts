import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'

export class Version extends CuiCommand {
  static override args = {}
  static override flags = { ...everywhere }
  static override about: HelpText = { summary: 'the version of this shell', usage: 'version', example: 'version' }

  async run(): Promise<Outcome> {
    await this.read(Version)
    this.output.line(`mirrorpair ${this.context.version}`)
    return { exitCode: 0, json: { version: this.context.version } }
  }
}
