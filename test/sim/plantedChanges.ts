import type { Event, State } from '../../src/core'
import { askWitness } from '../../src/core/quorum/witness'
import type { VoteMessage, VoteReply } from '../../src/wire'
import { JOB } from '../fakes/pairConfig'
import { FAULTS_MS } from './life'
import { LATE_CHANGES } from './lateChanges'
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
  const often = ['change the mode at', 'change the mode at', 'isolate the owner for a while, not', 'heal', 'start all at']
  return {
    faults: often.flatMap((each) => MODE_FAULTS.filter(([name]) => name === each)),
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

const withVersion = (message: VoteMessage, configVersion: number): VoteMessage => ({
  ...message,
  ballot: { ...message.ballot, configVersion },
  ask: message.ask.do === 'propose' ? { ...message.ask, ballot: { ...message.ask.ballot, configVersion } } : message.ask
})

/** Who asks by another version is voted for all the same, and not told that there is a newer one. */
function acceptsOldVersions(): Planted {
  const asked = (state: State, event: Event): State => {
    const version = state.config.quorum?.configVersion
    if (event.kind !== 'voteAsked' || version === undefined) return state
    const { configVersion } = event.message.ballot
    if (configVersion < version) old.set(event.request, configVersion)
    Object.assign(event, { message: withVersion(event.message, version) })
    return state
  }
  const old = new Map<number, number>()
  const answered: Parameters<typeof stepping>[1] = (result) =>
    withActions(result, (action) => {
      const configVersion = action.do === 'reply' ? old.get(action.request) : undefined
      if (action.do !== 'reply' || configVersion === undefined || !action.outcome.ok) return action
      const said = action.outcome.result as VoteReply
      return { ...action, outcome: { ok: true, result: { ...said, ballot: said.ballot && { ...said.ballot, configVersion } } } }
    })
  return {
    ...CHANGES_OFTEN,
    options: stepping(asked, answered),
    prepare: (world) => {
      if (world.witness)
        world.witness.asks = (witness, message, atMs) =>
          askWitness(witness, withVersion(message, Math.max(message.ballot.configVersion, witness.voters[message.job]?.ballot?.configVersion ?? 0)), atMs)
    }
  }
}

/** How long it lasts is asked of the configuration that there is now. */
function leaseOfToday(): Planted {
  return {
    ...CHANGES_OFTEN,
    options: {
      ...swiftly,
      ...stepping((state) =>
        withJob(state, ({ quorum }) => {
          const leaseMs = state.config.quorum?.leaseMs
          if (!quorum || leaseMs === undefined || quorum.lease.leaseMs === leaseMs || quorum.lease.leaseMs === 0) return {}
          const { lease } = quorum
          return { quorum: { ...quorum, lease: { ...lease, untilMs: lease.untilMs - lease.leaseMs + leaseMs, leaseMs } } }
        })
      )
    }
  }
}

/** Nothing is lost but what is cut off: the other node takes over as soon as it may. */
const swiftly: Planted['options'] = { delayMs: (what) => (what === 'order' ? 20 : 40), loses: () => false }

const CHANGES_OFTEN: Planted = { mode: 'high-availability', faults: LATE_CHANGES }

/** In lives in which the rules change. */
export const PLANTED_CHANGES: [what: string, breaks: RegExp, plant: () => Planted][] = [
  ['a mode acted on before it is confirmed', /^I1/, neverUnsure],
  ['an owner without a lease that does not say so', /^I1/, keepsQuiet],
  ['a grant that is forgotten when the rules change', /^I1/, forgetsGrants],
  ['a vote for who goes by an old version', /^I1/, acceptsOldVersions],
  ['a lease that is as long as the configuration of today says', /^I1/, leaseOfToday]
]
