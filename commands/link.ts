import { Args, Flags } from '@oclif/core'
import { addLink, type ConfigEdit, DEFAULT_BAUD, type LinkEdit, modifyLink, removeLink } from '../src/model'
import { CuiCommand, everywhere, type HelpText } from './base'
import { changePart, configInForce, configNode, configuring, readView } from './change'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { table } from './kit/table'
import { actionOf } from './operate'
import { print } from './view/tables'

const ACTIONS = ['list', 'add', 'remove', 'modify'] as const
const OFF = 'off'

interface LinkFlags {
  type?: string | undefined
  device?: string[] | undefined
  baud?: number | undefined
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
    type: Flags.string({ options: ['socket', 'serial'], description: 'of a new link: sockets, or a serial line for heartbeats alone' }),
    address: Flags.string({ multiple: true, description: 'NODE=ADDRESS, once for each node' }),
    device: Flags.string({ multiple: true, description: 'of a serial line: NODE=/dev/ttyS0, once for each node' }),
    baud: Flags.integer({ description: `speed of a serial line, ${DEFAULT_BAUD} where none is named` }),
    heartbeat: Flags.string({ description: 'UDP port of the heartbeat, or off' }),
    data: Flags.boolean({ description: 'replication may use it (--no-data: it may not)', allowNo: true }),
    interval: Flags.string({ description: 'a heartbeat so often: 5s, 500ms' }),
    'max-miss': Flags.integer({ description: 'down after so many intervals without one' }),
    priority: Flags.integer({ description: 'its place among the links, 0 is the most preferred' })
  }
  static override about: HelpText = {
    summary: 'the links between the nodes: list, add, remove, modify',
    usage:
      'link list|add|remove|modify [LINK] [--type socket|serial] [--address NODE=ADDRESS] [--device NODE=DEVICE] [--baud N] [--heartbeat PORT|off] [--data|--no-data] [--interval 5s] [--max-miss N] [--priority N] [--yes] [--dry-run] [--reason TEXT]',
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
    const { links, nodes } = configInForce(await readView(await configNode(this.context, node)))
    const names = Object.keys(nodes)
    const columns = ['Prio', 'Name', 'Port', 'Interval', 'Miss', 'Data', ...names].map((title) => ({ title, width: title.length + 2 }))
    const rows = links.map(({ name, heartbeatPort, intervalMs, maxMiss, data, addresses, serial }, i) => [
      String(i),
      name,
      serial ? 'serial' : String(heartbeatPort ?? OFF),
      `${intervalMs / 1000}s`,
      String(maxMiss),
      data ? 'yes' : 'no',
      ...names.map((each) => (serial?.devices ?? addresses)[each] ?? '')
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

function linkEdit({ type, baud, address = [], device = [], heartbeat, data, interval, 'max-miss': maxMiss, priority }: LinkFlags): LinkEdit {
  const { usage } = Link.about
  const isSerial = type === 'serial'
  if (isSerial && (address.length > 0 || heartbeat !== undefined || data === true))
    throw fail('E_USAGE', { what: 'A serial line has devices and a speed, carries heartbeats alone, and has neither an address nor a port.', usage })
  if (type === 'socket' && (device.length > 0 || baud !== undefined)) throw fail('E_USAGE', { what: 'Devices and a speed are those of a serial line.', usage })
  return {
    addresses: { ...Object.fromEntries(address.map((word) => nodeEnd(word, 'ADDRESS'))), ...Object.fromEntries(device.map((word) => nodeEnd(word, 'DEVICE'))) },
    ...(isSerial ? { type } : {}),
    ...(baud === undefined ? {} : { baud }),
    ...(heartbeat === undefined ? {} : { heartbeat: heartbeat === OFF ? false : port(heartbeat) }),
    ...(data === undefined ? {} : { data }),
    ...(interval === undefined ? {} : { interval }),
    ...(maxMiss === undefined ? {} : { maxMiss }),
    ...(priority === undefined ? {} : { priority })
  }
}

function nodeEnd(word: string, what: 'ADDRESS' | 'DEVICE'): [string, string] {
  const [node, end, more] = word.split('=')
  if (node && end && more === undefined) return [node, end]
  throw fail('E_USAGE', { what: `"${word}" is not NODE=${what}.`, usage: Link.about.usage })
}

function port(word: string): number {
  if (/^\d{1,5}$/.test(word)) return Number(word)
  throw fail('E_USAGE', { what: `"${word}" is neither a port nor off.`, usage: Link.about.usage })
}
