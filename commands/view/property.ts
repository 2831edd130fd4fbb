import type { JobView, MirrordStatus } from '../../src/wire'
import type { Output } from '../context'
import { table } from '../kit/table'
import { shortDuration, thousands } from '../kit/text'
import { aged, UNKNOWN, type ClusterView, type JobNow } from './cluster'
import { print } from './tables'

export type Property = [name: string, value: string]

/** The property view of a job (guide 3, G and H; product §4), in the guide's order. The values are the owner's. */
export function properties(cluster: ClusterView, now: JobNow): Property[] {
  const peer = cluster.nodes.find((node) => node !== now.owner)
  const standby = peer === undefined ? null : (cluster.seen.get(peer)?.view.jobs[now.job] ?? null)
  const { view } = now
  const shared: Property[] = [[now.job, now.owner]]
  const own: Property[] = [
    ['State', aged(now.state, now.seen)],
    ['Safety', 'OFF'],
    ['Role Sequence', thousands(now.roleSequence)],
    ['Redo Queue', standby?.data ? thousands(Math.max(0, standby.data.lsn - standby.data.appliedLsn)) : 'NA']
  ]
  if (view === null) return [...shared, ...own]
  const resources: Property[] = [
    ...view.vips.map(
      (vip): Property => [
        vip.name,
        `${vip.address} / ${mask(vip.address, vip.prefix)}${vip.up === (now.state === 'online') ? '' : vip.up ? ' (up)' : ' (down)'}`
      ]
    ),
    ...view.applications.map((application): Property => [application.name, aged(application.state, now.seen)])
  ]
  const data = view.data === null ? [] : dataProperties(now, view, view.data)
  return [...shared, ...resources, ...data, ...own]
}

function dataProperties(now: JobNow, view: JobView, data: MirrordStatus): Property[] {
  const seen = (word: string): string => aged(word, now.seen)
  const linksOk = data.links.some((link) => link.state === 'OK')
  const needToVerify = data.needToVerify === 'No' ? view.record.needToVerify : data.needToVerify
  return [
    ['Data', now.job],
    ['Connection', seen(data.connected ? 'OK' : 'Stop')],
    ['Data Rule Set', now.job],
    ['Link Group', seen(linksOk ? 'OK' : 'Error')],
    ['Speed (bytes/s)', thousands(data.speedBytesPerSecond)],
    ...data.links.map((link): Property => [link.name, seen(link.state)]),
    ['Mirror', seen(data.mirror.state === 'Mirror' ? `Mirror(${Math.floor(data.mirror.percent)}%)` : data.mirror.state)],
    ['Left Bytes', thousands(data.mirror.leftBytes)],
    ['Left Time', leftTime(data.mirror)],
    ['Need to Verify', needToVerify],
    ['Replication', seen(data.replication)],
    ['Sent Bytes', thousands(data.sentBytes)],
    ['Queued Bytes', thousands(data.queuedBytes)],
    ['Mode', 'Async'],
    ['Target Side', seen(data.targetSide)],
    ['Pagefile Used', data.pagefileBytes === null ? 'NA' : thousands(data.pagefileBytes)]
  ]
}

const leftTime = (mirror: MirrordStatus['mirror']): string => (mirror.leftMs === null ? (mirror.leftBytes === 0 ? '0s' : 'NA') : shortDuration(mirror.leftMs))

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
export function propertyObject(now: JobNow, rows: Property[]): object {
  return {
    job: now.job,
    owner: now.owner,
    state: now.state ?? UNKNOWN,
    ageMs: now.seen?.ageMs ?? null,
    properties: rows.map(([property, value]) => ({ property, value })),
    record: now.view?.record ?? null,
    phase: now.view?.phase ?? null,
    note: now.view?.note ?? null,
    vips: now.view?.vips ?? [],
    applications: now.view?.applications ?? [],
    data: now.view?.data ?? null
  }
}
