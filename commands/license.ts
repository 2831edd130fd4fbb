import { Args, Flags } from '@oclif/core'
import { LICENCE_BYTES_MAX, type HostIdAnswer, type LicenceAnswer, type LicenceChangeAnswer, type LicenceRequest, type LicenceView } from '../src/wire'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { confirmYes, isTerminal } from './kit/confirm'
import { fail, reportOf } from './kit/fail'
import { readSmallText } from './kit/file'
import { askEach, call, nodeNamed, openNodes } from './kit/nodes'
import type { NodeEntry } from './kit/store'
import { table } from './kit/table'
import { clean } from './kit/text'
import { actionOf } from './operate'
import { licenceShown, print, printProblems } from './view/tables'

const COLUMNS = [
  { title: 'host', width: 14 },
  { title: 'LicenseState', width: 14 },
  { title: 'Expires', width: 12 },
  { title: 'hostId', width: 22 },
  { title: 'Licensee', width: 0 }
]

/** The licence of each node, where a distributor asks for one (guide, annexes 2 and 3). */
export class License extends CuiCommand {
  static override args = { action: Args.string({ required: true }), what: Args.string(), of: Args.string() }
  static override flags = {
    ...everywhere,
    yes: Flags.boolean({ char: 'y', description: 'do not ask Yes or No' }),
    'dry-run': Flags.boolean({ description: 'the node checks it and says what would be; nothing is changed' }),
    reason: Flags.string({ description: 'why, for the record' })
  }
  static override about: HelpText = {
    summary: 'the licence of each node: show it, install a .lic file, remove it; no service is stopped for it',
    usage: 'license show|install|remove [FILE|NODE] [NODE] [--yes] [--dry-run] [--reason TEXT] [--json]',
    example: 'license install RMHW131.lic',
    guide: 'annexes 2 and 3'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(License)
    const action = actionOf(args.action, ['show', 'install', 'remove'] as const, 'license', License.about.usage)
    if (action === 'show') return await this.show(args.what ?? flags.node)
    if (action === 'install') return await this.install(args.what, args.of ?? flags.node, flags)
    return await this.remove(args.what ?? flags.node, flags)
  }

  private async show(node: string | undefined): Promise<Outcome> {
    const nodes = openNodes(this.context.store, node)
    const { answers, refused } = await askEach(nodes.map((entry) => call<LicenceAnswer>(entry, { method: 'GET', path: '/v1/license' })))
    const problems = [
      ...refused.map((thrown) => reportOf(thrown).message),
      ...answers.flatMap(({ node: name, why }) => (why === null ? [] : [`${name}: ${why}`]))
    ]
    print(this.output, table(COLUMNS, answers.map(rowOf), this.output.paint.state))
    printProblems(this.output, problems)
    const free = answers.filter(({ licensor }) => licensor === null)
    if (free.length > 0) this.output.line(`${free.map(({ node: name }) => name).join(' and ')}: nobody asks for a licence; mirrorpair is free.`)
    return { exitCode: problems.length > 0 ? 1 : 0, json: { nodes: answers, problems } }
  }

  private async install(file: string | undefined, node: string | undefined, flags: ChangeFlags): Promise<Outcome> {
    if (file === undefined) throw fail('E_USAGE', { what: 'Which file?', usage: License.about.usage })
    const text = readSmallText(file, LICENCE_BYTES_MAX, 'license install FILE, where FILE is the .lic file that was sent')
    const entry = node === undefined ? await this.meant(text) : this.named(node)
    return await this.change(entry, { text }, flags, `the licence in ${file} is installed on ${entry.node}`)
  }

  private async remove(node: string | undefined, flags: ChangeFlags): Promise<Outcome> {
    if (node === undefined) throw fail('E_USAGE', { what: 'The node is missing.', usage: License.about.usage })
    const entry = this.named(node)
    return await this.change(entry, { text: null }, flags, `the licence of ${entry.node} is removed`)
  }

  private named(node: string): NodeEntry {
    const open = openNodes(this.context.store, undefined)
    const entry = nodeNamed(open, node)
    if (entry === undefined) throw fail('E_NODE_NOT_OPEN', { node, open: open.map((known) => known.node) })
    return entry
  }

  /** The open node that the file is for: a host id belongs to one machine. */
  private async meant(text: string): Promise<NodeEntry> {
    const open = openNodes(this.context.store, this.context.use.node ?? undefined)
    const [only] = open
    const wanted = hostIdIn(text)
    if (only !== undefined && (open.length === 1 || wanted === null)) return only
    const asked = open.map(async (entry) => ({ entry, ...(await call<HostIdAnswer>(entry, { method: 'GET', path: '/v1/hostid' })) }))
    const { answers } = await askEach(asked)
    const found = answers.find(({ hostId }) => hostId === wanted)
    if (found !== undefined) return found.entry
    throw fail('E_LICENSE_NO_NODE', { hostId: clean(wanted ?? ''), open: answers.map(({ node, hostId }) => `${node} (${hostId ?? 'no network card'})`) })
  }

  private async change(entry: NodeEntry, request: LicenceRequest, flags: ChangeFlags, what: string): Promise<Outcome> {
    const body = { ...request, ...(flags.reason === undefined ? {} : { reason: flags.reason }) }
    const post = (dryRun: boolean): Promise<LicenceChangeAnswer> =>
      call<LicenceChangeAnswer>(entry, { method: 'POST', path: '/v1/license', body: { ...body, dryRun } })
    const dryRun = flags['dry-run'] === true
    if (!dryRun && flags.yes !== true && isTerminal(this.context)) {
      const { before, after } = await post(true)
      await confirmYes(this.context, `${entry.node}: ${stateOf(before)} becomes ${stateOf(after)}. Do you really want that ${what}?`)
    }
    const { before, after } = await post(dryRun)
    this.output.line(`${entry.node}: ${dryRun ? 'it would be so that ' : ''}${what}.`)
    this.output.line(`${dryRun ? 'It would become' : 'result'}: LicenseState: ${stateOf(after)} (before: ${stateOf(before)})`)
    return { exitCode: 0, json: { command: `license ${request.text === null ? 'remove' : 'install'}`, node: entry.node, dryRun, before, after } }
  }
}

interface ChangeFlags {
  yes?: boolean | undefined
  'dry-run'?: boolean | undefined
  reason?: string | undefined
}

const stateOf = ({ word, expires }: LicenceView): string => (word === 'Valid' && expires !== null ? `Valid until ${expires}` : licenceShown(word, expires))

const rowOf = ({ node, word, expires, licensor, hostId, licensee }: LicenceAnswer): string[] => [
  node,
  word,
  expires ?? (word === 'Valid' || licensor === null ? 'never' : '-'),
  hostId ?? '-',
  licensee ?? '-'
]

/** Which machine a file names; whether it is right is the node's to say. */
function hostIdIn(text: string): string | null {
  try {
    const { hostId } = JSON.parse(text) as { hostId?: unknown }
    return typeof hostId === 'string' ? hostId : null
  } catch {
    return null
  }
}
