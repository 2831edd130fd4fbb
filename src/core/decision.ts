import { jobReport } from '../report/job'
import type { Danger } from '../wire'
import { dataIsStopped } from './detached'
import type { Failure } from './event'
import { names } from './ownership'
import { configOf, type JobState } from './state'
import type { Seeing, Turn } from './turn'

/** What a command would do: refused, nothing to do, or these steps. The same answer serves the dry run. */
export type Decision = { is: 'refused'; error: Failure } | { is: 'nothing'; why: string } | Steps

/** `danger`: it has to be confirmed for the very state that the warning was about. */
interface Steps {
  is: 'steps'
  texts: string[]
  danger?: Danger
  begin: () => void
}

export const refused = (error: Failure): Decision => ({ is: 'refused', error })

/** What every command on replication needs. */
export function whyNoData(turn: Turn, job: JobState, command: string): Failure | null {
  const at = names(turn, job)
  if (configOf(turn.state, job).data === null) return jobReport('E_JOB_NO_DATA', at)
  if (dataIsStopped(job)) return jobReport('E_DATA_STOPPED', { ...at, command })
  if (job.phase !== 'online') return jobReport('E_JOB_NOT_ONLINE', { ...at, state: job.phase, command })
  return job.dataLost === null ? null : jobReport('E_DATA_LOST', { ...at, command, why: job.dataLost })
}

/** A plan has room for one: an application that is being started again would stay stopped, and nobody would know. */
export function whyPlanned(turn: Turn, { name, plan }: JobState): Failure | null {
  return plan === null ? null : jobReport('E_JOB_BUSY', { job: name, node: turn.state.node, ticket: plan.ticket ?? 'no ticket', doing: plan.kind })
}

const hashText = (hash: string | undefined): string => (hash ?? 'unknown').slice(0, 8)

export function configDiffers(turn: Seeing, job: JobState): Failure {
  const { peer, configHash } = turn.state
  return jobReport('E_CONFIG_DIFFERS', { ...names(turn, job), own: hashText(configHash), theirs: hashText(peer?.view.configHash) })
}
