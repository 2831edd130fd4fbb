import type { JobConfig, NeedToVerify } from '../../../src/model'
import type { MirrordStatus, SessionView, VerifyView } from '../../../src/wire'

/** A copy or a comparison that runs, or stands. */
export interface SimWalk {
  kind: 'mirror' | 'verify' | 'difference'
  state: 'walks' | 'paused' | 'stopped'
  totalBytes: number
  leftBytes: number
  startedAtMs: number
  endedAtMs: number | null
}

/** One node's end of one job's data: what its mirrord would know, and what would stand on its disk. */
export interface SimEnd {
  node: string
  running: boolean
  role: 'none' | 'source' | 'target'
  roleSequence: number
  connected: boolean
  /** Source: it was told that the target has all of it, and that holds. */
  peerCopyComplete: boolean
  paused: boolean
  exposure: SessionView['exposure']
  exposedSinceMs: number | null
  /** Source: since when it waits for its target; grows with each wait. */
  waits: number
  /** This data was declared right. */
  selected: boolean
  manually: boolean
  queuedBytes: number
  /** Left to compare when the target is back. */
  dirtyBytes: number
  sentBytes: number
  bandwidth: number | null
  walk: SimWalk | null
  /** On disk. */
  lsn: number
  bytes: number
  copyComplete: boolean
  safety: 'full' | 'off'
  safetySequence: number
  /** As a source with this role sequence it acknowledged while nobody received. */
  wroteAlone: boolean
  sourceSequence: number
  /** What differs from the other copy is known, and need only be compared there. */
  mapKnown: boolean
  /** What it captures or receives: as configured when it began to, or was taken up anew. */
  folders: string
  /** What a drill wrote last; it travels with the data. */
  probe: number | null
}

type OnDisk = 'probe' | 'mapKnown' | 'lsn' | 'bytes' | 'copyComplete' | 'safety' | 'safetySequence' | 'wroteAlone' | 'sourceSequence'

export function newEnd(node: string, kept: Pick<SimEnd, OnDisk>): SimEnd {
  const { lsn, bytes, copyComplete, safety, safetySequence, wroteAlone, sourceSequence, mapKnown, probe } = kept
  return {
    node,
    running: false,
    role: 'none',
    roleSequence: 0,
    connected: false,
    peerCopyComplete: false,
    paused: false,
    exposure: 'granted',
    exposedSinceMs: null,
    waits: 0,
    selected: false,
    manually: false,
    queuedBytes: 0,
    dirtyBytes: 0,
    sentBytes: 0,
    bandwidth: null,
    walk: null,
    lsn,
    bytes,
    copyComplete,
    safety,
    safetySequence,
    wroteAlone,
    sourceSequence,
    mapKnown,
    folders: '',
    probe
  }
}

const FULL_PERCENT = 100

/** What the property view shows of it. `theirs`: what the other end last said; `speed`: bytes a second when something moves. */
export function statusOf(end: SimEnd, theirs: SimEnd, job: JobConfig, links: { name: string; up: boolean }[], speed: number): MirrordStatus {
  const { role, connected } = end
  const moves = connected && !end.paused && (end.queuedBytes > 0 || walks(end))
  const link = links.find(({ up }) => up)?.name ?? null
  return {
    role,
    roleSequence: end.roleSequence,
    connected,
    link: connected ? link : null,
    links: links.map(({ name, up }) => ({ name, state: up && role !== 'none' ? 'OK' : 'Error' })),
    mirror: mirrorOf(end, theirs, speed),
    verify: verifyOf(end, speed),
    replication: !connected ? 'Stop' : end.paused ? 'Pause' : role === 'source' && moves ? 'Replicating' : 'Idle',
    session: sessionOf(end, theirs),
    speedBytesPerSecond: moves ? speed : 0,
    sentBytes: end.sentBytes,
    queuedBytes: end.queuedBytes,
    pagefileBytes: role === 'source' ? Math.max(0, end.queuedBytes - (job.data?.queueBytes ?? 0)) : null,
    dirtyBytes: end.dirtyBytes,
    redoQueueBytes: 0,
    bandwidthBytesPerSecond: end.bandwidth,
    needToVerify: needOf(end),
    targetSide: targetSideOf(end, theirs),
    lsn: end.lsn,
    appliedLsn: role === 'source' ? theirs.lsn : end.lsn,
    copyComplete: end.copyComplete,
    fault: null
  }
}

