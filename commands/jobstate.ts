import { Args } from '@oclif/core'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { jobNow, jobsNow, problemsOf, type ClusterView } from './view/cluster'
import { printProperties, properties, propertyObject } from './view/property'
import { readClusters } from './view/read'
import { jobRow, printJobs, printProblems } from './view/tables'

/** The job table, or the property view of one job (guide 3 and 9). */
export class Jobstate extends CuiCommand {
  static override args = { job: Args.string() }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'the job table; with JOB its whole property view',
    usage: 'jobstate [JOB] [--node NODE] [--json]',
    example: 'jobstate DB_Group',
    guide: '3, 9'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Jobstate)
    const clusters = await readClusters(this.context, flags.node)
    const problems = problemsOf(clusters)
    const job = args.job ?? this.context.use.job
    const shown = job === null || job === undefined ? this.allJobs(clusters) : this.oneJob(clusters, job)
    printProblems(this.output, problems)
    return { exitCode: problems.length > 0 ? 1 : 0, json: { ...shown, problems } }
  }

  private allJobs(clusters: ClusterView[]): object {
    const jobs = jobsNow(clusters).map(jobRow)
    printJobs(this.output, jobs)
    return { jobs }
  }

  private oneJob(clusters: ClusterView[], job: string): object {
    const cluster = clusters.find((one) => one.jobs.includes(job))
    const now = cluster === undefined ? null : jobNow(cluster, job)
    if (cluster === undefined || now === null) throw fail('E_JOB_NOT_FOUND', { job, known: clusters.flatMap((one) => one.jobs) })
    const rows = properties(cluster, now)
    printProperties(this.output, rows)
    return propertyObject(cluster, now, rows)
  }
}
