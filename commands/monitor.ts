import { Args } from '@oclif/core'
import { addMonitorEvent, type Config, type ConfigEdit, modifyMonitor, modifyMonitorEvent, type MonitorValues, removeMonitorEvent } from '../src/model'
import type { MonitorHistoryAnswer, MonitorTestAnswer } from '../src/wire'
import { CuiCommand, everywhere, type HelpText } from './base'
import { configInForce, configNode, configuring, edited, readView, sendChange } from './change'
import type { Outcome } from './context'
import { isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import { call, nodeNamed, openNodes } from './kit/nodes'
import type { NodeEntry } from './kit/store'
import { askEvent } from './monitor/dialogue'
import { checkedCondition, eventValues, nodeValues, type PartFlags, parts } from './monitor/parts'
import { actionOf } from './operate'
import { monitorObject, type NodeMonitor, printHistory, printMonitor, printTest } from './view/monitor'
import { readClusters } from './view/read'

const ACTIONS = ['list', 'add', 'modify', 'remove', 'test', 'history'] as const
type Changing = 'add' | 'modify' | 'remove'
/** A node looks for seconds when something hangs there, and asks the other one for as long. */
const TEST_ANSWER_MS = 20_000

interface MonitorFlags extends PartFlags {
  node?: string | undefined
  yes?: boolean | undefined
  'dry-run'?: boolean | undefined
  reason?: string | undefined
}

/** What a node watches of itself, and what it does about it (guide 8: System resource monitor). */
export class Monitor extends CuiCommand {
  static override args = { action: Args.string({ required: true }), of: Args.string(), event: Args.string() }
  static override flags = { ...everywhere, ...configuring, ...parts }
  static override about: HelpText = {
    summary: 'list, add, modify, remove, test what a node watches of itself; history: what came of it',
    usage:
      'monitor list|add|modify|remove|test|history [NODE] [EVENT] [--condition TEXT] [--response TEXT] [--average 10m|off] [--export|--no-export] [--export-size 1MiB] [--export-interval 1m] [--export-format csv|jsonl] [--interval 10s] [--switch-pause 10m] [--alarm-command LINE|off] [--alarm-timeout 30s] [--yes] [--dry-run] [--reason TEXT]',
    example: "monitor add RMHW131 cpu-high --condition 'cpu >= 70%' --average 10m --response 'equal 3 switch DB_Group'",
    guide: '8'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Monitor)
    const action = actionOf(args.action, ACTIONS, 'monitor', Monitor.about.usage)
    if (action === 'list') return await this.list(args.of, flags.node)
    if (action === 'test') return await this.test(args.of, flags)
    if (action === 'history') return await this.history(args.of, args.event, flags.node)
    if (args.of === undefined) throw fail('E_USAGE', { what: 'The name of the node is missing: each has a monitor of its own.', usage: Monitor.about.usage })
    return await this.change(action, args.of, args.event, flags)
  }

  private async list(of: string | undefined, through: string | undefined): Promise<Outcome> {
    const config = configInForce(await readView(await configNode(this.context, through)))
    const clusters = await readClusters(this.context, through)
    const monitors = nodesOf(config, of).map((node): NodeMonitor => {
      const seen = clusters.map((cluster) => cluster.seen.get(node)).find((known) => known !== undefined)
      return { node, config: config.monitors?.[node] ?? null, view: seen === undefined || seen.old ? null : seen.view.monitor }
    })
    for (const monitor of monitors) printMonitor(this.output, monitor)
    return { exitCode: monitors.some(({ view }) => view?.state === 'Error') ? 1 : 0, json: { nodes: monitors.map(monitorObject) } }
  }

  private async test(of: string | undefined, flags: MonitorFlags): Promise<Outcome> {
    const conditions = flags.condition?.map((text) => checkedCondition(text, Monitor.about.usage))
    const answers = await this.askNodes(of, flags.node, (entry, node) =>
      call<MonitorTestAnswer>(entry, {
        method: 'POST',
        path: '/v1/monitor/test',
        body: { node, ...(conditions === undefined ? {} : { conditions }) },
        answerMs: TEST_ANSWER_MS
      })
    )
    for (const answer of answers) printTest(this.output, answer)
    return { exitCode: 0, json: { nodes: answers } }
  }

  private async history(of: string | undefined, event: string | undefined, through: string | undefined): Promise<Outcome> {
    const answers = await this.askNodes(of, through, (entry, node) =>
      call<MonitorHistoryAnswer>(entry, { method: 'GET', path: `/v1/monitor/history?node=${encodeURIComponent(node)}`, answerMs: TEST_ANSWER_MS })
    )
    const entries = answers
      .flatMap(({ node, entries: own }) => own.map((entry) => ({ ...entry, node })))
      .filter((entry) => event === undefined || entry.event === event)
      .sort((a, b) => a.atMs - b.atMs)
    printHistory(this.output, answers, entries)
    return { exitCode: 0, json: { entries } }
  }

  /** Each node is asked itself where it is open, else through one that is. */
  private async askNodes<T>(of: string | undefined, through: string | undefined, ask: (entry: NodeEntry, node: string) => Promise<T>): Promise<T[]> {
    const any = await configNode(this.context, through)
    const nodes = nodesOf(configInForce(await readView(any)), of)
    const open = openNodes(this.context.store, undefined)
    return await Promise.all(nodes.map((node) => ask(through === undefined ? (nodeNamed(open, node) ?? any) : any, node)))
  }

  private async change(action: Changing, of: string, event: string | undefined, flags: MonitorFlags): Promise<Outcome> {
    const entry = await configNode(this.context, flags.node)
    const view = await readView(entry)
    const config = configInForce(view)
    const node = nodesOf(config, of)[0] as string
    const edit = await this.editOf(action, node, event ?? null, flags, config)
    const typed = ['monitor', action, node, event].filter(Boolean).join(' ')
    const question = `What ${node} watches of itself changes while its jobs run (${typed}). Do you really want to do it?`
    const { text, hash: base } = view.agreed
    return await sendChange(this.context, this.output, { entry, flags, change: { typed, question }, text: edited(text, edit), base })
  }

  private async editOf(action: Changing, node: string, event: string | null, flags: MonitorFlags, config: Config): Promise<ConfigEdit> {
    const { usage } = Monitor.about
    if (action === 'remove') return removeMonitorEvent(node, event)
    const [ofNode, ofEvent] = [nodeValues(flags), eventValues(flags, usage)]
    if (event === null && Object.keys(ofEvent).length > 0) throw fail('E_USAGE', { what: 'The name of the event is missing.', usage })
    if (event === null && action === 'modify' && Object.keys(ofNode).length > 0) return modifyMonitor(node, ofNode)
    if (event === null) throw fail('E_USAGE', { what: action === 'add' ? 'The name of the event is missing.' : 'Nothing to change was named.', usage })
    if (action === 'add') return together(addMonitorEvent(node, event, await this.newEvent(ofEvent)), node, ofNode)
    const known = config.monitors?.[node]?.events.some(({ name }) => name === event) === true
    const asked = Object.keys(ofNode).length + Object.keys(ofEvent).length === 0 && known && isTerminal(this.context)
    const values = asked ? await askEvent(this.context, {}, usage) : ofEvent
    if (Object.keys(ofNode).length + Object.keys(values).length === 0) throw fail('E_USAGE', { what: 'Nothing to change was named.', usage })
    return together(modifyMonitorEvent(node, event, values), node, ofNode)
  }

  private async newEvent(typed: MonitorValues): Promise<MonitorValues> {
    const { usage } = Monitor.about
    if (typed['conditions'] !== undefined && typed['responses'] !== undefined) return typed
    if (isTerminal(this.context)) return await askEvent(this.context, typed, usage)
    throw fail('E_USAGE', {
      what: `An event has conditions and responses; ${typed['conditions'] === undefined ? '--condition' : '--response'} is missing.`,
      usage
    })
  }
}

const together =
  (edit: ConfigEdit, node: string, values: MonitorValues): ConfigEdit =>
  (document) => {
    edit(document)
    if (Object.keys(values).length > 0) modifyMonitor(node, values)(document)
  }

/** The one named, by its name in any letters, or both. */
function nodesOf({ nodes }: Config, of: string | undefined): string[] {
  const known = Object.keys(nodes)
  if (of === undefined) return known
  const found = known.find((node) => node.toLowerCase() === of.toLowerCase())
  if (found !== undefined) return [found]
  throw fail('E_NO_SUCH_PART', { what: 'node', part: of, known })
}