const needOf = ({ manually, role, peerCopyComplete, copyComplete }: SimEnd): NeedToVerify =>
  manually ? 'Manually' : (role === 'source' && !peerCopyComplete) || (role === 'target' && !copyComplete) ? 'Yes' : 'No'

function mirrorOf(end: SimEnd, theirs: SimEnd, speed: number): MirrordStatus['mirror'] {
  const walk = end.role === 'target' ? (end.connected ? theirs.walk : null) : end.walk
  if (end.role === 'none') return { state: 'Stop', percent: 0, leftBytes: 0, leftMs: null }
  if (walk?.kind !== 'mirror') return { state: 'Idle', percent: FULL_PERCENT, leftBytes: 0, leftMs: 0 }
  const state = walk.state === 'walks' ? 'Mirror' : walk.state === 'paused' ? 'Pause' : 'Stop'
  return { state, ...progressOf(walk, speed) }
}

function verifyOf({ walk }: SimEnd, speed: number): VerifyView {
  if (walk === null || walk.kind === 'mirror') return { state: 'Idle', mode: 'full', percent: 0, leftBytes: 0, leftMs: null, differences: null }
  const mode = walk.kind === 'verify' ? 'full' : 'difference'
  const state = walk.state === 'walks' ? (walk.endedAtMs === null ? 'Verifying' : 'Idle') : 'Stop'
  return { state, mode, ...progressOf(walk, speed), differences: 0 }
}

const progressOf = ({ totalBytes, leftBytes }: SimWalk, speed: number): { percent: number; leftBytes: number; leftMs: number } => ({
  percent: totalBytes === 0 ? FULL_PERCENT : Math.floor((FULL_PERCENT * (totalBytes - leftBytes)) / totalBytes),
  leftBytes,
  leftMs: Math.round((leftBytes * 1_000) / speed)
})

/** A walk goes on in it. */
export const walks = (end: SimEnd): boolean => end.walk !== null && end.walk.state === 'walks' && end.walk.endedAtMs === null

function targetSideOf(end: SimEnd, theirs: SimEnd): MirrordStatus['targetSide'] {
  if (!end.connected) return end.role === 'target' ? 'Stop' : 'Absent'
  const source = end.role === 'source' ? end : theirs
  if (walks(source)) return source.walk?.kind === 'mirror' ? 'Full Mirror' : 'Verifying'
  return source.walk?.state === 'stopped' && !source.peerCopyComplete ? 'Stop' : 'Idle'
}

function sessionOf(end: SimEnd, theirs: SimEnd): SessionView {
  const { role, connected, safety, safetySequence, exposure, exposedSinceMs } = end
  const source = role === 'source' ? end : theirs
  const paused = connected && source.paused
  const whole = connected && source.peerCopyComplete && safety === 'full' && (role === 'target' || exposure === 'protected')
  const state = role === 'none' ? null : !connected ? 'DISCONNECTED' : paused ? 'SUSPENDED' : whole ? 'SYNCHRONIZED' : 'SYNCHRONIZING'
  const why = state === 'DISCONNECTED' ? 'the other node is not connected' : paused ? 'paused by an administrator' : null
  return { safety, safetySequence, state, why, failoverLsn: Math.min(end.lsn, theirs.lsn), exposure, exposedSinceMs: role === 'source' ? exposedSinceMs : null }
}
