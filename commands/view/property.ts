import type { NeedToVerify } from '../../src/model'
import type { ApplicationView, MirrordStatus, MonitorView } from '../../src/wire'
import type { Output } from '../context'
import { table, type Property } from '../kit/table'
import { shortDuration, thousands } from '../kit/text'
import { aged, UNKNOWN, type ClusterView, type JobNow } from './cluster'
import { quorumObject } from './quorum'
import { sessionProperties } from './session'
import { print } from './tables'

/** The property view of a job (guide 3, G and H; product §4), in the guide's order. The values are the owner's. */
export function properties(cluster: ClusterView, now: JobNow): Property[] {
  return [...serviceProperties(now), ...dataProperties(now), ...sessionProperties(cluster, now)]
}

/** The job, its addresses, its applications. */
export function serviceProperties(now: JobNow): Property[] {
  const { view } = now
  if (view === null) return [[now.job, now.owner]]
  return [
    [now.job, now.owner],
    ...view.vips.map(
      (vip): Property => [
        vip.name,
        `${vip.address} / ${mask(vip.address, vip.prefix)}${vip.up === (now.state === 'online') ? '' : vip.up ? ' (up)' : ' (down)'}`
      ]
    ),
    ...view.applications.map((application): Property => [application.name, aged(applicationWord(application), now.seen)]),
    ['System resource monitor', aged(monitorWord(now.seen?.view.monitor), now.seen)]
  ]
}

/** Its state, and how near a failed one is to its restart limit. */
const applicationWord = ({ state, word = state, restarts = 0, restartsMax }: ApplicationView): string =>
  word === 'failed' && restartsMax !== undefined ? `failed (${restarts} of ${restartsMax} restarts)` : word

/** NA: nothing is watched. An error with the names of the events; what they saw stands with the problems. */
function monitorWord(monitor: MonitorView | undefined): string {
  const errors = monitor?.events.filter(({ state }) => state === 'Error').map(({ name }) => name) ?? []
  return monitor === undefined ? 'NA' : errors.length === 0 ? monitor.state : `Error (${errors.join(', ')})`
}

/** Everything between Data and Pagefile Used; nothing for a job without folders. */
export function dataProperties(now: JobNow): Property[] {
  const { view } = now
  const data = stopped(view)
  if (view === null || data === null) return []
  const seen = (word: string): string => aged(word, now.seen)
  const linksOk = data.links.some((link) => link.state === 'OK')
  const walk = walkOf(data)
  return [
    ['Data', now.job],
    ['Connection', seen(data.connected ? 'OK' : 'Stop')],
    ['Data Rule Set', now.job],
    ['Link Group', seen(linksOk ? 'OK' : 'Error')],
    ['Speed (bytes/s)', thousands(data.speedBytesPerSecond)],
    ...data.links.map((link): Property => [link.name, seen(link.state)]),
    // Nothing can be mirrored to a node that is not connected, whatever was under way (guide 4, Force Start).
    ['Mirror', seen(restWord(data.connected, walk.word))],
    ['Left Bytes', thousands(walk.leftBytes)],
    ['Left Time', leftTime(walk)],
    ['Need to Verify', worst(view.record.needToVerify, data.needToVerify)],
    ['Replication', seen(data.replication)],
    ['Sent Bytes', thousands(data.sentBytes)],
    ['Queued Bytes', thousands(data.queuedBytes)],
    ['Mode', data.session.safety === 'full' ? 'Sync' : 'Async'],
    ['Target Side', seen(data.targetSide)],
    ['Pagefile Used', data.pagefileBytes === null ? 'NA' : thousands(data.pagefileBytes)]
  ]
}

/** Without a connection nothing is at rest. */
export const restWord = (connected: boolean, word: string): string => (connected || word !== 'Idle' ? word : 'Stop')

/** Detached with its data: nothing is sent, and the guide's view says Stop for all of it. */
function stopped(view: JobNow['view']): MirrordStatus | null {
  const data = view?.data ?? null
  if (data === null || view?.record.detached?.stopData !== true) return data
  return { ...data, connected: false, replication: 'Stop', targetSide: 'Stop', mirror: { ...data.mirror, state: 'Stop' } }
}

const BY_WEIGHT = ['Manually', 'Yes', 'No'] as const

/** The engine and the data program each know a part of it. */
const worst = (...words: NeedToVerify[]): NeedToVerify => BY_WEIGHT.find((word) => words.includes(word)) ?? 'No'

export interface Walk {
  /** As the guide's property view says it: Idle, Mirror(54%), Verifying(0%), Pause, Stop. */
  word: string
  running: boolean
  percent: number
  leftBytes: number
  leftMs: number | null
}

/** The full mirror or the comparison, whichever runs: the guide shows both in one place. */
export function walkOf({ mirror, verify }: MirrordStatus): Walk {
  const { state, percent, leftBytes, leftMs } = verify.state === 'Verifying' ? verify : mirror
  const running = state === 'Mirror' || state === 'Verifying'
  return { word: running ? `${state}(${Math.floor(percent)}%)` : state, running, percent, leftBytes, leftMs }
}

export const leftTime = ({ leftMs, leftBytes }: Walk): string => (leftMs === null ? (leftBytes === 0 ? '0s' : 'NA') : shortDuration(leftMs))

/** The guide writes an IPv4 address with its mask; IPv6 has a prefix length only. */
export function mask(address: string, prefix: number): string {
  if (address.includes(':')) return String(prefix)
  return [0, 1, 2, 3].map((i) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - 8 * i)))).join('.')
}

export function printProperties(output: Output, rows: Property[]): void {
  const paint = (cell: string): string => output.paint.state(cell)
  print(
    output,
    table(
      [
        { title: 'Property', width: 26 },
        { title: 'Value', width: 0 }
      ],
      rows,
      paint
    )
  )
}

/** For --json: the same names, and the plain numbers beside them. */
export function propertyObject(cluster: ClusterView, now: JobNow, rows: Property[]): object {
  return {
    job: now.job,
    owner: now.owner,
    state: now.state ?? UNKNOWN,
    ageMs: now.seen?.ageMs ?? null,
    properties: rows.map(([property, value]) => ({ property, value })),
    record: now.view?.record ?? null,
    mode: now.view?.mode ?? null,
    observers: quorumObject(cluster, now),
    phase: now.view?.phase ?? null,
    note: now.view?.note ?? null,
    detached: now.view?.record.detached ?? null,
    monitor: now.seen?.view.monitor ?? null,
    vips: now.view?.vips ?? [],
    applications: now.view?.applications ?? [],
    data: now.view?.data ?? null
  }
}
