import { Args } from '@oclif/core'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import { askAll, openNodes, requireAnswer } from './kit/nodes'
import { clustersOf, jobNow, jobsNow, problemsOf, type ClusterView } from './view/cluster'
import { LiveView } from './view/live'
import { properties, printProperties, propertyObject } from './view/property'
import { heartbeatRows, hostRows, jobRow, printHeartbeats, printJobs, printProblems } from './view/tables'

/** allstate and the property view of a job, live (guide 3, the console). */
export class Watch extends CuiCommand {
  static override args = { job: Args.string() }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'allstate and the property view, live; keys show the heartbeat links, the mirroring session and the log, q ends it',
    usage: 'watch [JOB] [--node NODE] [--json]',
    example: 'watch DB_Group',
    guide: '3'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Watch)
    const asked = await askAll(openNodes(this.context.store, flags.node))
    requireAnswer(asked)
    const clusters = clustersOf(asked)
    const names = clusters.flatMap((cluster) => cluster.jobs)
    const job = args.job ?? this.context.use.job ?? names[0] ?? null
    if (job !== null && !names.includes(job)) throw fail('E_JOB_NOT_FOUND', { job, known: names })
    // A pipe, a file and a runbook get one picture: nobody is there to press q.
    if (this.output.json || !isTerminal(this.context) || this.context.depth > 0) return this.once(clusters, job)
    const problems = await new LiveView(this.context, asked, this.output.paint, job).untilQuit()
    return { exitCode: problems > 0 ? 1 : 0, json: {} }
  }

  private once(clusters: ClusterView[], job: string | null): Outcome {
    const all = { hosts: hostRows(clusters), heartbeats: heartbeatRows(clusters), jobs: jobsNow(clusters).map(jobRow), problems: problemsOf(clusters) }
    printHeartbeats(this.output, all.heartbeats)
    this.output.line()
    printJobs(this.output, all.jobs)
    const cluster = clusters.find((one) => job !== null && one.jobs.includes(job))
    const now = cluster === undefined || job === null ? null : jobNow(cluster, job)
    const rows = cluster === undefined || now === null ? [] : properties(cluster, now)
    if (rows.length > 0) {
      this.output.line()
      printProperties(this.output, rows)
    }
    printProblems(this.output, all.problems)
    return {
      exitCode: all.problems.length > 0 ? 1 : 0,
      json: { ...all, job: cluster === undefined || now === null ? null : propertyObject(cluster, now, rows) }
    }
  }
}
