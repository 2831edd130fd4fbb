import { Flags } from '@oclif/core'
import { JOB_MODES, type JobChange } from '../../src/model'
import { fail } from '../kit/fail'

/** The parts of a job as options; what has none is reached by --set. */
export const parts = {
  file: Flags.string({ description: 'the YAML of the job as job show prints it, - for standard input; options change it further' }),
  mode: Flags.string({ description: JOB_MODES.join(', ') }),
  safety: Flags.string({ description: 'full or off: what the job begins with' }),
  vip: Flags.string({ multiple: true, description: 'NAME=ADDRESS/PREFIX[@NIC[,NIC]], a virtual address' }),
  folder: Flags.string({ multiple: true, description: 'a folder whose data is mirrored, whole path' }),
  exclude: Flags.string({ multiple: true, description: '[FOLDER=]PATTERN, left out of the folder, or of all' }),
  include: Flags.string({ multiple: true, description: '[FOLDER=]PATTERN, not left out although --exclude names it' }),
  service: Flags.string({ multiple: true, description: 'NAME=UNIT, an application that is a systemd unit' }),
  process: Flags.string({ multiple: true, description: 'NAME=COMMAND, an application that is a command in the foreground' }),
  agent: Flags.string({ multiple: true, description: 'NAME=TYPE, an application that is an OCF resource agent: ocf:heartbeat:pgsql' }),
  depends: Flags.string({ multiple: true, description: 'NAME=OTHER[,OTHER], an application starts after others' }),
  set: Flags.string({ multiple: true, description: 'KEY=VALUE in the words of mirrorpair.yaml: applications.POSTGRES.stopTimeout=2m' }),
  unset: Flags.string({ multiple: true, description: 'KEY, or a member of a list: vips.IP-DB_Group' })
}

export interface PartFlags {
  file?: string | undefined
  mode?: string | undefined
  safety?: string | undefined
  vip?: string[] | undefined
  folder?: string[] | undefined
  exclude?: string[] | undefined
  include?: string[] | undefined
  service?: string[] | undefined
  process?: string[] | undefined
  agent?: string[] | undefined
  depends?: string[] | undefined
  set?: string[] | undefined
  unset?: string[] | undefined
}

/** In an order in which each finds what it is about: members first, then what is said of them. */
export function changesOf(flags: PartFlags, usage: string): JobChange[] {
  const pairs = (words: string[] | undefined, form: string): [string, string][] => (words ?? []).map((word) => pair(word, form, usage))
  return [
    ...(flags.unset ?? []).map((at): JobChange => ({ do: 'unset', at })),
    ...(flags.mode === undefined ? [] : [{ do: 'set', at: 'mode', value: flags.mode } as const]),
    ...(flags.folder ?? []).map((name): JobChange => ({ do: 'put', list: 'data.folders', name, values: {} })),
    ...(flags.safety === undefined ? [] : [{ do: 'set', at: 'data.safety', value: flags.safety } as const]),
    ...pairs(flags.vip, 'NAME=ADDRESS/PREFIX[@NIC]').map(vipChange),
    ...pairs(flags.service, 'NAME=UNIT').map(([name, service]) => application(name, { ...NO_KIND, service })),
    ...pairs(flags.process, 'NAME=COMMAND').map(([name, start]) => application(name, { ...NO_KIND, process: { start } })),
    ...pairs(flags.agent, 'NAME=TYPE').map(([name, agent]) => application(name, { ...NO_KIND, agent })),
    ...pairs(flags.depends, 'NAME=OTHER').map(([name, others]) => application(name, { dependsOn: others.split(',').map((other) => other.trim()) })),
    ...(flags.exclude ?? []).map((word) => patternChange('exclude', word)),
    ...(flags.include ?? []).map((word) => patternChange('include', word)),
    ...pairs(flags.set, 'KEY=VALUE').map(([at, value]): JobChange => ({ do: 'set', at, value }))
  ]
}

/** An application has one kind. */
const NO_KIND = { service: null, process: null, agent: null }

export const application = (name: string, values: Record<string, unknown>): JobChange => ({ do: 'put', list: 'applications', name, values })

export function vipChange([name, word]: [string, string]): JobChange {
  const [address, cards] = word.split('@', 2)
  const nics = cards?.split(',')
  const nic = nics === undefined ? {} : { nic: nics.length === 1 ? nics[0] : nics }
  return { do: 'put', list: 'vips', name, values: { address, ...nic } }
}

/** Patterns are relative to the folder, so one that begins with / names the folder. */
function patternChange(key: 'exclude' | 'include', word: string): JobChange {
  const at = word.startsWith('/') ? word.indexOf('=') : -1
  return { do: key, folder: at < 0 ? null : word.slice(0, at), pattern: word.slice(at + 1) }
}

function pair(word: string, form: string, usage: string): [string, string] {
  const at = word.indexOf('=')
  if (at > 0 && at < word.length - 1) return [word.slice(0, at), word.slice(at + 1)]
  throw fail('E_USAGE', { what: `"${word}" is not ${form}.`, usage })
}
