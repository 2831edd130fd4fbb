import { Args, Flags } from '@oclif/core'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { parseAddress } from './kit/nodes'
import { hello, logIn, trustedDoor } from './session'

export const loginFlags = {
  account: Flags.string({ description: 'OS account on the server, instead of the question' }),
  'password-file': Flags.string({ description: "file with the account's password in its first line (also: MIRRORPAIR_PASSWORD_FILE)" }),
  'token-file': Flags.string({
    description: 'file with a token of encode, instead of the password (also: MIRRORPAIR_TOKEN_FILE, MIRRORPAIR_TOKEN)',
    exclusive: ['password-file']
  }),
  trust: Flags.string({ description: "the certificate's SHA256 fingerprint, known from elsewhere", helpValue: 'FINGERPRINT' }),
  'trust-on-first-use': Flags.boolean({ description: 'take the certificate as it is when the node was never open before' })
}

/** Connects to an agent and logs in with an OS account (guide 9, login). */
export class Open extends CuiCommand {
  static override args = { address: Args.string({ required: true }) }
  static override flags = { ...everywhere, ...loginFlags }
  static override about: HelpText = {
    summary: 'connect to a node and log in; several can be open',
    usage: 'open ADDRESS[:PORT] [--account NAME] [--password-file FILE|--token-file FILE] [--trust FINGERPRINT|--trust-on-first-use]',
    example: 'open 192.168.150.151',
    guide: '9'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Open)
    const { address, port } = parseAddress(args.address)
    const door = await trustedDoor(this.context, address, port, flags)
    await hello(door)
    this.output.line('Operate successful!')
    return { exitCode: 0, json: await logIn(this.context, this.output, door, flags) }
  }
}
