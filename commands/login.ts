import { Args } from '@oclif/core'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { nodeNamed } from './kit/nodes'
import { loginFlags } from './open'
import { hello, logIn, trustedDoor } from './session'

/** Logs in again: the session has ended, or another account is wanted (guide 9). */
export class Login extends CuiCommand {
  static override args = { node: Args.string() }
  static override flags = { ...everywhere, ...loginFlags }
  static override about: HelpText = {
    summary: 'log in again on a node (session ended, other account)',
    usage: 'login [NODE] [--account NAME] [--password-file FILE|--token-file FILE]',
    example: 'login RMHW131',
    guide: '9'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Login)
    const known = this.context.store.nodes()
    const word = args.node ?? flags.node ?? this.context.use.node
    const entry = word === null || word === undefined ? known.at(0) : nodeNamed(known, word)
    if (entry === undefined) throw word ? fail('E_NODE_NOT_OPEN', { node: word, open: known.map((one) => one.node) }) : fail('E_NOT_OPEN', {})
    const door = await trustedDoor(this.context, entry.address, entry.port, flags)
    await hello(door)
    return { exitCode: 0, json: await logIn(this.context, this.output, door, flags) }
  }
}
