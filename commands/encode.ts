import { Flags } from '@oclif/core'
import fs from 'node:fs'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { askLine, isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import { firstLineOf } from './kit/file'
import { encodeToken, placeHere, tokenKeyFile } from './kit/token'

/** A password typed once becomes a token for unattended logins, for this OS user on this machine only (guide 9, help). */
export class Encode extends CuiCommand {
  static override args = {}
  static override flags = {
    ...everywhere,
    'password-file': Flags.string({ description: 'file with the password in its first line, instead of the question' }),
    'token-file': Flags.string({ description: 'write the token to this new file, which only you can read, instead of printing it' }),
    'dry-run': Flags.boolean({ description: 'say what it would do; ask nothing, write nothing' })
  }
  static override about: HelpText = {
    summary: 'turn a password into a token for unattended logins, for this OS user on this machine only',
    usage: 'encode [--password-file FILE] [--token-file FILE] [--dry-run] [--json]',
    example: 'encode --token-file /root/cui.token',
    guide: '9'
  }

  async run(): Promise<Outcome> {
    const { flags } = await this.read(Encode)
    const place = placeHere(this.context.store.folder)
    const file = flags['token-file'] ?? null
    const keyFile = tokenKeyFile(place)
    if (file !== null && fs.existsSync(file)) throw fail('E_SHELL_FILE', { file, what: 'it is there already', advice: 'encode --token-file NEWFILE' })
    if (flags['dry-run']) {
      const draws = fs.existsSync(keyFile) ? '' : `draw a key (${keyFile}), `
      this.output.line(`It would ${draws}ask for the password and ${file === null ? 'print the token' : `write the token to ${file}`}.`)
      return { exitCode: 0, json: { dryRun: true, token: null, file, keyFile } }
    }
    const token = encodeToken(place, await this.password(flags['password-file']))
    if (file === null) this.output.line(token)
    else this.keep(file, token)
    if (file !== null || isTerminal(this.context))
      this.output.line(`It logs in the OS user with number ${place.uid} on this machine only: open ADDRESS --account NAME --token-file ${file ?? 'FILE'}`)
    return { exitCode: 0, json: { dryRun: false, token: file === null ? token : null, file, keyFile } }
  }

  /** Twice: a wrong one would only be noticed when nobody is there. */
  private async password(file: string | undefined): Promise<string> {
    if (file !== undefined) return firstLineOf(file, 'password')
    const option = '--password-file FILE'
    const password = await askLine(this.context, 'password:', { mask: true, option })
    if (password === (await askLine(this.context, 'once more:', { mask: true, option }))) return password
    throw fail('E_TOKEN_PASSWORD', { why: 'the two were not the same' })
  }

  private keep(file: string, token: string): void {
    try {
      fs.writeFileSync(file, `${token}\n`, { flag: 'wx', mode: 0o600 })
    } catch (thrown) {
      throw fail('E_SHELL_FILE', { file, what: `it cannot be written (${(thrown as NodeJS.ErrnoException).code})`, advice: 'encode --token-file NEWFILE' })
    }
    this.output.line(`The token is in ${file}.`)
  }
}
