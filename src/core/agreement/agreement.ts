import type { ConfigAnswer, ConfigPrepare, ConfigVersion } from '../../wire'
import type { Failure, Outcome } from '../event'

/**
 * Which configuration the two nodes have agreed on. Whoever proposes a new one (the proposer) checks it, asks the other node to check it and to keep it as
 * prepared, and then decides by a single write: from then on the new version is agreed, whoever crashes. The other node, which has promised to follow, asks
 * what became of it until it knows. Nothing is ever agreed that has not been checked by both, and a version number is given out once.
 */
export interface Agreement {
  node: string
  peerNode: string
  incarnation: string
  /** On disk, as `isAgreed` and `prepared`. */
  agreed: ConfigVersion
  /** False: read from a file that the other node has not seen yet (first start, or edited by hand while the agent was down). */
  isAgreed: boolean
  /** Promised: the proposer may have decided for it. */
  prepared: ConfigVersion | null
  proposal: { number: number; request: number; next: ConfigVersion; phase: 'asking' | 'telling' } | null
  proposals: number
  /** The newest proposal of the peer's engine: one that was overtaken is not promised any more. */
  heard: { incarnation: string; number: number } | null
  /** What the peer last said it runs. */
  peer: { version: number; agreed: boolean; hash: string } | null
  /** The other node is being asked: what had been promised by then (`promise`), as an answer of before a promise says nothing about it. */
  asking: { promise: string | null } | null
  askAtMs: number
}

export type AgreementEvent = { atMs: number } & (
  | { kind: 'proposed'; request: number; next: NewConfig; whole: boolean }
  | { kind: 'prepareReceived'; request: number; message: ConfigPrepare; check: Failure | null }
  | { kind: 'prepareAnswered'; number: number; outcome: Outcome }
  /** Also what was learned in another way: a version that the other node has decided on. */
  | { kind: 'agreedReceived'; request: number; agreed: ConfigVersion }
  | { kind: 'agreedAnswered'; number: number; ok: boolean }
  | { kind: 'peerSeen'; version: number; agreed: boolean; hash: string }
  | { kind: 'askReceived'; request: number }
  | { kind: 'askAnswered'; answer: ConfigAnswer | null }
  /** A voter holds this version: somebody has decided for it. */
  | { kind: 'versionSeen'; version: number }
  | { kind: 'ticked' }
)

export type NewConfig = Pick<ConfigVersion, 'text' | 'hash' | 'by' | 'why' | 'wallMs'> & { newWitness: boolean; jobs: string[]; newJobs: string[] }

export type AgreementAction =
  | { do: 'persist' }
  /** From now on this one: the file is written, and the engine goes on with it. */
  | { do: 'use'; agreed: ConfigVersion }
  /** What was prepared comes to nothing. */
  | { do: 'release' }
  | { do: 'sendPrepare'; message: ConfigPrepare }
  | { do: 'sendAgreed'; number: number; agreed: ConfigVersion }
  | { do: 'ask' }
  | { do: 'reply'; request: number; outcome: AgreementOutcome }

export type AgreementOutcome = { ok: true; result: unknown } | { ok: false; refusal: Refusal }

export type Refusal =
  | { why: 'busy' }
  /** The two nodes do not run the same one, so a change of it would mean something else there. */
  | { why: 'differs' }
  | { why: 'silent'; error: Failure }
  | { why: 'refusedThere'; error: Failure }
  | { why: 'refusedHere'; error: Failure }

/** So long after a promise, and so long after each answer that decided nothing, the other node is asked what became of it. */
export const ASK_AFTER_MS = 2_000
export const ASK_AGAIN_MS = 1_000

/** What counts for voters and for the peer: what nobody has agreed on is older than everything. */
export const effectiveVersion = ({ agreed, isAgreed }: Pick<Agreement, 'agreed' | 'isAgreed'>): number => (isAgreed ? agreed.version : 0)

export type Kept = Pick<Agreement, 'agreed' | 'isAgreed' | 'prepared'>

export function startAgreement(who: { node: string; peerNode: string; incarnation: string }, kept: Kept): Agreement {
  return { ...who, ...kept, proposal: null, proposals: 0, heard: null, peer: null, asking: null, askAtMs: 0 }
}

interface Turn {
  state: Agreement
  actions: AgreementAction[]
}

export function stepAgreement(before: Agreement, event: AgreementEvent): { state: Agreement; actions: AgreementAction[] } {
  const turn: Turn = { state: { ...before }, actions: [] }
  happen(turn, event)
  const { agreed, isAgreed, prepared } = turn.state
  const persist = agreed !== before.agreed || isAgreed !== before.isAgreed || prepared !== before.prepared
  return { state: turn.state, actions: persist ? [{ do: 'persist' }, ...turn.actions] : turn.actions }
}

