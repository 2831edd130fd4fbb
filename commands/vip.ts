import { Args, Flags } from '@oclif/core'
import { addVip, type ConfigEdit, modifyVip, removeVip } from '../src/model'
import { CuiCommand, everywhere, type HelpText } from './base'
import { changePart, configuring } from './change'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { actionOf } from './operate'

const ACTIONS = ['add', 'modify', 'remove'] as const
const BY_NETWORK = 'auto'

interface VipFlags {
  address?: string | undefined
  nic?: string | undefined
}

/** The virtual addresses of a job, changed while it runs (guide, annex 1: IP Resource). */
export class Vip extends CuiCommand {
  static override args = { action: Args.string({ required: true }), job: Args.string(), name: Args.string() }
  static override flags = {
    ...everywhere,
    ...configuring,
    address: Flags.string({ description: 'ADDRESS/PREFIX' }),
    nic: Flags.string({ description: 'the network card, several best first, or auto: the one whose network holds the address' })
  }
  static override about: HelpText = {
    summary: 'the virtual addresses of a job: add, modify, remove; a job that is online has the new one at once',
    usage: 'vip add|modify|remove JOB [VIP] [--address ADDRESS/PREFIX] [--nic NIC[,NIC]|auto] [--yes] [--dry-run] [--reason TEXT]',
    example: 'vip modify DB_Group --address 192.168.150.150/16',
    guide: 'annex 1'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Vip)
    const { usage } = Vip.about
    const action = actionOf(args.action, ACTIONS, 'vip', usage)
    if (args.job === undefined) throw fail('E_USAGE', { what: 'The name of a job is missing.', usage })
    const typed = ['vip', action, args.job, args.name, flags.address].filter(Boolean).join(' ')
    const question = `Clients of ${args.job} lose their connections to an address that goes (${typed}). Do you really want to do it?`
    return await changePart(this.context, this.output, flags, { typed, question }, editOf(action, args.job, args.name ?? null, flags))
  }
}

const cards = (word: string): string | string[] | null => (word === BY_NETWORK ? null : word.includes(',') ? word.split(',') : word)

function editOf(action: 'add' | 'modify' | 'remove', job: string, name: string | null, { address, nic }: VipFlags): ConfigEdit {
  const values = { ...(address === undefined ? {} : { address }), ...(nic === undefined ? {} : { nic: cards(nic) }) }
  const usage = Vip.about.usage
  if (action === 'modify' && Object.keys(values).length === 0) throw fail('E_USAGE', { what: 'Nothing to change was named.', usage })
  if (action === 'modify') return modifyVip(job, name, values)
  if (name === null) throw fail('E_USAGE', { what: 'The name of the virtual address is missing.', usage })
  return action === 'add' ? addVip(job, name, values) : removeVip(job, name)
}
