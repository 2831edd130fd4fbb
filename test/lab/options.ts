import { parseArgs } from 'node:util'
import { JOB_MODES, type JobMode } from '../../src/model'
import { LabError } from './labError'
import { DEFAULT_NAME } from './places'
import type { FileSystem } from './storage'

export interface UpOptions {
  name: string
  configFile: string | null
  jobs: string[]
  application: string
  /** Each job has a second application, which says on which node it runs. */
  who: boolean
  folder: string | null
  fileSystem: FileSystem
  diskBytes: number
  heartbeat: string
  maxMiss: number
  /** Of every job; null: the guide's mode, and no witness. */
  mode: JobMode | null
  /** More settings of the quorum, in the words of mirrorpair.yaml. */
  quorum: Record<string, string>
  /** More settings of each job's `data` section, in the words of mirrorpair.yaml. */
  data: Record<string, string>
  /** How long a node that boots alone waits; in the words of mirrorpair.yaml. */
  boot: Record<string, string>
  agentCommand: string | null
  /** Do not wait for the agents: they are given a moment of their own by whoever asked. */
  wait: boolean
}

const UP_OPTIONS = {
  name: { type: 'string', default: DEFAULT_NAME },
  config: { type: 'string' },
  jobs: { type: 'string', default: 'DB_Group' },
  application: { type: 'string', default: 'none' },
  who: { type: 'boolean', default: false },
  folder: { type: 'string' },
  fs: { type: 'string', default: 'ext4' },
  size: { type: 'string', default: '4G' },
  heartbeat: { type: 'string', default: '500ms' },
  miss: { type: 'string', default: '3' },
  mode: { type: 'string' },
  quorum: { type: 'string', default: '' },
  data: { type: 'string', default: '' },
  boot: { type: 'string', default: '' },
  'agent-command': { type: 'string' },
  'no-wait': { type: 'boolean', default: false }
} as const

export function parseUp(args: string[]): UpOptions {
  const { values } = refusing(() => parseArgs({ args, options: UP_OPTIONS, strict: true }))
  if (values.fs !== 'ext4' && values.fs !== 'xfs') throw new LabError(`--fs ${values.fs} is unknown`, '--fs ext4 or --fs xfs', 2)
  const maxMiss = Number(values.miss)
  if (!Number.isInteger(maxMiss) || maxMiss < 1) throw new LabError(`--miss ${values.miss} is no number of heartbeats`, '--miss 3', 2)
  return {
    name: values.name,
    configFile: values.config ?? null,
    jobs: values.jobs.split(',').filter(Boolean),
    application: values.application,
    who: values.who,
    folder: values.folder ?? null,
    fileSystem: values.fs,
    diskBytes: sizeBytes(values.size),
    heartbeat: values.heartbeat,
    maxMiss,
    mode: modeOf(values.mode),
    quorum: settings('quorum', values.quorum),
    data: settings('data', values.data),
    boot: settings('boot', values.boot),
    agentCommand: values['agent-command'] ?? null,
    wait: !values['no-wait']
  }
}

function modeOf(word: string | undefined): JobMode | null {
  const mode = JOB_MODES.find((known) => known === word)
  if (word !== undefined && mode === undefined) throw new LabError(`--mode ${word} is unknown`, `--mode ${JOB_MODES.join(', --mode ')}`, 2)
  return mode ?? null
}

const EXAMPLE = { boot: '--boot waitForPeer=30s', data: '--data partnerTimeout=2s,queue=8MiB', quorum: '--quorum lease=3s,drift=100ms' }

/** `safety=full,partnerTimeout=2s` */
function settings(option: 'boot' | 'data' | 'quorum', text: string): Record<string, string> {
  const pairs = text.split(',').filter(Boolean)
  const wrong = pairs.find((pair) => !/^\w+=[^=]+$/.test(pair))
  if (wrong !== undefined) throw new LabError(`--${option} ${wrong} is no setting`, EXAMPLE[option], 2)
  return Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]))
}

const UNIT_BYTES: Record<string, number> = { M: 1024 ** 2, G: 1024 ** 3 }

function sizeBytes(text: string): number {
  const match = /^(\d+)([MG])$/.exec(text)
  if (!match) throw new LabError(`--size ${text} is no size`, '--size 4G or --size 800M', 2)
  return Number(match[1]) * (UNIT_BYTES[match[2] ?? ''] ?? 1)
}

function refusing<Result>(parse: () => Result): Result {
  try {
    return parse()
  } catch (error) {
    throw new LabError((error as Error).message.split('\n')[0] ?? 'the options are wrong', 'lab help', 2)
  }
}

/** Takes `--name N` from the words before the first one that is not an option; the rest belongs to the verb. */
export function takeName(args: string[]): { name: string; rest: string[] } {
  const [first = '', second] = args
  if (first === '--name' && second !== undefined) return { name: second, rest: args.slice(2) }
  if (first.startsWith('--name=')) return { name: first.slice('--name='.length), rest: args.slice(1) }
  return { name: DEFAULT_NAME, rest: args }
}
