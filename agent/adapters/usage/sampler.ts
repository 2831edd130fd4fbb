import os from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
// Of the model no more than this: the program is to be small.
import { parseWatched, type Watched } from '../../../src/model/monitor/watched'
import { type Counters, rateOf, readCounters, readNics } from './counters'
import { findProcesses, type ProcessGroup, ProcessTable, processValue } from './processes'
import { kibField, percentOf, readText } from './proc'
import { mountedPlaces, type Space, spaceOf } from './space'

export type UsageValues = Record<string, number | null>

/** Without an earlier look there is no rate: it is measured over so long. */
const FIRST_RATE_MS = 500

interface Look {
  counters: Counters
  groups: Map<string, ProcessGroup>
}

/** Looks at the usage of this machine; what is a rate is one since the last look of the same sampler. */
export class Sampler {
  private before: Look | null = null

  async sample(keys: string[]): Promise<UsageValues> {
    const watched = keys.flatMap((key) => {
      const found = parseWatched(key)
      return typeof found === 'string' ? [] : [found]
    })
    const before = this.before ?? (await firstLook(watched))
    const now = look(watched)
    this.before = now
    const spaces = await spacesOf(watched)
    return Object.fromEntries(watched.map((one) => [one.key, watchedValue(one, before, now, spaces)]))
  }
}

/** What the whole server's usage is made of. */
export function wholeKeys(): string[] {
  const nics = readNics()
  const places = mountedPlaces()
  return [
    ...['cpu', 'load', 'memory', 'memory-free', 'swap', 'disk-read', 'disk-write', 'disk-busy'],
    ...places.flatMap((place) => [`disk ${place}`, `disk-free ${place}`, `inodes ${place}`]),
    ...[...nics.keys()].filter((name) => name !== 'lo').flatMap((name) => [`net-receive ${name}`, `net-send ${name}`])
  ]
}

async function firstLook(watched: Watched[]): Promise<Look> {
  const first = look(watched)
  await pause(FIRST_RATE_MS)
  return first
}

function look(watched: Watched[]): Look {
  const atMs = performance.now()
  const table = new ProcessTable()
  const groups = new Map<string, ProcessGroup>()
  for (const one of watched) if (one.kind === 'process' && !groups.has(groupKey(one))) groups.set(groupKey(one), findProcesses(table, one.by, one.name, atMs))
  return { counters: readCounters(atMs), groups }
}

const groupKey = ({ by, name }: Extract<Watched, { kind: 'process' }>): string => `${by} ${name}`

async function spacesOf(watched: Watched[]): Promise<Map<string, Space | null>> {
  const paths = [...new Set(watched.flatMap((one) => (one.kind === 'host' && one.of?.startsWith('/') ? [one.of] : [])))]
  return new Map(await Promise.all(paths.map(async (path) => [path, await spaceOf(path)] as const)))
}

function watchedValue(one: Watched, before: Look, now: Look, spaces: Map<string, Space | null>): number | null {
  if (one.kind === 'process') {
    const group = now.groups.get(groupKey(one))
    return group === undefined ? null : processValue(one.item, before.groups.get(groupKey(one)) ?? { atMs: before.counters.atMs, members: [] }, group)
  }
  const space = spaces.get(one.of ?? '') ?? null
  switch (one.item) {
    case 'load':
      return os.loadavg()[0] ?? null
    case 'memory':
    case 'memory-free':
    case 'swap':
      return memoryValue(one.item)
    case 'disk':
      return space?.usedPercent ?? null
    case 'disk-free':
      return space?.freeBytes ?? null
    case 'inodes':
      return space?.inodesPercent ?? null
    default:
      return rateOf(one.item, one.of, before.counters, now.counters)
  }
}

/** Available is what programs can have before anything is paged out: free, and what caches give back. */
function memoryValue(item: 'memory' | 'memory-free' | 'swap'): number | null {
  const text = readText('/proc/meminfo') ?? ''
  const [total, available] =
    item === 'swap' ? [kibField(text, 'SwapTotal'), kibField(text, 'SwapFree')] : [kibField(text, 'MemTotal'), kibField(text, 'MemAvailable')]
  if (total === null || available === null) return null
  return item === 'memory-free' ? available : percentOf(total - available, total)
}
