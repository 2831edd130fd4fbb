import type { Event, State } from '../../src/core'
import { JOB } from '../fakes/pairConfig'
import { FAULTS_MS } from './life'
import { MODE_FAULTS } from './modeFaults'
import { same, stepping, withActions, withJob } from './plantedSteps'
import type { Planted } from './simulateQuorum'

/** It is enough for a node to have heard of a change, or to have promised one: it takes over by what it goes by. */
function neverUnsure(): Planted {
  const sure = (state: State): State => ({
    ...state,
    hold: state.hold && { ...state.hold, modes: [] },
    unconfirmed: state.unconfirmed && { ...state.unconfirmed, modes: [] }
  })
  return { options: stepping(sure) }
}

/** An owner that is served without a lease yet does not say so. */
function keepsQuiet(): Planted {
  const quiet = stepping(same, (result) =>
    withActions(result, (action) => {
      const job = action.do === 'sendState' ? action.view.jobs[JOB] : undefined
      if (action.do !== 'sendState' || !job?.record.unleased) return action
      return { ...action, view: { ...action.view, jobs: { ...action.view.jobs, [JOB]: { ...job, record: { ...job.record, unleased: false } } } } }
    })
  )
  const often = ['change the mode at', 'isolate the owner for a while, not', 'heal', 'start all at']
  return {
    faults: MODE_FAULTS.filter(([name]) => often.includes(name)),
    mode: 'guide',
    options: quiet,
    // It hears of everything, and gets no vote from the other node.
    prepare: (world) => {
      world.losesMessage = (kind) => kind === 'vote' && world.nowMs < FAULTS_MS
    }
  }
}

/** What a node has granted by the rules of before is forgotten when they change. */
function forgetsGrants(): Planted {
  const isChange = ({ kind }: Event): boolean => kind === 'configChanged' || kind === 'peerStateReceived'
  const forgotten = (state: State): State => withJob(state, ({ quorum }) => ({ quorum: quorum && { ...quorum, grant: null } }))
  return {
    options: stepping(
      (state, event) => (isChange(event) ? forgotten(state) : state),
      (result, event) => (isChange(event) ? { ...result, state: forgotten(result.state) } : result)
    )
  }
}

/** In lives in which the rules change. */
export const PLANTED_CHANGES: [what: string, breaks: RegExp, plant: () => Planted][] = [
  ['a mode acted on before it is confirmed', /^I1/, neverUnsure],
  ['an owner without a lease that does not say so', /^I1/, keepsQuiet],
  ['a grant that is forgotten when the rules change', /^I1/, forgetsGrants]
]
