import type { ApplicationConfig, JobConfig } from '../../../src/model'
import { drillReport } from '../../../src/report/drill'
import { ReportError } from '../../../src/report/report'
import type { Places } from '../../ports'

/** One application on this node, of whatever kind. `port.ts` sees to it that its calls do not overlap. */
export interface Runner {
  /** Rejects at the start timeout or when called off, with everything of it stopped again. */
  start(abort: AbortSignal): Promise<void>
  stop(kill: boolean): Promise<void>
  /** Its processes die, and what watches it finds out by itself. */
  crash(): Promise<void>
  adopt(): Promise<boolean>
  /** Stops watching, and nothing else. */
  release(): void
}

export interface RunnerOptions {
  places: Pick<Places, 'stateDirectory' | 'runDirectory' | 'node'>
  job: JobConfig
  application: ApplicationConfig
  /** It was started or adopted, and has died or failed its check. Said once. */
  failed: (why: string) => void
}

/** A drill cannot let it die. */
export const notToBeCrashed = ({ places, application, job }: RunnerOptions, why: string): Error =>
  new ReportError(drillReport('E_DRILL_KIND', { node: places.node, what: `${application.name} of ${job.name}`, why }))
