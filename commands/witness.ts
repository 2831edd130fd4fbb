import { Args } from '@oclif/core'
import { removeWitness, setWitness } from '../src/model'
import { CuiCommand, everywhere, type HelpText } from './base'
import { changePart, configInForce, configNode, configuring, readView } from './change'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { actionOf } from './operate'

const ACTIONS = ['show', 'set', 'remove'] as const

/** The third voter of the modes with quorum. */
export class Witness extends CuiCommand {
  static override args = { action: Args.string({ required: true }), address: Args.string() }
  static override flags = { ...everywhere, ...configuring }
  static override about: HelpText = {
    summary: 'the witness of the pair: show, set (also in the place of another one), remove',
    usage: 'witness show|set|remove [ADDRESS] [--yes] [--dry-run] [--reason TEXT]',
    example: 'witness set 192.168.150.153'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Witness)
    const action = actionOf(args.action, ACTIONS, 'witness', Witness.about.usage)
    if (action === 'show') return await this.show(flags.node)
    if (action === 'set' && args.address === undefined) throw fail('E_USAGE', { what: 'The address of the witness is missing.', usage: Witness.about.usage })
    const typed = ['witness', action, args.address].filter(Boolean).join(' ')
    const question = 'Until the new witness has heard both nodes, only the nodes themselves vote. Do you really want to do it?'
    return await changePart(this.context, this.output, flags, { typed, question }, action === 'set' ? setWitness(args.address as string) : removeWitness)
  }

  private async show(node: string | undefined): Promise<Outcome> {
    const view = await readView(await configNode(this.context, node))
    const { agreed } = view
    const witness = configInForce(view).witness ?? null
    this.output.line(
      witness === null
        ? 'The pair has no witness.'
        : `The witness is ${witness.etcd ? `etcd (${witness.etcd.endpoints.join(', ')})` : `${witness.address}, port ${witness.port}`}, since version ${agreed.witnessSince}.`
    )
    return { exitCode: 0, json: { witness: witness && { ...witness, since: agreed.witnessSince } } }
  }
}
