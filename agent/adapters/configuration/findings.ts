import type { Report, ReportError } from '../../../src/report/report'
import type { FolderSeen } from '../../../src/wire'

/** What is found while a configuration is looked at: all of it, not the first. */
export class Findings {
  readonly problems: Report[] = []
  readonly warnings: string[] = []
  readonly folders: FolderSeen[] = []

  constructor(readonly node: string) {}

  refuse({ report }: ReportError): void {
    this.problems.push(report)
  }

  warn(sentence: string): void {
    this.warnings.push(`${this.node}: ${sentence}`)
  }
}
