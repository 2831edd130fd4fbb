import { isMap, isSeq, type Node } from 'yaml'
import {
  DEFAULT_DATA_PORT,
  DEFAULT_PAGEFILE_BYTES,
  DEFAULT_PARTNER_TIMEOUT_MS,
  DEFAULT_QUEUE_BYTES,
  DEFAULT_REDO_QUEUE_BYTES,
  type DataConfig,
  type FolderConfig,
  type JobConfig,
  type VipConfig
} from '../config'
import type { DrillTargets } from '../drill'
import { INCLUDED_MARK } from '../patterns'
import { parseIp, prefixMax } from './address'
import { readApplication } from './applicationSection'
import { emptyRecord } from './clusterSections'
import { type ReadMode, readMode, readSafety } from './modeSection'
import { checkName } from './name'
import { readRestart, RESTART_KEYS } from './restartSection'
import { hasControl, printable, scalarText, Section } from './section'

const JOB_KEYS = ['mode', 'firstOwner', 'vips', 'applications', 'data', 'drill', ...RESTART_KEYS]
const DATA_KEYS = ['folders', 'port', 'capture', 'queue', 'safety', 'pagefile', 'redoQueue', 'partnerTimeout', 'bandwidth']
const QUEUE_BYTES = { min: 1024 ** 2, max: 16 * 1024 ** 3 }
const PAGEFILE_BYTES = { min: 0, max: 1024 ** 4 }
const REDO_QUEUE_BYTES = { min: 16 * 1024 ** 2, max: 1024 ** 4 }
const PARTNER_TIMEOUT_MS = { min: 1_000, max: 600_000 }
const DRILL_MS = { min: 100, max: 24 * 3_600_000 }
const DRILL_LOST = { min: 0, max: 1_000_000 }
const BANDWIDTH_BYTES = { min: 16 * 1024, max: 1024 ** 4 }

export function readJobs(top: Section): Record<string, JobConfig> {
  const jobs = emptyRecord<JobConfig>()
  if (!top.require('jobs', 'jobs: { DB_Group: { vips: […], applications: […], data: { folders: […] } } }')) return jobs
  const section = top.section('jobs', 'jobs', null)
  for (const [place, name] of section.names.entries()) {
    if (!checkName(top.source, section.keyNode(name), 'a job', name)) continue
    const job = section.section(name, `job ${name}`, JOB_KEYS)
    jobs[name] = readJob(job, name, DEFAULT_DATA_PORT + place, top.valueNode('witness') !== null)
    top.source.remember(jobs[name], section.keyNode(name))
    top.source.remember(`first owner of ${name}`, job.place('firstOwner'))
  }
  return jobs
}

function readJob(section: Section, name: string, defaultPort: number, withWitness: boolean): JobConfig {
  const mode = readMode(section, name, withWitness)
  const applications = section.list('applications', '[ { name: POSTGRES, service: postgresql@15-main } ]')
  return {
    name,
    mode: mode.mode,
    ...(section.valueNode('firstOwner') ? { firstOwner: section.text('firstOwner', '', 'RMHW132') } : {}),
    ...readRestart(section),
    vips: section.list('vips', '[ { name: IP-DB_Group, address: 192.168.150.130/16 } ]').map((item) => readVip(section, item)),
    ...(section.valueNode('drill') ? { drill: readDrill(section.section('drill', `drill of job ${name}`, ['outage', 'loss', 'sync', 'wait'])) } : {}),
    applications: applications.map((item) => readApplication(section, item)),
    data: section.valueNode('data') ? readData(section.section('data', `data of job ${name}`, DATA_KEYS), defaultPort, mode) : null
  }
}

/** `drill: { outage: 5s, loss: 0, sync: 60s, wait: 12s }` */
function readDrill(section: Section): DrillTargets {
  const duration = (key: string): number | null => (section.valueNode(key) ? section.durationMs(key, DRILL_MS.max, DRILL_MS) : null)
  const lost = section.valueNode('loss') ? section.count('loss', 0, DRILL_LOST) : null
  return { outageMs: duration('outage'), lost, syncMs: duration('sync'), waitMs: duration('wait') }
}

function readVip(job: Section, item: Node): VipConfig {
  const section = new Section(job.source, `a virtual address of ${job.where}`, item, ['name', 'address', 'nicGroup', 'nic'])
  const name = section.require('name', 'name: IP-DB_Group') ? section.text('name', '', 'IP-DB_Group') : ''
  if (name !== '') checkName(job.source, section.place('name'), 'a virtual address', name)
  const vip: VipConfig = { name, ...readVipAddress(section), nicGroup: section.text('nicGroup', null, 'Nic-DB_Group'), ...readNic(section) }
  job.source.remember(vip, section.place('address'))
  return vip
}

/** `nic: eth0`, or several, best first: `nic: [ eth0, eth1 ]`. */
function readNic(section: Section): Pick<VipConfig, 'nic' | 'nics'> {
  if (!isSeq(section.valueNode('nic'))) return { nic: section.text('nic', null, 'eth0') }
  const nics = section.list('nic', '[ eth0, eth1 ]').map((item) => scalarText(item) ?? '')
  if (nics.length === 0 || nics.some((name) => name === '' || hasControl(name))) section.refuse('nic', 'names of network cards', '[ eth0, eth1 ]')
  return { nic: nics[0] ?? null, nics }
}

