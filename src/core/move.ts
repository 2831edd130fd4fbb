import { type Decision, refused } from './decision'
import { handOver, switchStages } from './handover'
import { startStages } from './order'
import { describe } from './plan'
import { configOf, type JobState, type Task } from './state'
import { offlineMoveConditions, switchConditions, whyRefused } from './switchable'
import type { Turn } from './turn'

const textsOf = (stages: Task[][]): string[] => stages.flat().map(describe)

/** Manual failover: stop here, start there. */
export function decideSwitch(turn: Turn, job: JobState): Decision {
  const why = whyRefused(switchConditions(turn, job))
  if (why) return refused(why)
  const { state } = turn
  const config = configOf(state, job)
  const there = [takeText(job), ...textsOf(startStages(config, true))].map((text) => `${text} on ${state.peerNode}`)
  const after = config.data ? ['Receive data as target'] : []
  return {
    is: 'steps',
    texts: [...textsOf(switchStages(state, job)), handText(turn, job), ...there, ...after],
    begin: () => handOver(turn, job, 'command', null)
  }
}

/** Moves ownership; what is offline stays offline. */
export function decideTakeover(turn: Turn, job: JobState): Decision {
  if (job.record.desired === 'online') return decideSwitch(turn, job)
  const why = whyRefused(offlineMoveConditions(turn, job))
  if (why) return refused(why)
  const { node, peerNode } = turn.state
  const byHand = `Note: what was changed by hand on ${node} since ${job.name} was brought out is not on ${peerNode}, and is overwritten when it starts there`
  const notes = configOf(turn.state, job).data ? [byHand] : []
  return {
    is: 'steps',
    texts: [...notes, handText(turn, job), `${takeText(job)} on ${peerNode}, offline`],
    begin: () => handOver(turn, job, 'command', null)
  }
}

const takeText = ({ record }: JobState): string => `Take ownership (role sequence ${record.roleSequence + 1})`
const handText = ({ state }: Turn, { record }: JobState): string => `Hand over to ${state.peerNode} (role sequence ${record.roleSequence + 1})`
