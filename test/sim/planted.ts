import type { Event, State } from '../../src/core'
import { askWitness, startWitness, type Witness } from '../../src/core/quorum/witness'
import type { QuorumState } from '../../src/core/state'
import { askShared } from '../../src/core/quorum/shared'
import type { JobRecord } from '../../src/model'
import { B, JOB } from '../fakes/pairConfig'
import { FakeStore } from '../fakes/store'
import type { WorldOptions } from '../fakes/fakeNode'
import type { World } from '../fakes/world'
import { randomFrom } from './random'
import { DETACH_FAULTS } from './detachFaults'
import { type Stepped, same, slowAnswers, stepping, withActions, withJob, withRecord } from './plantedSteps'
import { faultsNamed } from './quorumFaults'
import type { Planted } from './simulateQuorum'

/** An engine that starts counts from the beginning. */
const restartsForgotten: Planted = {
  faults: faultsNamed('POSTGRES dies on', 'kill the engine of', 'start the engine of'),
  options: stepping((state, event) => {
    for (const record of event.kind === 'booted' ? Object.values(event.records ?? {}) : []) delete record.restarts
    return state
  })
}

/** The answer comes late, and the lease is counted from then. */
function leaseFromReply(): Planted {
  const fromReply = (state: State, event: Event): State => {
    if (event.kind !== 'voteAnswered') return state
    return withJob(state, ({ quorum }) => {
      if (!quorum) return {}
      const asked = quorum.asked[event.voter]
      const sent = asked.sent.map((each) => ({ ...each, atMs: event.atMs }))
      return { quorum: { ...quorum, asked: { ...quorum.asked, [event.voter]: { ...asked, sent } } } }
    })
  }
  return { faults: faultsNamed('isolate the owner for a while, not'), options: { ...slowAnswers(), ...stepping(fromReply) } }
}

/** What stops acknowledging and what kills are told to wait, and the engine is not there to stop in order. */
const toldTooLate: Planted = {
  faults: faultsNamed('kill the engine of', 'isolate', 'heal', 'start all at'),
  options: stepping(same, (result) =>
    withActions(result, (action) => (action.do === 'lease' ? { ...action, untilMs: action.untilMs + 20_000, killAtMs: action.killAtMs + 20_000 } : action))
  )
}

const SLOW_STOP_MS = 2_500

/** The voters hear that it has stopped while it is still stopping, which takes its time. */
function releasedTooSoon(): Planted {
  const random = randomFrom(1)
  const tells = (result: Stepped): Stepped => {
    const { leaving, node, jobs } = result.state
    if (!leaving || jobs[JOB]?.record.owner !== node) return result
    return withActions(result, (action) =>
      action.do === 'sendVote' && action.message.ask.do === 'renew' ? { ...action, message: { ...action.message, ask: { do: 'release' } } } : action
    )
  }
  return {
    faults: faultsNamed('shut down in order', 'heal', 'start all at'),
    options: { ...stepping(same, tells), delayMs: (what) => (what === 'order' ? 20 + random() * SLOW_STOP_MS : 5) }
  }
}

/** It forgets that it may have let somebody serve just before it died. */
const grantsAtOnce: Planted = {
  faults: faultsNamed('cut from the peer, then from the witness, which restarts,', 'heal'),
  prepare: (world) => {
    // The nodes cannot second each other, so it is all up to the witness.
    world.losesMessage = (kind) => kind === 'vote'
    if (!world.witness) return
    world.witness.begins = (...given) => {
      const witness = startWitness(...given)
      return { ...witness, voters: Object.fromEntries(Object.entries(witness.voters).map(([job, voter]) => [job, { ...voter, grant: null }])) }
    }
  }
}

/** It says that it has recorded a vote, and only the first one is on its disk. */
const votesNotPersisted: Planted = {
  prepare: (world) => {
    if (world.witness) world.witness.forgets = true
  }
}

/** What a node is made to believe of its record while it decides, and not a moment longer. */
function believing(wrong: (record: JobRecord, node: string) => JobRecord, put: (record: JobRecord, truth: JobRecord) => JobRecord): Partial<WorldOptions> {
  const beliefs = new WeakMap<JobRecord, JobRecord>()
  let truth: JobRecord | null = null
  return stepping(
    (state) =>
      withJob(state, ({ record }) => {
        truth = record
        const belief = beliefs.get(record) ?? wrong(record, state.node)
        beliefs.set(record, belief)
        return { record: belief }
      }),
    (result) => {
      const before = truth
      if (before === null || beliefs.get(before) === before) return result
      return withRecord(result, (record) => (record === beliefs.get(before) ? before : put(record, before)))
    }
  )
}

/** Nobody asks whether the copy of the candidate has all. */
const promotedOutOfSync: Planted = {
  options: believing(
    (record, node) => (record.owner === node || record.mirrorInSync ? record : { ...record, mirrorInSync: true }),
    (record, truth) => (record.roleSequence === truth.roleSequence ? { ...record, mirrorInSync: truth.mirrorInSync } : record)
  ),
  prepare: (world) =>
    witnessAsks(world, (witness, message, atMs) => {
      const { ask, ballot } = message
      const claims = ask.do === 'propose' && ask.ballot.roleSequence > ballot.roleSequence
      return claims ? askWitness(allInSync(witness), { ...message, ballot: { ...ballot, mirrorInSync: true } }, atMs) : askWitness(witness, message, atMs)
    })
}

function witnessAsks(world: World, asks: typeof askWitness): void {
  if (world.witness) world.witness.asks = asks
}

const allInSync = (witness: Witness): Witness => ({
  ...witness,
  voters: Object.fromEntries(
    Object.entries(witness.voters).map(([job, voter]) => [job, { ...voter, ballot: voter.ballot && { ...voter.ballot, mirrorInSync: true } }])
  )
})

