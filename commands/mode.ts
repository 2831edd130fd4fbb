import { Args, Flags } from '@oclif/core'
import { JOB_MODES, type JobMode, setMode } from '../src/model'
import { CuiCommand, everywhere, type HelpText, parseDurationMs, timeoutFlag } from './base'
import { changePart, configuring } from './change'
import type { Outcome } from './context'
import { IN_FORCE_MS, untilInForce } from './inForce'
import { actionOf, jobAndWord, jobWord } from './operate'
import type { ClusterView } from './view/cluster'

const waitFlag = Flags.boolean({ description: 'wait until both nodes go by it (--no-wait: only until it is agreed on)', default: true, allowNo: true })

/** Who decides that the other node takes over, and what may be lost then (product §6). */
export class Mode extends CuiCommand {
  static override args = { job: Args.string(), mode: Args.string() }
  static override flags = { ...everywhere, ...configuring, wait: waitFlag, timeout: timeoutFlag }
  static override about: HelpText = {
    summary: 'the mode of a job: guide, high-availability, high-protection, high-performance; also while it is online',
    usage: 'mode JOB guide|high-availability|high-protection|high-performance [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'mode DB_Group high-availability'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Mode)
    const { usage } = Mode.about
    const [jobArg, word] = jobAndWord(args.job, args.mode, JOB_MODES)
    const mode = actionOf(word?.toLowerCase(), JOB_MODES, 'mode', usage)
    const job = jobWord(this.context, jobArg, usage)
    const question = `From then on ${job} is decided on by the rules of ${mode}. Do you really want it?`
    const changed = await changePart(this.context, this.output, flags, { typed: `mode ${job} ${mode}`, question }, setMode(job, mode))
    if (flags['dry-run'] || !flags.wait) return changed
    const timeoutMs = flags.timeout === undefined ? IN_FORCE_MS : parseDurationMs(flags.timeout)
    const what = `the mode ${mode} of ${job}`
    const done = `The mode of ${job} is ${mode}.`
    const whyNot = (clusters: ClusterView[]): string | null => whyNotMode(clusters, job, mode)
    const waitedMs = await untilInForce(this.context, this.output, { what, done, again: `jobstate ${job}`, node: flags.node, timeoutMs, whyNot })
    return { ...changed, json: { ...changed.json, waitedMs } }
  }
}

function whyNotMode(clusters: ClusterView[], job: string, mode: JobMode): string | null {
  const cluster = clusters.find(({ jobs }) => jobs.includes(job))
  const views = [...(cluster?.seen.values() ?? [])].flatMap(({ view }) => view.jobs[job] ?? [])
  if (views.length === 0) return 'no answer'
  return views.map(({ mode: known, modePending }) => (known === mode ? (modePending ?? null) : `${known} still`)).find((why) => why !== null) ?? null
}
