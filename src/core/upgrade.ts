import { jobReport } from '../report/job'
import type { Upgraded } from '../wire'
import { type Decision, refused } from './decision'
import type { Failure } from './event'
import { names } from './ownership'
import { beginPlan } from './plan'
import { configOf, peerJob, type JobState } from './state'
import { runningTicket, stepLine } from './tickets'
import { log, type Turn } from './turn'

export function decideUpgrade(turn: Turn, job: JobState): Decision {
  const blocked = whyNotUpgrade(turn, job)
  if (blocked !== null) return refused(blocked)
  return { is: 'steps', texts: texts(turn, job), begin: () => beginPlan(turn, job, 'upgrade', 'command', [[{ do: 'upgrade' }]]) }
}

function texts(turn: Turn, job: JobState): string[] {
  const { peerNode } = turn.state
  if (job.dataRole === 'none') return ['End the data program, which serves nothing now, and start the installed one']
  const full = job.record.safety === 'full' ? `; on ${peerNode} what is made durable waits for it` : ''
  const waits = job.dataRole === 'source' ? `applications in the folders of ${job.name} wait for a moment` : `nothing is received for a moment${full}`
  return ['Start the installed data program once, to see that it can take over', `Hand over to it: ${waits}`]
}

function whyNotUpgrade(turn: Turn, job: JobState): Failure | null {
  const { state } = turn
  const at = names(turn, job)
  if (configOf(state, job).data === null) return jobReport('E_JOB_NO_DATA', at)
  const doing = whatIsDone(turn, job)
  if (doing !== null) return jobReport('E_JOB_BUSY', { ...at, ticket: runningTicket(state, job)?.id ?? 'no ticket', doing })
  const { data } = job
  if (data?.mirror.state === 'Mirror' || data?.mirror.state === 'Pause') return jobReport('E_MIRROR_RUNNING', { ...at, percent: data.mirror.percent })
  const compares = data?.verify.state === 'Verifying' || (data?.role === 'target' && data.targetSide === 'Verifying')
  return compares ? jobReport('E_VERIFY_RUNNING', at) : null
}

/** A data program between two roles has nothing that another one could go on with. */
function whatIsDone(turn: Turn, job: JobState): string | null {
  const { plan, record } = job
  if (!job.observed) return 'looking for what runs'
  if (record.handover !== null || peerJob(turn.state, job)?.phase === 'switching') return 'handing over'
  if (plan !== null) return plan.kind
  const ticket = runningTicket(turn.state, job)
  if (ticket !== null && ticket.purpose !== 'automatic') return ticket.purpose
  return job.dataRole === 'unknown' || job.dataLost !== null ? 'waiting for its data program' : null
}

/** Who typed it reads for how long it was felt. */
export function upgraded(turn: Turn, job: JobState, ticket: string | null, { version, pausedMs, silentMs }: Upgraded): void {
  const { peerNode } = turn.state
  const waited = pausedMs === null ? '' : `; applications waited ${pausedMs} ms`
  const silent = silentMs === null ? '' : `; connected to ${peerNode} again after ${silentMs} ms`
  const text = `Data program ${version ?? 'of an unknown version'} goes on${waited}${silent}`
  stepLine(turn, ticket, text, 'done')
  log(turn, 'info', `${job.name}: ${text}`, job)
}
