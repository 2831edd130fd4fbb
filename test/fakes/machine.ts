import type { Outcome } from '../../src/core'
import type { MirrordStatus } from '../../src/wire'
import { STATUS_DEFAULTS } from './dataDefaults'

/** What really is on a simulated node, whatever its engine believes. */
export interface Machine {
  vips: Set<string>
  applications: Set<string>
  data: FakeData
}

/** The data program in small: `content` stands for all that was ever written; a target has it up to some point. */
export interface FakeData {
  running: boolean
  /** It acknowledges and sends nothing without a lease. */
  leased: boolean
  role: 'none' | 'source' | 'target'
  roleSequence: number
  peerCopyComplete: boolean
  connected: boolean
  mirroring: boolean
  /** The last mirror has not come to its end. */
  mirrorStopped: boolean
  /** Source: nothing is sent, and the connection stays. */
  paused: boolean
  /** The target cannot write what it has received; both know it. */
  redoFails: boolean
  /** Target: the source holds sending back. */
  heldBack: boolean
  /** Survive a crash of the node. */
  copyComplete: boolean
  /** It has heard that from a source, and keeps it until the job is stopped or it becomes the source itself. */
  copyKnown: boolean
  content: number
  safety: 'full' | 'off'
  safetySequence: number
  /** Safety FULL, source: writes are acknowledged without the target. */
  exposure: 'protected' | 'wanted' | 'granted'
  /** How often it has begun to wait for its target. */
  closed: number
  /** It went on without the target, and only its own node has recorded that. */
  alone: boolean
  /** As a source with this role sequence it wrote while nobody received. Both survive a crash. */
  exposed: boolean
  sourceSequence: number
  /** The two cannot agree whose data is right. */
  manually: boolean
  /** Source: this data was declared right. */
  forced: boolean
  /** What it captures or receives: of the configuration that it was told last while it could take that on. */
  folders: string
  /** The version that this source began with: what its claim was about. */
  claimedContent: number
}

export const blankMachine = (copyComplete: boolean, kept: Partial<FakeData> = {}): Machine => ({
  vips: new Set(),
  applications: new Set(),
  data: {
    running: false,
    leased: false,
    role: 'none',
    roleSequence: 0,
    peerCopyComplete: false,
    connected: false,
    mirroring: false,
    mirrorStopped: false,
    paused: false,
    redoFails: false,
    heldBack: false,
    copyComplete,
    copyKnown: false,
    content: 0,
    folders: '',
    claimedContent: 0,
    safety: 'off',
    safetySequence: 0,
    exposure: 'granted',
    closed: 0,
    alone: false,
    exposed: false,
    sourceSequence: 0,
    manually: false,
    forced: false,
    ...kept
  }
})

export const serves = (machine: Machine): boolean => machine.vips.size > 0 || machine.applications.size > 0

export const done = (result: unknown): Outcome => ({ ok: true, result })
export const failed = (why: string, code = 'E_FAKE'): Outcome => ({ ok: false, error: { code, message: why, tryThis: 'Nothing.', exitCode: 1 } })

export function statusOf(data: FakeData): MirrordStatus {
  return {
    role: data.role,
    roleSequence: data.roleSequence,
    connected: data.connected,
    link: data.connected ? 'link-0' : null,
    links: [],
    mirror: {
      state: data.mirroring ? 'Mirror' : data.mirrorStopped ? 'Stop' : 'Idle',
      percent: data.mirroring || data.mirrorStopped ? 50 : 100,
      leftBytes: 0,
      leftMs: null
    },
    replication: !data.connected ? 'Stop' : data.paused ? 'Pause' : 'Replicating',
    speedBytesPerSecond: 0,
    sentBytes: 0,
    queuedBytes: 0,
    pagefileBytes: null,
    needToVerify: data.manually ? 'Manually' : data.role === 'source' && !data.peerCopyComplete ? 'Yes' : 'No',
    targetSide: data.connected ? (data.mirroring ? 'Full Mirror' : 'Idle') : 'Absent',
    lsn: data.content,
    appliedLsn: data.content,
    ...STATUS_DEFAULTS,
    session: { ...STATUS_DEFAULTS.session, ...sessionOf(data) },
    copyComplete: data.copyComplete,
    copyKnown: data.role === 'target' && data.copyKnown,
    fault: null
  }
}

function sessionOf(data: FakeData): Partial<MirrordStatus['session']> {
  const { role, safety, safetySequence, exposure } = data
  return { safety, safetySequence, exposure, state: role === 'none' ? null : stateOf(data) }
}

function stateOf({ connected, mirroring, paused, redoFails, heldBack, safety }: FakeData): MirrordStatus['session']['state'] {
  if (!connected) return 'DISCONNECTED'
  if (paused || redoFails || heldBack) return 'SUSPENDED'
  return !mirroring && safety === 'full' ? 'SYNCHRONIZED' : 'SYNCHRONIZING'
}
