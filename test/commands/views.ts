import type { JobView, LinkView, MirrordStatus, NodeView, StatusAnswer } from '../../src/wire'
import { STATUS_DEFAULTS } from '../fakes/dataDefaults'

/** The guide's pair, with the guide's names, addresses and dates. */
export const NODES = ['RMHW131', 'RMHW132'] as const
export type Node = (typeof NODES)[number]
export const ADDRESSES: Record<Node, string> = { RMHW131: '192.168.150.151', RMHW132: '192.168.150.152' }
/** 2019-10-30 11:47:32 in Seoul. */
export const TAKE_TIME_MS = Date.UTC(2019, 9, 30, 2, 47, 32)
export const SEOUL_MINUTES = 540

const LINKS: [name: string, port: number, prefix: string, last: [number, number]][] = [
  ['service', 3002, '192.168.150', [151, 152]],
  ['link-0', 3001, '22.22.150', [131, 132]],
  ['link-1', 3000, '11.11.150', [131, 132]]
]

export const peerOf = (node: Node): Node => (node === 'RMHW131' ? 'RMHW132' : 'RMHW131')

export function links(node: Node): LinkView[] {
  const i = NODES.indexOf(node)
  return LINKS.map(([name, port, prefix, last]) => ({
    name,
    state: 'ok',
    local: `${prefix}.${last[i]}:${port}`,
    remote: `${prefix}.${last[1 - i]}:${port}`,
    ageMs: 100,
    sent: 10,
    received: 10,
    missed: 0,
    rejected: 0
  }))
}

export function mirrord(role: 'source' | 'target'): MirrordStatus {
  return {
    role,
    roleSequence: 3,
    connected: true,
    link: 'link-0',
    links: [
      { name: 'Link-0', state: 'OK' },
      { name: 'Link-1', state: 'OK' }
    ],
    mirror: { state: 'Idle', percent: 100, leftBytes: 0, leftMs: 0 },
    replication: 'Idle',
    speedBytesPerSecond: 0,
    sentBytes: 1_766_384,
    queuedBytes: 0,
    pagefileBytes: 0,
    needToVerify: 'No',
    targetSide: 'Idle',
    lsn: 4711,
    appliedLsn: 4711,
    ...structuredClone(STATUS_DEFAULTS),
    copyComplete: true,
    fault: null
  }
}

export function jobView(node: Node, owner: Node): JobView {
  const owns = node === owner
  return {
    record: {
      job: 'DB_Group',
      roleSequence: 3,
      owner,
      desired: 'online',
      takeReason: 'manual',
      takeTimeMs: TAKE_TIME_MS,
      handover: null,
      errorFlag: null,
      needToVerify: 'No',
      copyComplete: true,
      safety: 'off',
      safetySequence: 1,
      mirrorInSync: true,
      syncSequence: 1,
      selectedSequence: 0,
      history: []
    },
    phase: owns ? 'online' : 'standby',
    state: owns ? 'online' : 'offline',
    note: null,
    vips: [{ name: 'IP-DB_Group', address: '192.168.150.130', prefix: 16, up: owns }],
    applications: [
      { name: 'MSSQLSERVER', state: owns ? 'online' : 'offline' },
      { name: 'SQLSERVERAGENT', state: owns ? 'online' : 'offline' }
    ],
    data: mirrord(owns ? 'source' : 'target'),
    activity: null
  }
}

export const nodeView = (node: Node, owner: Node): NodeView => ({
  node,
  incarnation: `${node}-1`,
  heard: null,
  configHash: 'same',
  jobs: { DB_Group: jobView(node, owner) },
  links: links(node),
  licence: { state: 'Valid', expires: '2019-11-05' }
})

/** What a healthy node answers while RMHW131 owns the job. */
export function statusOf(node: Node): StatusAnswer {
  return {
    node,
    cluster: 'seoul-db',
    address: ADDRESSES[node],
    peerNode: peerOf(node),
    peerAddress: ADDRESSES[peerOf(node)],
    wallMs: TAKE_TIME_MS,
    utcOffsetMinutes: SEOUL_MINUTES,
    self: nodeView(node, 'RMHW131'),
    peer: { view: nodeView(peerOf(node), 'RMHW131'), ageMs: 200 },
    peerAlive: 'up',
    problems: []
  }
}