/** Applications wait: they are let go on before anybody else has recorded it. */
const exposedAlone: Planted = {
  options: stepping(same, (result) => {
    const job = result.state.jobs[JOB]
    const wants = job?.data?.role === 'source' && job.data.session.exposure === 'wanted' && job.record.owner === result.state.node
    return wants ? { ...result, actions: [...result.actions, { do: 'expose', job: JOB, roleSequence: job.record.roleSequence }] } : result
  })
}

/** Who has lost its quorum once never asks again. */
const neverAsksAgain: Planted = {
  options: stepping(same, (result) => {
    const lease = result.state.jobs[JOB]?.quorum?.lease
    const over = lease !== undefined && Number.isFinite(lease.untilMs) && lease.untilMs < result.state.atMs
    return over ? withActions(result, (action) => (action.do === 'sendVote' ? null : action)) : result
  })
}

/** Each answer brings the next question with it. */
const asksAtOnce: Planted = {
  options: stepping((state, event) =>
    event.kind === 'voteAnswered' ? withJob(state, ({ quorum }) => (quorum ? { quorum: { ...quorum, asked: soonAsked(quorum.asked) } } : {})) : state
  )
}

const soonAsked = ({ peer, witness }: QuorumState['asked']): QuorumState['asked'] => ({ peer: { ...peer, nextAtMs: 0 }, witness: { ...witness, nextAtMs: 0 } })

/** A node that could not start the job keeps an error flag, and is chosen all the same. */
const flagOverlooked: Planted = {
  faults: faultsNamed('switch at', 'kill', 'heal', 'start all at'),
  prepare: (world) => {
    world.fails = (node, order) => (node === B && order.do === 'start' ? 'it would not' : null)
  },
  options: believing(
    (record) => (record.errorFlag === null ? record : { ...record, errorFlag: null }),
    (record, truth) => ({ ...record, errorFlag: record.errorFlag ?? truth.errorFlag })
  )
}

/** A candidate claims the role sequence that the owner has, and the witness thinks nothing of it. */
const sameRoleSequence: Planted = {
  options: stepping(same, (result) =>
    withRecord(result, (record) => {
      const newer = record.claim && record.owner !== result.state.node && record.claim.roleSequence > record.roleSequence
      return newer ? { ...record, claim: { roleSequence: record.roleSequence } } : record
    })
  ),
  prepare: (world) =>
    witnessAsks(world, (witness, message, atMs) => {
      const voter = witness.voters[message.job]
      if (!voter?.ballot || message.ask.do !== 'propose' || message.ask.ballot.owner === voter.ballot.owner) return askWitness(witness, message, atMs)
      const overlooked = { ...voter, ballot: { ...voter.ballot, roleSequence: message.ask.ballot.roleSequence - 1 } }
      return askWitness({ ...witness, voters: { ...witness.voters, [message.job]: overlooked } }, message, atMs)
    })
}

/** A grant in etcd is over as soon as somebody else looks; etcd alone may second, as the nodes do not hear each other's questions. */
const neverWaits: Planted = {
  etcd: true,
  prepare: (world) => {
    world.losesMessage = (kind) => kind === 'vote'
    if (!(world.witness instanceof FakeStore)) return
    world.witness.asksShared = (stored, seat, message, now) => {
      const seen = stored?.grant ? { word: stored.grant.word, atMs: Number.NEGATIVE_INFINITY } : null
      return askShared(stored, { ...seat, seen }, message, now)
    }
  }
}

/** It is told as done before the other node has it on its disk, which does not hear of it. */
const detachedTooSoon = (): Planted => ({
  faults: [...DETACH_FAULTS, ...faultsNamed('kill', 'boot', 'boot', 'heal', 'start all at')],
  options: stepping(
    (state, event) => (event.kind === 'peerStateReceived' ? forgetsDetached(state, event) : state),
    (result) => ({ ...result, state: withJob(result.state, () => ({ detaching: null })) })
  )
})

function forgetsDetached(state: State, event: Extract<Event, { kind: 'peerStateReceived' }>): State {
  const job = event.view.jobs[JOB]
  if (job?.record.detached)
    Object.assign(event, {
      view: { ...event.view, jobs: { ...event.view.jobs, [JOB]: { ...job, record: { ...job.record, detached: null, detachSequence: 0 } } } }
    })
  return state
}

/** What is planted, what it breaks, and how it is planted (anew in each life). */
export const PLANTED: [what: string, breaks: RegExp, plant: () => Planted][] = [
  ['a job told to be detached before the mirror knows', /had told to be detached/, detachedTooSoon],
  ['restarts that the next engine does not know of', /restarted it 4 times/, () => restartsForgotten],
  ['a lease counted from the reply', /^I1/, leaseFromReply],
  ['a guard that is told too late', /^I1/, () => toldTooLate],
  ['a lease given up before the service has stopped', /^I1/, releasedTooSoon],
  ['a witness that grants at once after a restart', /^I1/, () => grantsAtOnce],
  ['a vote that is not persisted', /^I[125]/, () => votesNotPersisted],
  ['a promotion out of sync', /^I4|acknowledged with safety FULL/, () => promotedOutOfSync],
  ['writes acknowledged without quorum', /^I2/, () => exposedAlone],
  ['an owner that never asks again', /^I3/, () => neverAsksAgain],
  ['a question that comes with each answer', /^flooded/, () => asksAtOnce],
  ['an error flag that nobody looks at', /^I4/, () => flagOverlooked],
  ['two owners voted for in one role sequence', /^I5/, () => sameRoleSequence],
  ['a grant in etcd that nobody waits for', /^I1/, () => neverWaits]
]