function happen(turn: Turn, event: AgreementEvent): void {
  const { state } = turn
  switch (event.kind) {
    case 'proposed':
      return propose(turn, event)
    case 'prepareReceived':
      return prepare(turn, event)
    case 'prepareAnswered':
      return prepareAnswered(turn, event)
    case 'agreedReceived':
      if (event.agreed.version > state.agreed.version) adopt(turn, event.agreed)
      return answer(turn, event.request, { version: state.agreed.version })
    case 'agreedAnswered':
      return agreedAnswered(turn, event)
    case 'peerSeen':
      state.peer = { version: event.version, agreed: event.agreed, hash: event.hash }
      return askWhenNeeded(turn, event.atMs)
    case 'askReceived':
      return answer(turn, event.request, whatIs(state))
    case 'askAnswered':
      return learn(turn, event.answer, event.atMs)
    case 'versionSeen':
      return event.version >= (state.prepared?.version ?? Number.POSITIVE_INFINITY) ? adopt(turn, state.prepared as ConfigVersion) : undefined
    case 'ticked':
      return askWhenNeeded(turn, event.atMs)
  }
}

const whatIs = ({ agreed, isAgreed, proposal }: Agreement): ConfigAnswer => ({
  agreed,
  isAgreed,
  pending: proposal?.phase === 'asking' ? proposal.next.id : null
})

const answer = (turn: Turn, request: number, result: unknown): void => void turn.actions.push({ do: 'reply', request, outcome: { ok: true, result } })

const refuse = (turn: Turn, request: number, refusal: Refusal): void => void turn.actions.push({ do: 'reply', request, outcome: { ok: false, refusal } })

function propose(turn: Turn, { request, next, whole }: Extract<AgreementEvent, { kind: 'proposed' }>): void {
  const { state } = turn
  if (state.proposal !== null || state.prepared !== null) return refuse(turn, request, { why: 'busy' })
  if (!whole && (!state.isAgreed || (state.peer !== null && state.peer.hash !== state.agreed.hash))) return refuse(turn, request, { why: 'differs' })
  state.proposals += 1
  const number = state.proposals
  const version = Math.max(state.agreed.version, state.peer?.version ?? 0) + 1
  const { newWitness, jobs, newJobs, ...content } = next
  const witnessSince = newWitness ? version : state.agreed.witnessSince
  const since = jobsSince(state.agreed, jobs, newJobs, version)
  const proposed: ConfigVersion = { ...content, version, witnessSince, ...since, node: state.node, id: `${state.incarnation}-${number}` }
  state.proposal = { number, request, next: proposed, phase: 'asking' }
  turn.actions.push({ do: 'sendPrepare', message: prepareMessage(state, number, proposed, whole) })
}

/** Of the jobs that there are; one that was taken out and made again is another one. */
export function jobsSince({ jobsSince: known = {} }: ConfigVersion, jobs: string[], newJobs: string[], version: number): Pick<ConfigVersion, 'jobsSince'> {
  const since = jobs.map((job) => [job, newJobs.includes(job) ? version : (known[job] ?? 0)] as const).filter(([, first]) => first > 0)
  return since.length === 0 ? {} : { jobsSince: Object.fromEntries(since) }
}

export const prepareMessage = (state: Agreement, number: number, next: ConfigVersion, whole: boolean): ConfigPrepare => ({
  incarnation: state.incarnation,
  number,
  base: whole ? null : state.agreed.hash,
  next
})

function prepare(turn: Turn, { atMs, request, message, check }: Extract<AgreementEvent, { kind: 'prepareReceived' }>): void {
  const { state } = turn
  const refusal = whyNotPrepare(state, message) ?? (check === null ? null : { why: 'refusedHere' as const, error: check })
  if (refusal !== null) {
    if (state.prepared === null && state.proposal === null) turn.actions.push({ do: 'release' })
    return refuse(turn, request, refusal)
  }
  state.heard = { incarnation: message.incarnation, number: message.number }
  state.askAtMs = atMs + ASK_AFTER_MS
  // The proposer has one proposal at a time, and is at an older version than this one: what it had proposed before has come to nothing.
  if (state.prepared?.id !== message.next.id) state.prepared = message.next
  answer(turn, request, { version: message.next.version })
}

function whyNotPrepare(state: Agreement, { incarnation, number, base, next }: ConfigPrepare): Refusal | null {
  if (state.proposal !== null) return { why: 'busy' }
  if (state.heard?.incarnation === incarnation && number < state.heard.number) return { why: 'busy' }
  if (next.version <= state.agreed.version) return { why: 'differs' }
  // A number is given out once: the one before was decided for, and is learned first, so that a job that it takes away is gone before another one comes.
  if (state.prepared !== null && next.version > state.prepared.version) return { why: 'busy' }
  return base !== null && (!state.isAgreed || base !== state.agreed.hash) ? { why: 'differs' } : null
}

