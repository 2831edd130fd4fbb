import { Args, Flags } from '@oclif/core'
import { createJob, type ConfigEdit, editConfig, type JobConfig, jobText, modifyJob, parseConfig, removeJob } from '../src/model'
import type { ConfigChangeAnswer, ConfigView } from '../src/wire'
import { CuiCommand, everywhere, type HelpText } from './base'
import { type ConfigFlags, configNode, configuring, edited, postChange, printVerdict, readView } from './change'
import type { Outcome } from './context'
import { confirmed } from './dangerous'
import { bringinNew } from './job/bringin'
import { createByDialogue, modifyByDialogue } from './job/dialogue'
import { Draft } from './job/draft'
import { changesOf, type PartFlags, parts } from './job/changes'
import { awaitIdle, awaitJob, printNext, printStays, staysOf } from './job/outcome'
import { readSection } from './job/section'
import { askChecked, confirmYes, isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import type { NodeEntry } from './kit/store'
import { actionOf, checkConfirm, jobWord } from './operate'
import { print } from './view/tables'
import { printDiff } from './view/textDiff'

const ACTIONS = ['create', 'modify', 'remove', 'show'] as const
type Changing = 'create' | 'modify' | 'remove'

interface JobFlags extends ConfigFlags, PartFlags {
  bringin?: boolean | undefined
  confirm?: string | undefined
}

interface Plan {
  action: Changing
  job: string
  entry: NodeEntry
  view: ConfigView
  text: string
  flags: JobFlags
}

/** Jobs as a whole: made, changed, taken away, on a pair that works (guide 3). */
export class Job extends CuiCommand {
  static override args = { action: Args.string({ required: true }), job: Args.string() }
  static override flags = {
    ...everywhere,
    ...configuring,
    ...parts,
    bringin: Flags.boolean({ description: 'a new job is started at once, and its first copy followed' }),
    confirm: Flags.string({ description: 'the name of the job, to remove one whose copies may differ' })
  }
  static override about: HelpText = {
    summary: 'create, modify, remove or show a job; both nodes check all of it before anything is changed',
    usage:
      'job create|modify|remove|show [JOB] [--file FILE|-] [--mode MODE] [--safety full|off] [--vip NAME=ADDRESS/PREFIX[@NIC]] [--folder PATH] [--exclude [FOLDER=]PATTERN] [--include [FOLDER=]PATTERN] [--service NAME=UNIT] [--process NAME=COMMAND] [--agent NAME=TYPE] [--depends NAME=OTHER] [--set KEY=VALUE] [--unset KEY] [--bringin] [--confirm JOB] [--yes] [--dry-run] [--reason TEXT]',
    example: 'job create Web --vip IP-Web=192.168.150.131/16 --folder /srv/web --service NGINX=nginx',
    guide: '3'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Job)
    const { usage } = Job.about
    const action = actionOf(args.action, ACTIONS, 'job', usage)
    const entry = await configNode(this.context, flags.node)
    const view = await readView(entry)
    const job = action === 'create' ? await this.newName(args.job, view) : jobWord(this.context, args.job, usage)
    if (action === 'show') return this.show(job, view)
    checkConfirm(job, flags.confirm)
    if (flags.bringin && action !== 'create') throw fail('E_USAGE', { what: `--bringin starts a new job, and ${job} is none.`, usage })
    const edit = action === 'remove' ? removeJob(job) : await this.editOf(action, job, flags, { entry, view })
    if (edit === null) return { exitCode: 1, json: { command: `job ${action} ${job}`, ok: false }, failed: refused(action, job) }
    return await this.change({ action, job, entry, view, text: edited(view.agreed.text, edit), flags })
  }

  private show(job: string, { node, agreed, isAgreed, file }: ConfigView): Outcome {
    const text = jobText(agreed.text, job)
    if (text === null) throw fail('E_JOB_NOT_FOUND', { job, known: Object.keys(this.configOf(agreed.text, file) ?? {}) })
    print(this.output, text.trimEnd().split('\n'))
    return { exitCode: 0, json: { job, node, version: agreed.version, isAgreed, text, config: this.configOf(agreed.text, file)?.[job] ?? null } }
  }

  private configOf(text: string, file: string): Record<string, JobConfig> | null {
    const answer = parseConfig(text, file)
    return 'config' in answer ? answer.config.jobs : null
  }

  /** The job in use is one that is there. */
  private async newName(word: string | undefined, view: ConfigView): Promise<string> {
    if (word !== undefined) return word
    if (!isTerminal(this.context)) throw fail('E_USAGE', { what: 'The name of a job is missing.', usage: Job.about.usage })
    const check = async (name: string): Promise<string | null> => {
      const answer = parseConfig(edited(view.agreed.text, createJob(name, null, [])), view.file)
      return 'config' in answer ? null : `${answer.problems[0]?.message} ${answer.problems[0]?.tryThis}`
    }
    return await askChecked(this.context, { message: 'Name of the job:', initial: '', check: async (name) => nameTaken(view, name) ?? (await check(name)) })
  }

  /** null: the file is no YAML. Without a word about what is wanted a person is asked, page by page. */
  private async editOf(action: 'create' | 'modify', job: string, flags: JobFlags, { entry, view }: Pick<Plan, 'entry' | 'view'>): Promise<ConfigEdit | null> {
    const { usage } = Job.about
    const changes = changesOf(flags, usage)
    if (flags.file === undefined && changes.length === 0) {
      if (!isTerminal(this.context)) throw fail('E_USAGE', { what: `Nothing of ${job} was named.`, usage })
      const draft = new Draft(entry, view, (more) => (action === 'create' ? createJob(job, null, more) : modifyJob(job, null, more)), job)
      edited(view.agreed.text, draft.edit)
      await (action === 'create' ? createByDialogue : modifyByDialogue)(this.context, draft)
      this.output.line()
      print(this.output, (jobText(edited(view.agreed.text, draft.edit), job) ?? '').trimEnd().split('\n'))
      this.output.line()
      return draft.edit
    }
    const section = flags.file === undefined ? null : await readSection(this.context, this.output, flags.file)
    if (flags.file !== undefined && section === null) return null
    return action === 'create' ? createJob(job, section, changes) : modifyJob(job, section, changes)
  }

  /** Read here, checked there and there, shown, asked about, and only then sent. */
  private async change(plan: Plan): Promise<Outcome> {
    const { action, job, entry, view, text, flags } = plan
    const problems = this.problemsOf(text, view.file)
    if (problems.length > 0) return { exitCode: 1, json: { command: `job ${action} ${job}`, ok: false, problems }, failed: refused(action, job) }
    const typed = flags.reason ?? `job ${action} ${job}`
    const sending = { text, base: view.agreed.hash, reason: typed }
    const asked = await postChange(entry, { ...sending, dryRun: true })
    // As this shell writes it: how the file was laid out before says nothing.
    printDiff(
      this.output,
      editConfig(view.agreed.text, () => undefined),
      text
    )
    if (asked.differences.length === 0) this.output.line('Nothing differs from what is in force.')
    const stays = action === 'remove' ? await staysOf(this.context, entry, job, this.configOf(view.agreed.text, view.file)?.[job] ?? null) : null
    if (stays !== null) printStays(this.output, stays)
    if (flags['dry-run'] || asked.differences.length === 0) {
      printVerdict(this.output, asked)
      return this.outcome(plan, asked, { text: jobText(text, job), ...(stays === null ? {} : { stays: stays.nodes }) })
    }
    for (const warning of asked.warnings ?? []) this.output.line(this.output.paint.paused(`Warning: ${warning}`))
    await this.confirm(plan, stays)
    const done = await postChange(entry, { ...sending, dryRun: false })
    printVerdict(this.output, { ...done, warnings: [] })
    await awaitJob(this.context, entry, job, action !== 'remove')
    if (action === 'create') await awaitIdle(this.context, entry, job)
    const next = await printNext(this.context, this.output, plan)
    const started = action === 'create' && flags.bringin === true ? { bringin: (await bringinNew(this.context, this.output, job, entry)).json } : {}
    return this.outcome(
      plan,
      { ...done, warnings: asked.warnings ?? [] },
      { ...started, text: jobText(text, job), next, ...(stays === null ? {} : { stays: stays.nodes }) }
    )
  }

  private outcome({ action, job, entry }: Plan, answer: ConfigChangeAnswer, more: object): Outcome {
    const { dryRun, version, followed, differences, warnings = [] } = answer
    return { exitCode: 0, json: { command: `job ${action} ${job}`, job, node: entry.node, dryRun, version, followed, differences, warnings, ...more } }
  }

  /** The text of the whole configuration is this shell's own work: its lines would tell nobody anything. */
  private problemsOf(text: string, file: string): object[] {
    const answer = parseConfig(text, file)
    if ('config' in answer) return []
    for (const { message, tryThis } of answer.problems) {
      this.output.line(this.output.paint.bad(message))
      this.output.line(`  Try: ${tryThis}`)
    }
    this.output.line('Nothing was changed.')
    return answer.problems.map(({ code, message, tryThis }) => ({ code, message, tryThis }))
  }

  private async confirm({ action, job, flags }: Plan, stays: Awaited<ReturnType<typeof staysOf>> | null): Promise<void> {
    if (stays !== null && stays.differ.length > 0)
      return await confirmed(this.context, this.output, { job, line: `job remove ${job}`, warning: stays.differ, confirm: flags.confirm })
    if (flags.yes || flags.confirm === job || !isTerminal(this.context)) return
    const what = { create: `create the job ${job}`, modify: `change the job ${job} on both nodes`, remove: `remove the job ${job} from both nodes` }[action]
    await confirmYes(this.context, `Do you really want to ${what}?`)
  }
}

const refused = (action: string, job: string): string => `job ${action} ${job} was not sent: what was asked for is not right. Nothing was changed.`

const nameTaken = ({ agreed }: ConfigView, name: string): string | null => (jobText(agreed.text, name) === null ? null : `There is a job ${name} already.`)
