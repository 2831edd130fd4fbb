import { sizeText } from '../config/units'

/** What a value is counted in; decides how it is written and how exactly it is compared. */
export type WatchedUnit = 'percent' | 'bytes' | 'bytesPerSecond' | 'perSecond' | 'number'

interface Item {
  /** The guide's column Resource item. */
  title: string
  unit: WatchedUnit
}

interface HostItem extends Item {
  /** What has to follow the word, or may: a place in the file system, a block device, a network card. */
  of: 'path' | 'device' | 'nic' | null
}

/** The whole server (the guide's All Host). */
const HOST_ITEMS = {
  cpu: { title: 'CPU Rate', unit: 'percent', of: null },
  load: { title: 'Load', unit: 'number', of: null },
  memory: { title: 'Memory Rate', unit: 'percent', of: null },
  'memory-free': { title: 'Memory Free', unit: 'bytes', of: null },
  swap: { title: 'Swap Rate', unit: 'percent', of: null },
  disk: { title: 'Disk Rate', unit: 'percent', of: 'path' },
  'disk-free': { title: 'Disk Free', unit: 'bytes', of: 'path' },
  inodes: { title: 'Inode Rate', unit: 'percent', of: 'path' },
  'disk-read': { title: 'Disk Read', unit: 'bytesPerSecond', of: 'device' },
  'disk-write': { title: 'Disk Write', unit: 'bytesPerSecond', of: 'device' },
  'disk-busy': { title: 'Disk Busy', unit: 'percent', of: 'device' },
  'net-receive': { title: 'Network Receive', unit: 'bytesPerSecond', of: 'nic' },
  'net-send': { title: 'Network Send', unit: 'bytesPerSecond', of: 'nic' },
  'net-errors': { title: 'Network Errors', unit: 'perSecond', of: 'nic' }
} as const satisfies Record<string, HostItem>
export type HostItemWord = keyof typeof HOST_ITEMS

/** All processes of one name together. */
const PROCESS_ITEMS = {
  cpu: { title: 'CPU Rate', unit: 'percent' },
  memory: { title: 'Memory', unit: 'bytes' },
  count: { title: 'Count', unit: 'number' },
  threads: { title: 'Threads', unit: 'number' },
  files: { title: 'Open Files', unit: 'number' }
} as const satisfies Record<string, Item>
export type ProcessItemWord = keyof typeof PROCESS_ITEMS

/** How a process is named: its name, a part of its command line, or the file with its number. */
const PROCESS_WORDS = ['process', 'cmdline', 'pidfile'] as const
export type ProcessWord = (typeof PROCESS_WORDS)[number]

/** One value that can be looked at. `key` is the one way to write it. */
export type Watched = { key: string; title: string; unit: WatchedUnit } & (
  | { kind: 'host'; item: HostItemWord; of: string | null }
  | { kind: 'process'; item: ProcessItemWord; by: ProcessWord; name: string }
)

const hasKey = <T extends object>(table: T, word: string): word is Extract<keyof T, string> => Object.hasOwn(table, word)

/** `cpu`, `disk /srv`, `net-send eth0`, `process postgres memory`; a text says what is wrong. */
export function parseWatched(text: string): Watched | string {
  const words = text.trim().split(/\s+/)
  const [first = '', ...rest] = words
  const by = PROCESS_WORDS.find((word) => word === first)
  return by === undefined ? hostValue(first, rest.join(' ')) : processValue(by, rest)
}

function hostValue(item: string, of: string): Watched | string {
  if (!hasKey(HOST_ITEMS, item)) return `one of ${[...Object.keys(HOST_ITEMS), ...PROCESS_WORDS].join(', ')}`
  const { title, unit, of: needs } = HOST_ITEMS[item]
  if (needs === 'path' && !of.startsWith('/')) return `${item} with a path that begins with /`
  if ((needs === null && of !== '') || (needs !== 'path' && /[\s/]/.test(of)))
    return needs === null ? `${item} alone` : `${item} with one ${needs}, or alone for all`
  return { kind: 'host', item, of: of === '' ? null : of, key: of === '' ? item : `${item} ${of}`, title, unit }
}

function processValue(by: ProcessWord, rest: string[]): Watched | string {
  const item = rest.at(-1) ?? ''
  const name = rest.slice(0, -1).join(' ')
  const items = Object.keys(PROCESS_ITEMS).join(', ')
  if (!hasKey(PROCESS_ITEMS, item) || name === '') return `${by} ${by === 'pidfile' ? 'FILE' : 'NAME'}, then one of ${items}`
  if (by === 'pidfile' && !name.startsWith('/')) return 'pidfile with a path that begins with /'
  return { kind: 'process', item, by, name, key: `${by} ${name} ${item}`, ...PROCESS_ITEMS[item] }
}

/** The guide's column Process. */
export const processText = (watched: Watched): string =>
  watched.kind === 'host' ? 'All Host' : watched.by === 'process' ? watched.name : `${watched.by} ${watched.name}`

/** The guide's column Resource item. */
export const itemText = (watched: Watched): string => (watched.kind === 'host' && watched.of !== null ? `${watched.title} ${watched.of}` : watched.title)

/** null: it could not be read. */
export function valueText(unit: WatchedUnit, value: number | null): string {
  if (value === null) return 'NA'
  switch (unit) {
    case 'percent':
      return `${tenth(value)}%`
    case 'bytes':
      return bytesText(value)
    case 'bytesPerSecond':
      return `${bytesText(value)}/s`
    case 'perSecond':
      return `${tenth(value)}/s`
    case 'number':
      return String(Math.round(value * 100) / 100)
  }
}

const tenth = (value: number): number => Math.round(value * 10) / 10

/** Exact where that is short. */
function bytesText(bytes: number): string {
  const whole = bytes < 1 ? '0B' : sizeText(Math.round(bytes))
  if (whole.length <= 7) return whole
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const place = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return `${tenth(bytes / 1024 ** place)}${units[place]}`
}

/** What is shown as equal is equal. */
export function exactly(unit: WatchedUnit, value: number): number {
  if (unit === 'percent' || unit === 'perSecond') return tenth(value)
  return unit === 'number' ? Math.round(value * 100) / 100 : Math.round(value)
}
