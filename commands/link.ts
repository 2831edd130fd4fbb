import { Args, Flags } from '@oclif/core'
import { addLink, type ConfigEdit, type LinkEdit, modifyLink, parseConfig, removeLink } from '../src/model'
import { CuiCommand, everywhere, type HelpText } from './base'
import { changePart, configNode, configuring, readView } from './change'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { table } from './kit/table'
import { actionOf } from './operate'
import { print } from './view/tables'

const ACTIONS = ['list', 'add', 'remove', 'modify'] as const
const OFF = 'off'

interface LinkFlags {
  address?: string[] | undefined
  heartbeat?: string | undefined
  data?: boolean | undefined
  interval?: string | undefined
  'max-miss'?: number | undefined
  priority?: number | undefined
}

/** Heartbeat and data links, changed while jobs run (guide, annex 1: Link config). */
export class Link extends CuiCommand {
  static override args = { action: Args.string({ required: true }), name: Args.string() }
  static override flags = {
    ...everywhere,
    ...configuring,
    address: Flags.string({ multiple: true, description: 'NODE=ADDRESS, once for each node' }),
    heartbeat: Flags.string({ description: 'UDP port of the heartbeat, or off' }),
    data: Flags.boolean({ description: 'replication may use it (--no-data: it may not)', allowNo: true }),
    interval: Flags.string({ description: 'a heartbeat so often: 5s, 500ms' }),
    'max-miss': Flags.integer({ description: 'down after so many intervals without one' }),
    priority: Flags.integer({ description: 'its place among the links, 0 is the most preferred' })
  }
  static override about: HelpText = {
    summary: 'the links between the nodes: list, add, remove, modify',
    usage:
      'link list|add|remove|modify [NAME] [--address NODE=ADDRESS] [--heartbeat PORT|off] [--data|--no-data] [--interval 5s] [--max-miss N] [--priority N] [--yes] [--dry-run] [--reason TEXT]',
    example: 'link modify service --address RMHW131=192.168.150.151 --address RMHW132=192.168.150.152',
    guide: 'annex 1'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Link)
    const action = actionOf(args.action, ACTIONS, 'link', Link.about.usage)
    if (action === 'list') return await this.list(flags.node)
    if (args.name === undefined) throw fail('E_USAGE', { what: 'The name of the link is missing.', usage: Link.about.usage })
    const typed = `link ${action} ${args.name}`
    const question = `The links of both nodes change while they work (${typed}). Do you really want to do it?`
    return await changePart(this.context, this.output, flags, { typed, question }, editOf(action, args.name, flags))
  }

  private async list(node: string | undefined): Promise<Outcome> {
    const { agreed, file } = await readView(await configNode(this.context, node))
    const answer = parseConfig(agreed.text, file)
    if (!('config' in answer)) throw fail('E_SHELL_BROKEN', { what: 'the configuration in force cannot be read by this shell' })
    const { links, nodes } = answer.config
    const names = Object.keys(nodes)
    const columns = ['Prio', 'Name', 'Port', 'Interval', 'Miss', 'Data', ...names].map((title) => ({ title, width: title.length + 2 }))
    const rows = links.map(({ name, heartbeatPort, intervalMs, maxMiss, data, addresses }, i) => [
      String(i),
      name,
      String(heartbeatPort ?? OFF),
      `${intervalMs / 1000}s`,
      String(maxMiss),
      data ? 'yes' : 'no',
      ...names.map((each) => addresses[each] ?? '')
    ])
    print(this.output, table(columns, rows))
    return { exitCode: 0, json: { links } }
  }
}

function editOf(action: 'add' | 'remove' | 'modify', name: string, flags: LinkFlags): ConfigEdit {
  if (action === 'remove') return removeLink(name)
  const edit = linkEdit(flags)
  if (action === 'add') return addLink(name, edit)
  const { addresses, ...values } = edit
  if (Object.keys(addresses).length + Object.keys(values).length > 0) return modifyLink(name, edit)
  throw fail('E_USAGE', { what: 'Nothing to change was named.', usage: Link.about.usage })
}

function linkEdit({ address = [], heartbeat, data, interval, 'max-miss': maxMiss, priority }: LinkFlags): LinkEdit {
  return {
    addresses: Object.fromEntries(address.map(nodeAddress)),
    ...(heartbeat === undefined ? {} : { heartbeat: heartbeat === OFF ? false : port(heartbeat) }),
    ...(data === undefined ? {} : { data }),
    ...(interval === undefined ? {} : { interval }),
    ...(maxMiss === undefined ? {} : { maxMiss }),
    ...(priority === undefined ? {} : { priority })
  }
}

function nodeAddress(word: string): [string, string] {
  const [node, address, more] = word.split('=')
  if (node && address && more === undefined) return [node, address]
  throw fail('E_USAGE', { what: `"${word}" is not NODE=ADDRESS.`, usage: Link.about.usage })
}

function port(word: string): number {
  if (/^\d{1,5}$/.test(word)) return Number(word)
  throw fail('E_USAGE', { what: `"${word}" is neither a port nor off.`, usage: Link.about.usage })
}
