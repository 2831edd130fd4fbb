import { type Config, type JobConfig, type JobName, SAFETY_OF_MODE } from './config'

/** One value that differs between two configurations. */
export interface ConfigDifference {
  /** Names from the outside in: `links link-0 RMHW131`. */
  where: string
  /** As JSON; null: it is not there. */
  before: string | null
  after: string | null
  needs: ChangeNeeds
  job: JobName | null
  /** What the job would begin with: one that has begun keeps what it has. Absent: the value is used. */
  begins?: true
}

/**
 * `nothing`: it is used at once, under running services. `detached`: nobody may be watching the job, so it is detached or brought out. `stopped`: what the
 * data program stands on, so nothing may be sent: the job is detached with its replication stopped, or brought out. `offline`: the job must have been brought
 * out. `agents stopped`: certificates, sockets or the names themselves hang on it, so the file is edited by hand on both nodes while neither agent runs.
 */
export type ChangeNeeds = 'nothing' | 'detached' | 'stopped' | 'offline' | 'agents stopped'

type Leaves = Map<string, { path: string[]; value: string }>

/** The values of a job's data that its program takes on while it works. */
export const LIVE_DATA_KEYS: readonly string[] = ['partnerTimeoutMs', 'redoQueueBytes', 'bandwidthBytesPerSecond', 'safety']

export function configDifferences(before: Config, after: Config): ConfigDifference[] {
  const [old, next] = [leavesOf(before, after), leavesOf(after, before)]
  const keys = [...new Set([...old.keys(), ...next.keys()])]
  return keys.flatMap((key) => {
    const [was, is] = [old.get(key), next.get(key)]
    const path = (is ?? was)?.path ?? []
    // Numbers that an agreed configuration gets, and no file has.
    const isSince = path.at(-1) === 'since' && ((path[0] === 'witness' && path.length === 2) || (path[0] === 'jobs' && path.length === 3))
    if (was?.value === is?.value || isSince || (path[0] === 'quorum' && path[1] === 'configVersion')) return []
    const job = path[0] === 'jobs' ? (path[1] ?? null) : null
    return [
      {
        where: path.join(' '),
        before: was?.value ?? null,
        after: is?.value ?? null,
        needs: needsOf(path, before, after),
        job,
        ...(isBeginning(path, before, after) ? { begins: true as const } : {})
      }
    ]
  })
}

/** The safety of a mode that leaves it open: `safety JOB` is the word on it from the beginning on. The other modes have their own, and it follows them. */
function isBeginning([top, name = '', section, key]: string[], before: Config, after: Config): boolean {
  const [was, is] = [before.jobs[name], after.jobs[name]]
  return top === 'jobs' && section === 'data' && key === 'safety' && !!was?.data && !!is?.data && SAFETY_OF_MODE[is.mode] === null
}

function needsOf([top, name, section, key, value]: string[], before: Config, after: Config): ChangeNeeds {
  if (['quorum', 'links', 'witness', 'arbitration', 'boot', 'monitors'].includes(top ?? '')) return 'nothing'
  if (top === 'nodes') return before.nodes[name ?? ''] && after.nodes[name ?? ''] ? 'nothing' : 'agents stopped'
  if (top !== 'jobs' || name === undefined) return 'agents stopped'
  return needsOfJob(before.jobs[name], after.jobs[name], section, key, value)
}

/** Names below the job, from the outside in. */
function needsOfJob(before: JobConfig | undefined, after: JobConfig | undefined, ...[section, key, value]: (string | undefined)[]): ChangeNeeds {
  if (before === undefined) return 'nothing'
  if (after === undefined) return 'offline'
  if (section === 'applications') return value === 'restart' && isKept(before, after, key) ? 'nothing' : 'detached'
  if (section === 'data') return needsOfData(before, after, key)
  return section !== undefined && ['vips', 'mode', 'firstOwner', 'restart', 'drill'].includes(section) ? 'nothing' : 'offline'
}

/** A job that gets folders, or has none any more, becomes another one. */
function needsOfData(before: JobConfig, after: JobConfig, key: string | undefined): ChangeNeeds {
  if (!before.data || !after.data) return 'offline'
  return key !== undefined && LIVE_DATA_KEYS.includes(key) ? 'nothing' : 'stopped'
}

const isKept = (before: JobConfig, after: JobConfig, application: string | undefined): boolean =>
  [before, after].every(({ applications }) => applications.some(({ name }) => name === application))

/** Every value with its path; members of lists go by their name, and their order counts as one more value. What `other` shares as a whole is passed over. */
function leavesOf(config: Config, other: Config): Leaves {
  const leaves: Leaves = new Map()
  const add = (path: string[], value: unknown, there: unknown): void => {
    if (typeof value === 'object' && value === there) return
    if (Array.isArray(value)) return addList(path, value)
    if (typeof value === 'object' && value !== null) {
      for (const [key, part] of Object.entries(value)) add([...path, key], part, own(there, key))
      return
    }
    if (value !== undefined) leaves.set(path.join('\0'), { path, value: JSON.stringify(value) })
  }
  const addList = (path: string[], list: unknown[]): void => {
    const names = list.map(nameOf)
    if (names.some((name) => name === null)) return void leaves.set(path.join('\0'), { path, value: JSON.stringify(list) })
    for (const [i, part] of list.entries()) add([...path, names[i] as string], part, undefined)
    leaves.set([...path, 'order'].join('\0'), { path: [...path, 'order'], value: JSON.stringify(names) })
  }
  add([], config, other)
  return leaves
}

const own = (whole: unknown, key: string): unknown =>
  typeof whole === 'object' && whole !== null && Object.hasOwn(whole, key) ? whole[key as never] : undefined

const nameOf = (part: unknown): string | null => {
  const named = part as { name?: unknown } | null
  return typeof named?.name === 'string' ? named.name : null
}
