import { dataError } from '../../src/wire/frame'
import { unpackProgress } from '../../src/wire/frameFields'
import type { MirrordConfig, MirrordStatus, SessionView, VerifyView } from '../../src/wire/mirrord'
import type { CopyState } from './copyState'
import type { SourceSide } from './sourceSide'
import type { ReceiverView } from './stream/receiverView'
import type { TargetSide } from './targetSide'
import { WALK_STATES } from './walk/walkControl'

/** Bytes over time, from samples: smooth enough for a person to read. */
export class Speed {
  private samples: { atMs: number; bytes: number }[] = []
  constructor(private readonly windowMs: number) {}

  add(bytes: number, atMs: number): number {
    const last = this.samples.at(-1)
    if (last !== undefined && bytes < last.bytes) this.samples = []
    this.samples.push({ atMs, bytes })
    while (this.samples.length > 2 && this.samples[0]!.atMs < atMs - this.windowMs) this.samples.shift()
    const first = this.samples[0]!
    const elapsedMs = atMs - first.atMs
    return elapsedMs <= 0 ? 0 : Math.round(((bytes - first.bytes) * 1_000) / elapsedMs)
  }
}

const NO_COMPARISON: VerifyView = { state: 'Idle', mode: 'full', percent: 0, leftBytes: 0, leftMs: null, differences: null }

export function idleStatus(config: MirrordConfig | null, state: Readonly<CopyState>): MirrordStatus {
  return {
    role: 'none',
    roleSequence: state.roleSequence,
    connected: false,
    link: null,
    links: (config?.links ?? []).map(({ name }) => ({ name, state: 'Error' })),
    mirror: { state: 'Stop', percent: 0, leftBytes: 0, leftMs: null },
    verify: NO_COMPARISON,
    replication: 'Stop',
    session: { safety: state.safety, safetySequence: state.safetySequence, state: null, why: null, failoverLsn: 0, exposure: 'granted', exposedSinceMs: null },
    speedBytesPerSecond: 0,
    sentBytes: 0,
    queuedBytes: 0,
    pagefileBytes: null,
    dirtyBytes: null,
    redoQueueBytes: 0,
    bandwidthBytesPerSecond: config?.bandwidthBytesPerSecond ?? null,
    needToVerify: state.diverged ? 'Manually' : 'No',
    targetSide: 'Absent',
    lsn: 0,
    appliedLsn: state.appliedLsn,
    copyComplete: state.copyComplete,
    fault: null
  }
}

export function sourceStatus(base: MirrordStatus, side: SourceSide, speed: number): MirrordStatus {
  const { view, log } = side
  const connected = view?.connected ?? false
  const queuedBytes = log.ring.usedBytes()
  const paused = view?.paused === true
  const overflowed = log.streamState() === 'overflowed'
  const mirror = mirrorProgress(side, speed)
  return {
    ...base,
    role: 'source',
    roleSequence: side.roleSequence,
    connected,
    link: view?.link ?? null,
    links: view?.links ?? base.links,
    mirror,
    verify: verifyView(side),
    replication: !connected ? 'Stop' : paused ? 'Pause' : queuedBytes > 0 ? 'Replicating' : 'Idle',
    session: side.sessionView(),
    speedBytesPerSecond: speed,
    sentBytes: view?.sentBytes ?? 0,
    queuedBytes,
    pagefileBytes: view?.pagefileBytes ?? 0,
    dirtyBytes: side.walks.dirty?.bytes() ?? null,
    redoQueueBytes: view?.targetRedoBytes ?? 0,
    bandwidthBytesPerSecond: view === null ? base.bandwidthBytesPerSecond : view.bandwidthBytesPerSecond,
    needToVerify: view?.needToVerify === 'No' && (overflowed || isHalf(side)) ? 'Yes' : (view?.needToVerify ?? 'No'),
    targetSide: !connected ? 'Absent' : targetSide(side, mirror.state),
    lsn: log.lsn(),
    appliedLsn: view?.targetAppliedLsn ?? 0,
    copyComplete: true,
    fault: side.walks.failure === null ? refused(side) : { code: 'E_WALK', message: dataError('E_WALK', { why: side.walks.failure }).message }
  }
}

