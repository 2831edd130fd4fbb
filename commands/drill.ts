import { Args, Flags } from '@oclif/core'
import { DRILL_KINDS, type DrillEntry, type DrillKind, type DrillsAnswer } from '../src/wire'
import { changing, CuiCommand, everywhere, parseDurationMs, type HelpText } from './base'
import type { Outcome } from './context'
import { disturbanceOf } from './drill/disturb'
import { freezing } from './drill/freeze'
import { rehearse } from './drill/rehearse'
import { targetsOf, targetsText } from './drill/targets'
import { confirmYes, isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import { askEach, call, openNodes } from './kit/nodes'
import { table } from './kit/table'
import { clean, nodeTime } from './kit/text'
import { actionOf, findTarget, jobAndWord, jobWord, type Target } from './operate'
import { standbyOf } from './view/cluster'
import { type Decisions, failoverVerdict, readDecisions, reasonOf, serveVerdict, switchVerdict, type Verdict } from './view/decisions'
import { reached, seenWords } from './view/reached'
import { print } from './view/tables'

const ACTIONS = [...DRILL_KINDS, 'history'] as const
const TIMEOUT_MS = 10 * 60_000

/** A rehearsal of what must be survived, measured against what was promised. */
export class Drill extends CuiCommand {
  static override args = { job: Args.string(), action: Args.string(), what: Args.string() }
  static override flags = {
    ...everywhere,
    yes: changing.yes,
    'dry-run': changing['dry-run'],
    reason: changing.reason,
    timeout: changing.timeout,
    target: Flags.string({ description: 'outage=5s,loss=0,sync=60s,wait=12s: what it must stay within, instead of what the configuration says' }),
    for: Flags.string({ description: 'freeze-peer: so long the standby stands still (60s at most; else a little longer than it takes to be noticed)' })
  }
  static override about: HelpText = {
    summary: 'rehearse a switch, a death, a cut or a hang, measure outage, lost writes and time until in sync, keep it as history',
    usage:
      'drill JOB switch|kill-app|cut-link|freeze-peer|history [APPLICATION|LINK|NODE] [--for 20s] [--target outage=5s,loss=0,sync=60s,wait=12s] [--yes] [--dry-run] [--timeout 10m] [--reason TEXT]',
    example: 'drill DB_Group switch --target outage=10s,loss=0,sync=60s --yes'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Drill)
    const { usage } = Drill.about
    const [jobArg, word] = args.what === undefined ? jobAndWord(args.job, args.action, ACTIONS) : [args.job, args.action]
    const action = actionOf(word, ACTIONS, 'drill', usage)
    if (flags.for !== undefined && action !== 'freeze-peer') throw fail('E_USAGE', { what: '--for is for freeze-peer.', usage })
    const job = jobWord(this.context, jobArg, usage)
    if (action === 'history') return this.history(job, flags.node)
    const target = await findTarget(this.context, job, flags.node)
    const owner = target.asked.find(({ entry }) => entry.node === target.now.owner)?.entry
    if (owner === undefined) throw fail('E_NODE_NOT_OPEN', { node: target.now.owner, open: target.asked.map(({ entry }) => entry.node) })
    return this.drill({ ...target, entry: owner }, action, args.what, flags)
  }

  private async drill(target: Target, kind: DrillKind, what: string | undefined, flags: DrillFlags): Promise<Outcome> {
    const { context, output } = this
    const { job } = target
    const targets = targetsOf(flags.target, (await drillsOn(target.entry, job)).targets, Drill.about.usage)
    const timeoutMs = flags.timeout === undefined ? TIMEOUT_MS : parseDurationMs(flags.timeout)
    await this.mustSurvive(target, kind)
    const around = { context, output, target, reason: flags.reason }
    const disturbance = kind === 'freeze-peer' ? await freezing(around, what, flags.for, Drill.about.usage) : await disturbanceOf(around, kind, what)
    if (flags['dry-run']) return this.dryRun(job, kind, disturbance.steps, targetsText(targets))
    if (!flags.yes) {
      if (!isTerminal(context)) throw fail('E_NO_TERMINAL', { asked: 'question whether to do it', option: '--yes' })
      await confirmYes(context, `${disturbance.steps.join('. ')}. Do you really want to rehearse that with ${job}?`)
    }
    const { entry, failed } = await rehearse({ context, target, disturbance, targets, reason: flags.reason ?? null, timeoutMs })
    this.tell(entry)
    if (failed !== null) throw failed
    const met = entry.missed.length === 0
    return { exitCode: met ? 0 : 1, json: { ...entry, met }, ...(met ? {} : { failed: `The drill missed: ${entry.missed.join('; ')}.` }) }
  }

  /** What the real thing would not survive is not rehearsed. */
  private async mustSurvive(target: Target, kind: DrillKind): Promise<void> {
    const { job, now, cluster } = target
    const pair = { now, standby: standbyOf(cluster, now).view ?? null }
    const why: string[] = reached(pair, 'synchronized') ? [] : [`it is not in sync (${seenWords(pair)})`]
    const jeopardy = now.view?.jeopardy ?? []
    if (jeopardy.length > 0) why.push(`it is in jeopardy: ${jeopardy.map(({ text }) => text).join(', ')}`)
    const decisions = await readDecisions(this.context, job, undefined)
    const verdicts = verdictsOf(kind, decisions)
    for (const verdict of verdicts) if (verdict.answer !== true) why.push(reasonOf(verdict, decisions.owner, decisions))
    if (why.length > 0) throw fail('E_NOT_READY', { job, why })
  }

  private dryRun(job: string, kind: DrillKind, steps: string[], targets: string): Outcome {
    const all = [
      `Look at the virtual address and at the applications of ${job}, and write one number after the other into its folder`,
      ...steps,
      'Wait until it serves and is in sync again, take the probe away, keep what was measured on both nodes'
    ]
    this.output.line(`drill ${job} ${kind} would do:`)
    for (const [i, step] of all.entries()) this.output.line(`  ${i + 1}. ${step}`)
    this.output.line(`Targets: ${targets}`)
    return { exitCode: 0, json: { job, kind, dryRun: true, steps: all, targets } }
  }

  private tell(entry: DrillEntry): void {
    const { output } = this
    print(
      output,
      table(
        COLUMNS,
        [rowOf(entry, 0)].map((row) => row.slice(1)),
        output.paint.state
      )
    )
    const seen = entry.probedVip
      ? 'The outage was seen on the virtual address and by the state of the applications'
      : 'The outage was seen by the state of the applications alone'
    output.line(`${seen}; ${entry.writes} writes of the probe were acknowledged, and one waited ${secondsText(entry.waitMs)}.`)
    if (entry.still !== null) output.line(stillText(entry, entry.still))
    for (const text of entry.missed) output.line(`! missed: ${clean(text)}`)
    if (entry.missed.length === 0)
      output.line(isAsked(entry) ? `Targets met: ${targetsText(entry.targets)}.` : 'No targets were stated, so none was missed (--target).')
  }

  /** Both nodes keep it; one that was away then has less. */
  private async history(word: string, node: string | undefined): Promise<Outcome> {
    const { job } = await findTarget(this.context, word, node)
    const { answers } = await askEach(openNodes(this.context.store, node).map((entry) => drillsOn(entry, job)))
    const entries = [...new Map(answers.flatMap((answer) => answer.entries).map((entry) => [`${entry.atMs} ${entry.kind}`, entry])).values()].sort(
      (a, b) => a.atMs - b.atMs
    )
    const offset = -new Date().getTimezoneOffset()
    if (entries.length === 0) this.output.line(`No drill of ${job} has been kept.`)
    else
      print(
        this.output,
        table(
          [{ title: 'Time', width: 21 }, ...COLUMNS],
          entries.map((entry) => rowOf(entry, offset)),
          this.output.paint.state
        )
      )
    return { exitCode: 0, json: { job, entries } }
  }
}

