import { type ApplicationConfig, carriesHeartbeat, type Config, type FolderConfig, type JobConfig, type VipConfig } from '../config'
import { overlap } from '../places'
import { inNetwork, type IpAddress, isLoopback, parseIp } from './address'
import { linkPlace } from './clusterSections'
import type { Source } from './source'
import { checkTimers } from './timers'

/** What can be seen only with the whole file in hand. Values refused before are '' and are passed over. */
export function checkWhole(config: Config, source: Source): void {
  checkUniqueNames(config, source)
  checkUniqueAddresses(config, source)
  checkUniquePorts(config, source)
  checkLinks(config, source)
  checkFolders(config, source)
  checkTimers(config, source)
  for (const job of Object.values(config.jobs)) {
    for (const vip of job.vips) checkVip(config, vip, source)
    checkDependencies(job, source)
    checkFirstOwner(config, job, source)
    if (job.mode === 'guide' && job.data?.capture === 'watch' && job.data.safety === 'full') source.refuse(job.data, 'E_CONFIG_SAFETY', { job: job.name })
  }
}

/** Says where a value stood first, when it comes a second time. */
export function unique(source: Source, what: string, entries: Iterable<{ value: string | number; at: unknown }>): void {
  const first = new Map<string | number, unknown>()
  for (const { value, at } of entries) {
    if (value === '') continue
    if (first.has(value)) source.refuse(at, 'E_CONFIG_DUPLICATE', { what, value: String(value), firstLine: source.lineOf(first.get(value)) })
    else first.set(value, at)
  }
}

function checkUniqueNames(config: Config, source: Source): void {
  const jobs = Object.values(config.jobs)
  unique(
    source,
    'The link name',
    config.links.map((link) => ({ value: link.name, at: link }))
  )
  unique(
    source,
    'The name of a virtual address',
    jobs.flatMap((job) => job.vips.map((vip) => ({ value: vip.name, at: vip })))
  )
  for (const job of jobs)
    unique(
      source,
      'The application name',
      job.applications.map((application) => ({ value: application.name, at: application }))
    )
}

/** A node may use its own address for a link too; two links, or two nodes, may not share one. */
function checkUniqueAddresses(config: Config, source: Source): void {
  const nodes = Object.entries(config.nodes)
  const ofLinks = config.links.flatMap((link) => Object.entries(link.addresses).map(([node, value]) => ({ node, value, at: linkPlace(link, node) })))
  unique(source, 'The address', [
    ...nodes.map(([, node]) => ({ value: node.address, at: node })),
    // A member of an etcd cluster may be on a node: the others are not.
    ...(config.witness && !config.witness.etcd ? [{ value: config.witness.address, at: config.witness }] : [])
  ])
  unique(source, 'The address', ofLinks)
  for (const { node, value, at } of ofLinks) {
    const other = nodes.find(([name, { address }]) => name !== node && address === value && value !== '')
    if (other) source.refuse(at, 'E_CONFIG_DUPLICATE', { what: 'The address', value, firstLine: source.lineOf(other[1]) })
  }
  checkUniqueDevices(config, source)
  unique(
    source,
    'The virtual address',
    Object.values(config.jobs).flatMap((job) => job.vips.map((vip) => ({ value: vip.address, at: vip })))
  )
}

/** Two lines of one node have two ports; those of two nodes may well have the same name. */
function checkUniqueDevices({ nodes, links }: Config, source: Source): void {
  for (const node of Object.keys(nodes))
    unique(
      source,
      `The device of ${node},`,
      links.flatMap((link) => (link.serial ? [{ value: link.serial.devices[node] ?? '', at: linkPlace(link, node) }] : []))
    )
}

function checkUniquePorts(config: Config, source: Source): void {
  const heartbeats = config.links.filter((link) => link.heartbeatPort !== null)
  unique(
    source,
    'The heartbeat port',
    heartbeats.map((link) => ({ value: link.heartbeatPort as number, at: `heartbeat of ${link.name}` }))
  )
  const streams = Object.values(config.jobs).flatMap((job) => (job.data ? [{ value: job.data.port, at: job.data }] : []))
  unique(source, 'The port', [{ value: config.api.port, at: config.api }, ...streams])
}

function checkLinks(config: Config, source: Source): void {
  if (config.links.length > 0 && !config.links.some(carriesHeartbeat)) source.refuse(config.links, 'E_CONFIG_NO_HEARTBEAT', {})
  for (const link of config.links) {
    const families = Object.values(link.addresses)
      .filter((address) => address !== '')
      .map((address) => parseIp(address)?.family)
    if (new Set(families).size < 2) continue
    const values = {
      key: 'addresses',
      where: `link ${link.name}`,
      found: 'one of each',
      expected: 'both IPv4 or both IPv6',
      example: '22.22.150.131 and 22.22.150.132'
    }
    source.refuse(link, 'E_CONFIG_VALUE', values)
  }
  if (config.links.length === 0 || config.links.some((link) => link.data)) return
  for (const job of Object.values(config.jobs)) if (job.data) source.refuse(job, 'E_CONFIG_NO_DATA_LINK', { job: job.name })
}

