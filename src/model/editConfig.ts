import { type Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'

/** A change of the text of a configuration. What it does not touch stays as it is, comments too. Throws NoSuchPart when what is to be changed is not there. */
export type ConfigEdit = (document: Document) => void

export class NoSuchPart extends Error {
  constructor(
    readonly what: string,
    readonly part: string,
    readonly known: string[]
  ) {
    super(`no ${what} ${part}`)
  }
}

export function editConfig(text: string, edit: ConfigEdit): string {
  const document = parseDocument(text)
  edit(document)
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}

export interface LinkEdit {
  type?: 'serial'
  baud?: number
  heartbeat?: number | false
  data?: boolean
  interval?: string
  maxMiss?: number
  /** By node; of a serial line, its devices. */
  addresses: Record<string, string>
  /** Its place among the links: 0 is the most preferred one. */
  priority?: number
}

export const addLink =
  (name: string, { addresses, priority, ...values }: LinkEdit): ConfigEdit =>
  (document) => {
    const links = listAt(document, ['links'])
    const port = values.type === 'serial' ? {} : { heartbeat: false }
    const link = document.createNode({ name, ...port, ...defined(values), ...addresses }, { flow: true })
    links.items.splice(priority ?? links.items.length, 0, link)
  }

export const removeLink =
  (name: string): ConfigEdit =>
  (document) => {
    const links = listAt(document, ['links'])
    links.items.splice(placeOf(links, 'link', name), 1)
  }

/** A node whose own address was the link's gets the new one too: it is the same network card. */
export const modifyLink =
  (name: string, { addresses, priority, ...values }: LinkEdit): ConfigEdit =>
  (document) => {
    const links = listAt(document, ['links'])
    const place = placeOf(links, 'link', name)
    const link = links.items[place] as YAMLMap
    for (const [node, address] of Object.entries(addresses)) {
      if (document.getIn(['nodes', node, 'address']) === link.get(node)) document.setIn(['nodes', node, 'address'], address)
      link.set(node, address)
    }
    for (const [key, value] of Object.entries(defined(values))) link.set(key, value)
    if (priority === undefined) return
    links.items.splice(place, 1)
    links.items.splice(priority, 0, link)
  }

export interface VipEdit {
  address?: string
  /** Several, best first; null: by the network of the address. */
  nic?: string | string[] | null
}

export const addVip =
  (job: string, name: string, values: VipEdit): ConfigEdit =>
  (document) => {
    jobAt(document, job)
    const vip = document.createNode({ name, ...defined(values) }, { flow: true })
    if (isSeq(document.getIn(['jobs', job, 'vips']))) listAt(document, ['jobs', job, 'vips']).items.push(vip)
    else document.setIn(['jobs', job, 'vips'], document.createNode([vip]))
  }

export const modifyVip =
  (job: string, name: string | null, values: VipEdit): ConfigEdit =>
  (document) => {
    const { vips, place } = vipAt(document, job, name)
    const vip = vips.items[place] as YAMLMap
    for (const [key, value] of Object.entries(defined(values))) {
      if (value === null) vip.delete(key)
      else vip.set(key, Array.isArray(value) ? document.createNode(value, { flow: true }) : value)
    }
  }

export const removeVip =
  (job: string, name: string): ConfigEdit =>
  (document) => {
    const { vips, place } = vipAt(document, job, name)
    vips.items.splice(place, 1)
  }

/** `name` null: the only one that there is. */
function vipAt(document: Document, job: string, name: string | null): { vips: YAMLSeq; place: number } {
  jobAt(document, job)
  const vips = isSeq(document.getIn(['jobs', job, 'vips'])) ? listAt(document, ['jobs', job, 'vips']) : null
  if (vips === null) throw new NoSuchPart(`VIP of ${job}`, name ?? '', [])
  if (name === null && vips.items.length !== 1) throw new NoSuchPart(`single VIP of ${job}`, '', namesOf(vips))
  return { vips, place: name === null ? 0 : placeOf(vips, `VIP of ${job}`, name) }
}

export const setMode =
  (job: string, mode: string): ConfigEdit =>
  (document) => {
    jobAt(document, job)
    document.setIn(['jobs', job, 'mode'], mode)
  }

export const setWitness =
  (address: string): ConfigEdit =>
  (document) =>
    isMap(document.get('witness')) && !document.hasIn(['witness', 'etcd'])
      ? document.setIn(['witness', 'address'], address)
      : document.set('witness', document.createNode({ address }, { flow: true }))

/** In the words of the file. */
export interface EtcdEdit {
  etcd: string[]
  ca?: string
  cert?: string
  key?: string
  user?: string
  passwordFile?: string
}

/** All of it is named anew: secrets of one cluster are not those of another one. */
export const setEtcdWitness =
  (values: EtcdEdit): ConfigEdit =>
  (document) =>
    document.set('witness', document.createNode(defined(values), { flow: true }))

export const removeWitness: ConfigEdit = (document) => {
  if (!document.has('witness')) throw new NoSuchPart('witness', '', [])
  document.delete('witness')
}

function jobAt(document: Document, job: string): void {
  const jobs = document.get('jobs')
  if (isMap(document.getIn(['jobs', job]))) return
  throw new NoSuchPart('job', job, isMap(jobs) ? jobs.items.map(({ key }) => String(key)) : [])
}

function listAt(document: Document, path: string[]): YAMLSeq {
  const list = document.getIn(path)
  if (isSeq(list)) return list
  throw new NoSuchPart('list', path.join('.'), [])
}

const namesOf = (list: YAMLSeq): string[] => list.items.map((item) => (isMap(item) ? String(item.get('name')) : ''))

/** Of what has this name in a list. */
export function placeOf(list: YAMLSeq, what: string, name: string): number {
  const names = namesOf(list)
  const place = names.indexOf(name)
  if (place < 0) throw new NoSuchPart(what, name, names)
  return place
}

/** Without what was not given. */
export const defined = <T extends object>(values: T): Record<string, Exclude<T[keyof T], undefined>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
