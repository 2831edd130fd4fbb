import { secondsText } from '../words'

/*
 * The mirroring session of a job as the mirroring paper has it (tables 5, 6, 8 and 9). mirrord steps it on the source with what it sees; the target
 * repeats what the source says.
 *
 * The gate: closed, whoever wants a change to be hard waits for the target. With safety FULL it stands open only with a grant: the engine has
 * recorded that the target is out of date, or the target itself has. It closes as soon as the target has nearly all.
 */
export type SessionStateName = 'SYNCHRONIZING' | 'SYNCHRONIZED' | 'SUSPENDED' | 'DISCONNECTED'
export type Exposure = 'protected' | 'wanted' | 'granted'

export interface SessionFacts {
  /** Monotonic, and wall clock. */
  atMs: number
  wallMs: number
  full: boolean
  connected: boolean
  /** Why there is no connection. */
  problem: string | null
  /** An administrator holds sending back. */
  paused: boolean
  /** The redo error at which the target stands still. */
  redoError: string | null
  /** The target's copy is complete, as it said last. */
  complete: boolean
  /** Frames are kept: the queue has sufficed. */
  kept: boolean
  unheardMs: number
  /** So long has the oldest request waited for the target. */
  longestWaitMs: number
  partnerTimeoutMs: number
  lsn: number
  /** Handed to the connection. */
  sentLsn: number
  hardLsn: number
  gateClosed: boolean
  /** The LSN at which the gate was opened, or closed, last. */
  gateLsn: number
  /** Not hard on the target yet. */
  queuedBytes: number
  /** It is on disk that this source went on without its target. */
  exposedOnDisk: boolean
}

export interface Session {
  /** The target has not been receiving since; null: it receives. */
  outSinceMs: number | null
  outSinceWallMs: number | null
  /** When it received again, this had been written. */
  backAtLsn: number
}

export type SessionOrder = 'closeGate' | 'persistExposed' | 'clearExposed'

export interface SessionStep {
  session: Session
  orders: SessionOrder[]
}

/** Closed while so much is on the way at most: a request then waits for a moment, not for minutes. */
export const CATCH_UP_BYTES = 16 * 1024 * 1024
/** With more than this on the way a request is not asked to wait for all of it. */
export const FAR_BEHIND_BYTES = 4 * CATCH_UP_BYTES
/** A target that was heard within this time answers. */
export const ANSWERS_MS = 2_000
/** A shorter break leaves no trace. */
export const EXPOSED_AFTER_MS = 1_000

export const newSession = (): Session => ({ outSinceMs: null, outSinceWallMs: null, backAtLsn: 0 })

const silent = ({ unheardMs, partnerTimeoutMs }: SessionFacts): boolean => unheardMs >= partnerTimeoutMs

/** The target takes what is sent. */
export const receives = (facts: SessionFacts): boolean => facts.connected && !facts.paused && facts.redoError === null && facts.kept && !silent(facts)

export function sourceState(facts: SessionFacts): { state: SessionStateName; why: string | null } {
  if (!facts.connected) return { state: 'DISCONNECTED', why: facts.problem ?? 'the target is not connected' }
  if (silent(facts)) return { state: 'DISCONNECTED', why: `the target has said nothing for ${secondsText(facts.unheardMs)}` }
  if (facts.paused) return { state: 'SUSPENDED', why: 'sending was paused (transmit pause)' }
  if (facts.redoError !== null) return { state: 'SUSPENDED', why: facts.redoError }
  return { state: isSynchronized(facts) ? 'SYNCHRONIZED' : 'SYNCHRONIZING', why: null }
}

/** The target has all that was ever acknowledged, and nothing is acknowledged that it has not. Never with safety OFF. */
function isSynchronized(facts: SessionFacts): boolean {
  return facts.full && facts.gateClosed && facts.complete && facts.kept && facts.hardLsn >= facts.gateLsn
}

/** What the target shows: the source's word, its own redo error, and whether it hears the source at all. */
export function targetState(said: SessionStateName | null, connected: boolean, redoError: string | null): SessionStateName {
  if (!connected) return 'DISCONNECTED'
  if (redoError !== null) return 'SUSPENDED'
  return said ?? 'SYNCHRONIZING'
}

export function exposureOf(facts: SessionFacts): Exposure {
  if (!facts.full || !facts.gateClosed) return 'granted'
  return isOutOfReach(facts) ? 'wanted' : 'protected'
}

/** Waiting for the target helps nobody: what it lacks, or that it does not answer, is known already. */
function isOutOfReach(facts: SessionFacts): boolean {
  if (!facts.complete || !facts.kept || facts.paused || facts.redoError !== null) return true
  return silent(facts) || facts.longestWaitMs >= facts.partnerTimeoutMs || isFarBehind(facts)
}

/** The gate was closed (safety FULL was switched on) when minutes of changes were on the way. */
const isFarBehind = ({ hardLsn, gateLsn, queuedBytes }: SessionFacts): boolean => hardLsn < gateLsn && queuedBytes > FAR_BEHIND_BYTES

/**
 * Tables 8 and 9: the source writes down the LSN of a block when it hands the block to the mirror, the mirror when the block is hard. Without a mirror it
 * is the point that both have for certain.
 */
export function failoverLsn({ connected, sentLsn, hardLsn }: Pick<SessionFacts, 'connected' | 'sentLsn' | 'hardLsn'>): number {
  return connected ? Math.max(sentLsn, hardLsn) : hardLsn
}

export function stepSession(session: Session, facts: SessionFacts): SessionStep {
  const orders: SessionOrder[] = []
  const next = receives(facts) ? back(session, facts) : out(session, facts)
  if (mayClose(facts)) orders.push('closeGate')
  const outMs = next.outSinceMs === null ? 0 : facts.atMs - next.outSinceMs
  if (!facts.exposedOnDisk && outMs > EXPOSED_AFTER_MS && facts.lsn > facts.hardLsn && (!facts.full || !facts.gateClosed)) orders.push('persistExposed')
  if (facts.exposedOnDisk && isEqualAgain(next, facts)) orders.push('clearExposed')
  return { session: next, orders }
}

const back = (session: Session, { lsn }: SessionFacts): Session =>
  session.outSinceMs === null ? session : { outSinceMs: null, outSinceWallMs: null, backAtLsn: lsn }

const out = (session: Session, { atMs, wallMs }: SessionFacts): Session =>
  session.outSinceMs !== null ? session : { ...session, outSinceMs: atMs, outSinceWallMs: wallMs }

/** Safety FULL with an open gate, and the target nearly has all: it has moved on since the gate was opened, and it answers. */
function mayClose(facts: SessionFacts): boolean {
  if (!facts.full || facts.gateClosed || !receives(facts) || !facts.complete) return false
  return facts.unheardMs < ANSWERS_MS && facts.hardLsn >= facts.gateLsn && facts.queuedBytes <= CATCH_UP_BYTES
}

function isEqualAgain(session: Session, facts: SessionFacts): boolean {
  if (!receives(facts) || !facts.complete) return false
  return facts.full ? isSynchronized(facts) : facts.hardLsn >= session.backAtLsn
}

/** Serving while the mirror does not receive, since; null: it receives, or applications wait for it. */
export function exposedSinceMs(session: Session, facts: SessionFacts): number | null {
  return facts.full && facts.gateClosed ? null : session.outSinceWallMs
}