/** A folder with a path for each node has one for every node, and for nobody else. */
function checkNodePaths(config: Config, folder: FolderConfig, source: Source): void {
  if (!folder.nodePaths) return
  const nodes = Object.keys(config.nodes)
  const named = Object.keys(folder.nodePaths)
  if (nodes.every((node) => named.includes(node)) && named.length === nodes.length) return
  const why = `has paths for ${named.join(', ') || 'nobody'}`
  source.refuse(folder.nodePaths, 'E_CONFIG_FOLDER', {
    path: folder.path || '(empty)',
    why,
    instead: `Name a path for each of ${nodes.join(', ')}, or one path for all.`
  })
}

function checkFolders(config: Config, source: Source): void {
  const seen: FolderConfig[] = []
  for (const folder of Object.values(config.jobs).flatMap((job) => job.data?.folders ?? [])) {
    checkNodePaths(config, folder, source)
    if (folder.path === '') continue
    const other = seen.find(({ path }) => overlap(path, folder.path))
    if (other) {
      const why = `overlaps with ${other.path} of line ${source.lineOf(other)}`
      source.refuse(folder, 'E_CONFIG_FOLDER', { path: folder.path, why, instead: 'Keep only the upper folder, or name two folders side by side.' })
    }
    seen.push(folder)
  }
}

function checkVip(config: Config, vip: VipConfig, source: Source): void {
  const ip = parseIp(vip.address)
  if (!ip) return
  const owned = nodeAddresses(config)
  const owner = owned.find(({ address }) => address.text === ip.text)
  if (owner) source.refuse(vip, 'E_CONFIG_VIP_IS_NODE', { vip: vip.name, address: vip.address, node: owner.node })
  if (owner || isLoopback(ip) || vip.nic !== null) return
  // A family the file says nothing about is left to the node: it looks at its real network cards.
  const told = owned.filter(({ address }) => address.family === ip.family)
  if (told.length === 0) return
  const outside = Object.keys(config.nodes).filter((node) => !told.some((own) => own.node === node && inNetwork(own.address, ip, vip.prefix)))
  if (outside.length === 0) return
  const values = { vip: vip.name, address: `${vip.address}/${vip.prefix}`, nodes: outside.join(' and '), example: `${told[0]?.address.text} has to be in it` }
  source.refuse(vip, 'E_CONFIG_VIP_NETWORK', values)
}

function checkFirstOwner({ nodes }: Config, { name, firstOwner }: JobConfig, source: Source): void {
  const names = Object.keys(nodes)
  if (!firstOwner || names.includes(firstOwner)) return
  const values = { key: 'firstOwner', where: `job ${name}`, found: firstOwner, expected: names.join(' or '), example: names[1] ?? '' }
  source.refuse(`first owner of ${name}`, 'E_CONFIG_VALUE', values)
}

function nodeAddresses(config: Config): { node: string; address: IpAddress }[] {
  const own = Object.entries(config.nodes).map(([node, { address }]) => ({ node, text: address }))
  const links = config.links.flatMap((link) => Object.entries(link.addresses).map(([node, text]) => ({ node, text })))
  return [...own, ...links].flatMap(({ node, text }) => {
    const address = parseIp(text)
    return address ? [{ node, address }] : []
  })
}

function checkDependencies(job: JobConfig, source: Source): void {
  const byName = new Map(job.applications.map((application) => [application.name, application]))
  for (const { name, dependsOn } of job.applications) {
    for (const other of dependsOn.filter((word) => !byName.has(word))) {
      const known = [...byName.keys()].filter((word) => word !== name).join(', ') || 'none'
      const instead = `Applications of the same job it can depend on: ${known}.`
      source.refuse(dependsOn, 'E_CONFIG_DEPENDENCY', { application: name, why: `depends on ${other || 'nothing'}, which this job does not have`, instead })
    }
  }
  const circle = findCircle(byName)
  if (!circle) return
  const why = `depends on itself: ${circle.map(({ name }) => name).join(' → ')}`
  const first = circle[0] as ApplicationConfig
  source.refuse(first.dependsOn, 'E_CONFIG_DEPENDENCY', { application: first.name, why, instead: 'Remove one dependsOn of this circle.' })
}

/** The first circle found, its first member again at the end. */
function findCircle(byName: Map<string, ApplicationConfig>): ApplicationConfig[] | null {
  const done = new Set<string>()
  const visit = (application: ApplicationConfig, path: ApplicationConfig[]): ApplicationConfig[] | null => {
    const start = path.indexOf(application)
    if (start >= 0) return [...path.slice(start), application]
    if (done.has(application.name)) return null
    for (const other of application.dependsOn) {
      const next = byName.get(other)
      const circle = next ? visit(next, [...path, application]) : null
      if (circle) return circle
    }
    done.add(application.name)
    return null
  }
  for (const application of byName.values()) {
    const circle = visit(application, [])
    if (circle) return circle
  }
  return null
}
