import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { jobsNow, problemsOf } from './view/cluster'
import { readClusters } from './view/read'
import { heartbeatRows, hostRows, jobRow, printHeartbeats, printHosts, printJobs, printProblems } from './view/tables'

/** Licence, heartbeat by direction, jobs (guide 9). */
export class Allstate extends CuiCommand {
  static override args = {}
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'licence expiry, heartbeat by direction, jobs',
    usage: 'allstate [--node NODE] [--json]',
    example: 'allstate',
    guide: '9'
  }

  async run(): Promise<Outcome> {
    const { flags } = await this.read(Allstate)
    const clusters = await readClusters(this.context, flags.node)
    const all = { hosts: hostRows(clusters), heartbeats: heartbeatRows(clusters), jobs: jobsNow(clusters).map(jobRow), problems: problemsOf(clusters) }
    printHosts(this.output, all.hosts)
    this.output.line()
    printHeartbeats(this.output, all.heartbeats)
    this.output.line()
    printJobs(this.output, all.jobs)
    printProblems(this.output, all.problems)
    return { exitCode: all.problems.length > 0 ? 1 : 0, json: all }
  }
}