/** A standby that hangs takes nothing over, and need not; the owner must be able to do without it. */
function verdictsOf(kind: DrillKind, decisions: Decisions): Verdict[] {
  if (kind === 'switch') return [switchVerdict(decisions)]
  return kind === 'freeze-peer' ? [serveVerdict(decisions)] : [serveVerdict(decisions), failoverVerdict(decisions)]
}

interface DrillFlags {
  yes: boolean
  'dry-run': boolean
  reason?: string | undefined
  timeout?: string | undefined
  target?: string | undefined
  for?: string | undefined
}

const drillsOn = (entry: Target['entry'], job: string): Promise<DrillsAnswer> =>
  call<DrillsAnswer>(entry, { method: 'GET', path: `/v1/jobs/${encodeURIComponent(job)}/drills` })

const COLUMNS = [
  { title: 'Drill', width: 22 },
  { title: 'From', width: 9 },
  { title: 'To', width: 9 },
  { title: 'Outage', width: 8 },
  { title: 'Lost', width: 6 },
  { title: 'Wait', width: 8 },
  { title: 'In sync', width: 9 },
  { title: 'Targets', width: 0 }
]

const isAsked = ({ targets }: Pick<DrillEntry, 'targets'>): boolean => Object.values(targets).some((target) => target !== null)

const stillText = ({ from, what }: DrillEntry, { forMs, noticedMs, noticed }: NonNullable<DrillEntry['still']>): string =>
  noticedMs === null
    ? `${what} stood still for ${secondsText(forMs)}; ${from} did not notice.`
    : `${what} stood still for ${secondsText(forMs)}; ${from} noticed after ${secondsText(noticedMs)}: ${clean(noticed ?? '')}.`

const MS_A_SECOND = 1_000
const secondsText = (ms: number | null): string => (ms === null ? '-' : `${(ms / MS_A_SECOND).toFixed(1)}s`)

function rowOf({ atMs, kind, what, from, to, outageMs, lost, waitMs, syncMs, missed, targets }: DrillEntry, offset: number): string[] {
  const name = what === null ? kind : `${kind} ${what}`
  return [
    nodeTime(atMs, offset),
    clean(name),
    from,
    to,
    secondsText(outageMs),
    lost === null ? '-' : String(lost),
    // A node of an earlier version has measured none.
    secondsText(waitMs ?? null),
    secondsText(syncMs),
    missed.length > 0 ? 'missed' : isAsked({ targets }) ? 'ok' : '-'
  ]
}