function targetSide({ view, walk }: SourceSide, mirror: MirrordStatus['mirror']['state']): MirrordStatus['targetSide'] {
  if (walk.isComparing()) return 'Verifying'
  if (!view?.targetMirrors) return 'Idle'
  return mirror === 'Stop' ? 'Stop' : walk.kind() === 'mirror' ? 'Full Mirror' : 'Verifying'
}

function verifyView({ walk }: SourceSide): VerifyView {
  if (walk.kind() === 'mirror') return NO_COMPARISON
  return {
    state: walk.isRunning() ? 'Verifying' : walk.state() === 'idle' ? 'Idle' : 'Stop',
    mode: walk.kind() === 'verify' ? 'full' : 'difference',
    percent: walk.percent(),
    leftBytes: walk.leftBytes(),
    leftMs: walk.leftMs(Date.now()),
    differences: walk.differences()
  }
}

/** A mirror has ended before its end. */
const isHalf = ({ view, walk }: SourceSide): boolean => view?.targetMirrors === true && STATES[walk.state()] === 'Stop'

const LINK_CODES = ['E_LINK_FAILED', 'E_LINK_SILENT']

/** What the target refuses us for. A link that does not answer is no fault: `connected` says so. */
function refused({ view }: SourceSide): MirrordStatus['fault'] {
  // What redo could not do stays until the target is whole again, also while the next mirror runs.
  if (view?.targetFault) return view.targetFault
  const problem = view?.connected === false ? view.problem : null
  return problem === null || LINK_CODES.includes(problem.code) ? null : problem
}

const FULL_PERCENT = 100
const STATES = { idle: 'Idle', walking: 'Mirror', paused: 'Pause', stopped: 'Stop', failed: 'Stop' } as const

function mirrorProgress({ walk }: SourceSide, speed: number): MirrordStatus['mirror'] {
  const state = walk.kind() === 'mirror' ? STATES[walk.state()] : 'Idle'
  if (state === 'Idle') return { state, percent: FULL_PERCENT, leftBytes: 0, leftMs: 0 }
  const { totalBytes, doneBytes } = walk.progress()
  const leftBytes = Math.max(0, totalBytes - doneBytes)
  return { state, percent: walk.percent(), leftBytes, leftMs: speed > 0 ? Math.round((leftBytes * 1_000) / speed) : null }
}

/** A target shows what the source says of the session, and its own trouble before that. */
function sessionAsTold(base: SessionView, { connected, session, suspended }: ReceiverView): SessionView {
  const { exposed: _, ...told } = session ?? { exposed: false }
  if (!connected) return { ...base, ...told, state: 'DISCONNECTED', why: 'the source is not connected' }
  if (suspended !== null) return { ...base, ...told, state: 'SUSPENDED', why: suspended.message }
  return { ...base, ...told }
}

export function targetStatus(base: MirrordStatus, side: TargetSide, speed: number): MirrordStatus {
  const { view } = side
  if (view === null) return { ...base, role: 'target' }
  return {
    ...base,
    role: 'target',
    roleSequence: view.roleSequence,
    session: sessionAsTold(base.session, view),
    connected: view.connected,
    link: view.link,
    links: view.links,
    mirror: view.mirrors ? received(view) : { state: 'Idle', percent: FULL_PERCENT, leftBytes: 0, leftMs: null },
    replication: view.connected ? 'Idle' : 'Stop',
    speedBytesPerSecond: speed,
    redoQueueBytes: view.redoQueueBytes,
    needToVerify: view.diverged ? 'Manually' : view.copyComplete ? 'No' : 'Yes',
    targetSide: !view.connected ? 'Stop' : !view.mirrors ? 'Idle' : received(view).state === 'Stop' ? 'Stop' : 'Full Mirror',
    lsn: view.receivedLsn,
    appliedLsn: view.appliedLsn,
    copyComplete: view.copyComplete,
    copyKnown: view.copyKnown,
    fault: view.fault
  }
}

/** The source says how far it is. Its walk may be idle again when its end has not been applied here. */
function received({ progress, connected }: ReceiverView): MirrordStatus['mirror'] {
  const { state, percent } = unpackProgress(progress)
  const said = STATES[WALK_STATES[state] ?? 'idle']
  return { state: !connected ? 'Stop' : said === 'Idle' ? 'Mirror' : said, percent: Math.min(percent, FULL_PERCENT - 1), leftBytes: 0, leftMs: null }
}