function readVipAddress(section: Section): { address: string; prefix: number; family: 4 | 6 } {
  const example = '192.168.150.130/16'
  const refused = { address: '', prefix: 0, family: 4 as const }
  if (!section.require('address', `address: ${example}`)) return refused
  const [text = '', bits = ''] = (scalarText(section.valueNode('address')) ?? '').split('/', 2)
  const ip = parseIp(text)
  const prefix = /^\d{1,3}$/.test(bits) ? Number(bits) : 0
  if (ip && prefix >= 1 && prefix <= prefixMax(ip.family)) return { address: ip.text, prefix, family: ip.family }
  section.refuse('address', 'an IP address with the prefix of its network', example)
  return refused
}

function readData(section: Section, defaultPort: number, mode: ReadMode): DataConfig {
  const capture = section.oneOf('capture', 'fuse', ['fuse', 'watch'])
  const data: DataConfig = {
    folders: section.require('folders', 'folders: [ /var/lib/postgresql ]') ? readFolders(section) : [],
    port: section.port('port', defaultPort, defaultPort),
    capture,
    queueBytes: section.sizeBytes('queue', DEFAULT_QUEUE_BYTES, QUEUE_BYTES),
    safety: readSafety(section, mode, capture),
    pagefileBytes: section.sizeBytes('pagefile', DEFAULT_PAGEFILE_BYTES, PAGEFILE_BYTES),
    redoQueueBytes: section.sizeBytes('redoQueue', DEFAULT_REDO_QUEUE_BYTES, REDO_QUEUE_BYTES),
    partnerTimeoutMs: section.durationMs('partnerTimeout', DEFAULT_PARTNER_TIMEOUT_MS, PARTNER_TIMEOUT_MS),
    // An absolute number of bytes each second: `bandwidth: 50MiB`.
    bandwidthBytesPerSecond: section.valueNode('bandwidth') ? section.sizeBytes('bandwidth', BANDWIDTH_BYTES.max, BANDWIDTH_BYTES) : null
  }
  section.source.remember(data, section.place('port'))
  return data
}

function readFolders(data: Section): FolderConfig[] {
  const items = data.list('folders', '[ /var/lib/postgresql ]')
  if (items.length === 0 && isSeq(data.valueNode('folders'))) data.refuse('folders', 'a list with at least one folder', '[ /var/lib/postgresql ]')
  return items.map((item) => {
    const folder = isMap(item) ? readFolderMap(data, item) : { path: folderPath(data, item, scalarText(item)), exclude: [] }
    data.source.remember(folder, isMap(item) ? new Section(data.source, '', item, null).place('path') : item)
    return folder
  })
}

function readFolderMap(data: Section, item: Node): FolderConfig {
  const section = new Section(data.source, `a folder of ${data.where}`, item, ['path', 'exclude', 'include'])
  if (!section.require('path', 'path: /var/lib/postgresql')) return { path: '', exclude: [] }
  if (isMap(section.valueNode('path'))) return { ...readNodePaths(section), exclude: readPatterns(section) }
  return { path: folderPath(section, section.place('path'), scalarText(section.valueNode('path'))), exclude: readPatterns(section) }
}

/** `path: { RMHW131: /data/db, RMHW132: /srv/db }`: the same folder, at another place on each node. */
function readNodePaths(section: Section): { path: string; nodePaths: Record<string, string> } {
  const paths = section.section('path', `path of ${section.where}`, null)
  const nodePaths = emptyRecord<string>()
  for (const node of paths.names) nodePaths[node] = folderPath(paths, paths.place(node), scalarText(paths.valueNode(node)))
  section.source.remember(nodePaths, section.place('path'))
  return { path: Object.values(nodePaths)[0] ?? '', nodePaths }
}

function readPatterns(section: Section): string[] {
  const [excluded, included] = [patternsOf(section, 'exclude'), patternsOf(section, 'include')]
  if (excluded.length === 0 && included.length > 0)
    section.refuse('include', 'exclude beside it: what is not left out is included anyway', "exclude: [ '**/*.log' ], include: [ '**/audit.log' ]")
  return [...excluded, ...included.map((pattern) => `${INCLUDED_MARK}${pattern}`)]
}

function patternsOf(section: Section, key: 'exclude' | 'include'): string[] {
  return section.list(key, "[ postmaster.pid, '*.tmp' ]").flatMap((item) => {
    const pattern = scalarText(item)
    const relative = pattern && !pattern.startsWith('/') && !pattern.split('/').includes('..')
    if (relative && !hasControl(pattern) && !pattern.startsWith(INCLUDED_MARK)) return [pattern]
    section.source.refuse(item, 'E_CONFIG_VALUE', {
      key,
      where: section.where,
      found: pattern ? printable(pattern) : 'empty',
      expected: `patterns relative to the folder, not beginning with ${INCLUDED_MARK} (include names what exclude leaves out)`,
      example: "[ postmaster.pid, '*.tmp' ]"
    })
    return []
  })
}

/** One way to write it: no double and no last slash. */
function folderPath(section: Section, at: Node | null, text: string | null): string {
  const path = (text ?? '').replace(/\/+/g, '/').replace(/(.)\/$/, '$1')
  const refused = whyNotFolder(path)
  if (refused === null) return path
  section.source.refuse(at, 'E_CONFIG_FOLDER', { path: printable(path) || '(empty)', ...refused })
  return ''
}

function whyNotFolder(path: string): { why: string; instead: string } | null {
  const instead = 'Write the whole path of the folder, for example /var/lib/postgresql/15/main.'
  if (path === '/') return { why: 'is the root of everything and cannot be mirrored', instead: `Name the folder of the service. ${instead}` }
  if (!path.startsWith('/')) return { why: 'does not begin with /', instead }
  if (hasControl(path)) return { why: 'has control characters in it', instead }
  return path.split('/').some((part) => part === '..' || part === '.') ? { why: 'has . or .. in it', instead } : null
}
