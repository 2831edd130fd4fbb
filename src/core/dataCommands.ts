import { jobReport } from '../report/job'
import type { CommandOptions } from '../wire'
import { type Decision, refused, whyNoData, whyPlanned } from './decision'
import { names } from './ownership'
import { beginPlan, describe } from './plan'
import type { JobState, Task } from './state'
import type { Turn } from './turn'

/** Commands that the owner hands on to the data program of a job that is online. */
export function decideData(turn: Turn, job: JobState, command: 'mirror' | 'verify' | 'transmit' | 'bandwidth', options: CommandOptions): Decision {
  const order = orderOf(command, options)
  const blocked = whyNoData(turn, job, command)
  if (blocked !== null) return refused(blocked)
  const at = names(turn, job)
  const planned = whyPlanned(turn, job)
  if (planned !== null) return refused(planned)
  const starts = (order.do === 'mirror' || order.do === 'verify') && order.action === 'start'
  if (starts && job.record.needToVerify === 'Manually') return refused(jobReport('E_SELECT_FIRST', { ...at, command }))
  if (starts && !job.data?.connected) return refused(jobReport('E_DATA_NOT_CONNECTED', at))
  return { is: 'steps', texts: [describe(order)], begin: () => beginPlan(turn, job, 'data', 'command', [[order]]) }
}

function orderOf(command: 'mirror' | 'verify' | 'transmit' | 'bandwidth', { action, mode, bytesPerSecond }: CommandOptions): Task {
  switch (command) {
    case 'mirror':
      return { do: 'mirror', action: action === 'stop' || action === 'pause' || action === 'resume' ? action : 'start' }
    case 'verify':
      return { do: 'verify', action: action === 'stop' ? 'stop' : 'start', mode: mode ?? 'full' }
    case 'transmit':
      return { do: 'transmit', action: action === 'pause' ? 'pause' : 'resume' }
    case 'bandwidth':
      return { do: 'bandwidth', bytesPerSecond: bytesPerSecond ?? null }
  }
}
