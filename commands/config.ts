import { Args } from '@oclif/core'
import fs from 'node:fs'
import { configDifferences, type Config as PairConfig, parseConfig } from '../src/model'
import type { ConfigVersion, ConfigView } from '../src/wire'
import { CuiCommand, everywhere, type HelpText } from './base'
import { type ConfigFlags, configNode, configuring, differenceLines, readView, sendChange } from './change'
import type { Outcome } from './context'
import { checkAgents } from './configAgents'
import { fail } from './kit/fail'
import { readText } from './kit/file'
import { table } from './kit/table'
import { nodeTime } from './kit/text'
import { actionOf } from './operate'
import { print, printPlaced, printProblems } from './view/tables'

const ACTIONS = ['check', 'show', 'history', 'diff', 'apply', 'backup', 'restore'] as const
const DEFAULT_FILE = '/etc/mirrorpair/mirrorpair.yaml'
/** What to do about a file that cannot be read. */
const ADVICE = 'config check FILE'

/** The configuration that both nodes have agreed on: looked at, compared, kept, changed as a whole. */
export class Config extends CuiCommand {
  static override args = { action: Args.string({ required: true }), what: Args.string() }
  static override flags = { ...everywhere, ...configuring }
  static override about: HelpText = {
    summary: 'the configuration of the pair: check a file, show, compare, apply, keep a copy, go back',
    usage: 'config check|show|history|diff|apply|backup|restore [FILE|VERSION] [--yes] [--dry-run] [--reason TEXT] [--node NODE] [--json]',
    example: 'config apply /root/new.yaml --dry-run',
    guide: 'annex 1'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Config)
    const action = actionOf(args.action, ACTIONS, 'config', Config.about.usage)
    switch (action) {
      case 'check':
        return this.check(args.what ?? DEFAULT_FILE, flags.node)
      case 'show':
        return this.show(await this.view(flags), args.what)
      case 'history':
        return this.history(await this.view(flags))
      case 'diff':
        return this.diff(await this.view(flags), this.needed(args.what))
      case 'apply':
        return this.whole(flags, readText(this.needed(args.what), ADVICE), `config apply ${args.what}`, args.what)
      case 'backup':
        return this.backup(await this.view(flags), this.needed(args.what))
      case 'restore':
        return this.restore(flags, this.needed(args.what))
    }
  }

  private needed(what: string | undefined): string {
    if (what !== undefined) return what
    throw fail('E_USAGE', { what: 'The file or the version is missing.', usage: Config.about.usage })
  }

  private async view(flags: ConfigFlags): Promise<ConfigView> {
    return await readView(await configNode(this.context, flags.node))
  }

  /** Asks the open nodes for the metadata of the agents that it uses, and for nothing else. */
  private async check(file: string, node: string | undefined): Promise<Outcome> {
    const text = readText(file, ADVICE)
    const { config, problems } = this.checked(text, file)
    if (config === null) return { exitCode: 1, json: { file, ok: false, problems }, failed: wrong(file) }
    const agents = await checkAgents(this.context.store, node, { text, file, config })
    printPlaced(this.output, file, agents.problems)
    printProblems(this.output, agents.unchecked)
    if (agents.problems.length > 0) return { exitCode: 1, json: { file, ok: false, problems: agents.problems }, failed: wrong(file) }
    const jobs = Object.keys(config.jobs).join(', ') || 'none'
    this.output.line(`${file} is right: cluster ${config.cluster}, nodes ${Object.keys(config.nodes).join(' and ')}, jobs ${jobs}.`)
    return { exitCode: 0, json: { file, ok: true, problems, unchecked: agents.unchecked, config } }
  }

  private checked(text: string, file: string): { config: PairConfig | null; problems: object[] } {
    const answer = parseConfig(text, file)
    if ('config' in answer) return { config: answer.config, problems: [] }
    printPlaced(this.output, file, answer.problems)
    return { config: null, problems: answer.problems }
  }

  private show(view: ConfigView, version: string | undefined): Outcome {
    const shown = version === undefined ? view.agreed : versionOf(view, version)
    print(this.output, shown.text.trimEnd().split('\n'))
    const { isAgreed } = view
    if (!isAgreed) this.output.line(`# ${view.node} has not agreed on this with the other node.`)
    return { exitCode: 0, json: { isAgreed, ...shown } }
  }

  private history({ node, agreed, isAgreed, prepared, history }: ConfigView): Outcome {
    const columns = [
      { title: 'No.', width: 5 },
      { title: 'Time', width: 21 },
      { title: 'By', width: 15 },
      { title: 'Why', width: 5 }
    ]
    const row = ({ version, wallMs, by, why }: ConfigVersion): string[] => [String(version), wallMs === 0 ? '-' : nodeTime(wallMs, 0), by, why ?? '-']
    print(this.output, table(columns, [agreed, ...history].map(row)))
    if (!isAgreed) this.output.line(`${node} has not agreed on the first of these with the other node.`)
    if (prepared !== null) this.output.line(`${node} has promised to follow to version ${prepared.version}, and asks what became of it.`)
    return {
      exitCode: 0,
      json: { node, isAgreed, prepared: prepared?.version ?? null, versions: [agreed, ...history].map(({ text: _, ...version }) => version) }
    }
  }

  private diff(view: ConfigView, what: string): Outcome {
    const [before, after] = isVersion(what) ? [versionOf(view, what).text, view.agreed.text] : [view.agreed.text, readText(what, ADVICE)]
    const [was, is] = [this.checked(before, 'in force'), this.checked(after, isVersion(what) ? 'in force' : what)]
    if (was.config === null || is.config === null)
      return { exitCode: 1, json: { node: view.node, differences: null, problems: [...was.problems, ...is.problems] } }
    const differences = configDifferences(was.config, is.config)
    for (const line of differenceLines(differences)) this.output.line(line)
    if (differences.length === 0) this.output.line('Nothing differs.')
    return { exitCode: 0, json: { node: view.node, version: view.agreed.version, differences, problems: [] } }
  }

  private async whole(flags: ConfigFlags, text: string, typed: string, file = 'the configuration'): Promise<Outcome> {
    const { config, problems } = this.checked(text, file)
    if (config === null) return { exitCode: 1, json: { command: typed, ok: false, problems }, failed: `${wrong(file)} Nothing was changed.` }
    const entry = await configNode(this.context, flags.node)
    const question = `The whole configuration of both nodes becomes that of ${file}. Do you really want to apply it?`
    return await sendChange(this.context, this.output, { entry, flags, change: { typed, question }, text, base: null })
  }

  private backup({ node, agreed }: ConfigView, file: string): Outcome {
    try {
      fs.writeFileSync(file, agreed.text, { flag: 'wx', mode: 0o600 })
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException
      throw fail('E_SHELL_FILE', { file, what: code === 'EEXIST' ? 'it is there already' : `it cannot be written (${code})`, advice: 'config backup NEWFILE' })
    }
    this.output.line(`Version ${agreed.version} is kept in ${file}.`)
    return { exitCode: 0, json: { node, file, version: agreed.version } }
  }

  private async restore(flags: ConfigFlags, what: string): Promise<Outcome> {
    const text = isVersion(what) ? versionOf(await this.view(flags), what).text : readText(what, ADVICE)
    return await this.whole(flags, text, `config restore ${what}`, isVersion(what) ? `version ${what}` : what)
  }
}

const wrong = (file: string): string => `${file} is not right.`

const isVersion = (word: string): boolean => /^\d+$/.test(word)

function versionOf({ node, agreed, history }: ConfigView, word: string): ConfigVersion {
  const found = [agreed, ...history].find(({ version }) => String(version) === word)
  if (found !== undefined) return found
  throw fail('E_NO_SUCH_PART', { what: 'version', part: `${word} on ${node}`, known: [agreed, ...history].map(({ version }) => String(version)) })
}