/** The decision: on this node's disk, and in no other place, it becomes the agreed one. */
function prepareAnswered(turn: Turn, { number, outcome }: Extract<AgreementEvent, { kind: 'prepareAnswered' }>): void {
  const { state } = turn
  const { proposal } = state
  if (proposal === null || proposal.number !== number || proposal.phase !== 'asking') return
  if (!outcome.ok) {
    state.proposal = null
    turn.actions.push({ do: 'release' })
    const silent = outcome.error.code === 'E_PEER_UNREACHABLE'
    return refuse(turn, proposal.request, { why: silent ? 'silent' : 'refusedThere', error: outcome.error })
  }
  state.agreed = proposal.next
  state.isAgreed = true
  state.proposal = { ...proposal, phase: 'telling' }
  turn.actions.push({ do: 'use', agreed: state.agreed }, { do: 'sendAgreed', number, agreed: state.agreed })
}

/** Whether it has heard it or not: it is decided, and it asks. */
function agreedAnswered(turn: Turn, { number, ok }: Extract<AgreementEvent, { kind: 'agreedAnswered' }>): void {
  const { state } = turn
  if (state.proposal?.number !== number || state.proposal.phase !== 'telling') return
  answer(turn, state.proposal.request, { version: state.agreed.version, followed: ok })
  state.proposal = null
}

function adopt(turn: Turn, agreed: ConfigVersion): void {
  const { state } = turn
  abandon(turn)
  state.agreed = agreed
  state.isAgreed = true
  state.prepared = null
  turn.actions.push({ do: 'use', agreed })
}

/** What this node proposed on top of an older one cannot be decided any more. */
function abandon(turn: Turn): void {
  const { proposal } = turn.state
  if (proposal?.phase === 'asking') refuse(turn, proposal.request, { why: 'differs' })
  if (proposal?.phase === 'telling') answer(turn, proposal.request, { version: proposal.next.version, followed: true })
  turn.state.proposal = null
}

function askWhenNeeded(turn: Turn, atMs: number): void {
  const { state } = turn
  const { peer, prepared } = state
  if (state.asking !== null || peer === null) return
  const behind = peer.agreed && peer.version > state.agreed.version
  const meets = !state.isAgreed && peer.hash === state.agreed.hash
  if (!behind && !meets && prepared === null) return
  if (atMs < state.askAtMs) return
  state.asking = { promise: prepared?.id ?? null }
  state.askAtMs = atMs + ASK_AGAIN_MS
  turn.actions.push({ do: 'ask' })
}

function learn(turn: Turn, said: ConfigAnswer | null, atMs: number): void {
  const { state } = turn
  const { asking } = state
  state.asking = null
  state.askAtMs = Math.max(state.askAtMs, atMs + ASK_AGAIN_MS)
  if (said === null) return
  const { agreed, isAgreed, pending } = said
  state.peer = { version: agreed.version, agreed: isAgreed, hash: agreed.hash }
  if (!state.isAgreed && agreed.hash === state.agreed.hash) return meet(turn, said)
  // A file that was edited by hand here gives way only to what was agreed after it.
  if (isAgreed && agreed.version > state.agreed.version) return adopt(turn, agreed)
  const { prepared } = state
  if (prepared === null || prepared.id !== asking?.promise || prepared.id === pending) return
  // Its file may have been edited by hand since, but it had decided.
  if (agreed.version >= prepared.version) return adopt(turn, prepared)
  state.prepared = null
  turn.actions.push({ do: 'release' })
}

/**
 * Both nodes have been given the same file: it is agreed, under a number that neither has used. Since when its witness and its jobs count is what was agreed
 * on; where nothing was, the later one of what each had come to. Two nodes that said different things there would have no witness in common.
 */
function meet(turn: Turn, { agreed, isAgreed }: ConfigAnswer): void {
  const { agreed: own } = turn.state
  if (isAgreed && agreed.version >= own.version) return adopt(turn, { ...agreed, text: own.text })
  const witnessSince = Math.max(own.witnessSince, agreed.witnessSince)
  adopt(turn, { ...own, version: Math.max(own.version, agreed.version) + 1, witnessSince, ...laterJobs(own, agreed) })
}

function laterJobs({ jobsSince: own = {} }: ConfigVersion, { jobsSince: theirs = {} }: ConfigVersion): Pick<ConfigVersion, 'jobsSince'> {
  const jobs = [...new Set([...Object.keys(own), ...Object.keys(theirs)])]
  return jobs.length === 0 ? {} : { jobsSince: Object.fromEntries(jobs.map((job) => [job, Math.max(own[job] ?? 0, theirs[job] ?? 0)])) }
}
