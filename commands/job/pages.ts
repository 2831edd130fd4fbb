import { JOB_MODES, type JobChange, type JobMode } from '../../src/model'
import type { Context } from '../context'
import type { Choice } from '../kit/ask'
import { askChecked, choose } from '../kit/confirm'
import { application, vipChange } from './changes'
import type { Draft } from './draft'

const NONE = ''
const BY_NETWORK = 'auto'
const YES_NO: Choice[] = [
  { value: 'no', name: 'No' },
  { value: 'yes', name: 'Yes' }
]

const wordsOf = (answer: string): string[] => answer.split(/\s+/).filter((word) => word !== NONE)

/** False: there are no more. */
export async function addFolder(context: Context, draft: Draft): Promise<boolean> {
  const put = (name: string): JobChange => ({ do: 'put', list: 'data.folders', name: name.replace(/(.)\/+$/, '$1'), values: {} })
  const check = async (path: string): Promise<string | null> => (path === NONE ? null : await draft.whyNotThere(put(path)))
  const path = await askChecked(context, { message: 'Folder to mirror, whole path (empty: no more):', initial: NONE, check })
  if (path === NONE) return false
  draft.add(put(path))
  const folder = path.replace(/(.)\/+$/, '$1')
  await askPatterns(context, draft, folder)
  return true
}

/** What is left out of a folder, and of that, what is not. */
export async function askPatterns(context: Context, draft: Draft, folder: string): Promise<void> {
  const ask = async (key: 'exclude' | 'include', message: string): Promise<boolean> => {
    const changes = (answer: string): JobChange[] => wordsOf(answer).map((pattern) => ({ do: key, folder, pattern }))
    const answered = changes(await askChecked(context, { message, initial: NONE, check: async (answer) => draft.whyNot(...changes(answer)) }))
    draft.add(...answered)
    return answered.length > 0
  }
  const leaves = await ask('exclude', `Left out of ${folder}, patterns such as *.tmp (empty: nothing):`)
  if (leaves) await ask('include', 'Replicated all the same, such as keep.tmp (empty: nothing):')
}

/** Whose data the first copy is made of. */
export async function askOwner(context: Context, draft: Draft): Promise<void> {
  if ((draft.config?.data ?? null) === null) return
  const [first = NONE, ...others] = draft.nodes
  const choices = [first, ...others].map((node) => ({ value: node, name: node, description: `The first copy is made of what ${node} has in its folders.` }))
  const owner = await choose(context, 'Which node has the right data now?', choices, first)
  if (owner !== first) draft.add({ do: 'set', at: 'firstOwner', value: owner })
}

const MODES: Record<JobMode, string> = {
  guide: 'Fails over when every heartbeat is lost; writes do not wait for the mirror.',
  'high-availability': 'Fails over by itself, nothing acknowledged is lost; needs the witness.',
  'high-protection': 'Nothing acknowledged is lost; stops without the mirror; no failover.',
  'high-performance': 'Writes do not wait for the mirror; no failover by itself.'
}

/** Only modes that the pair can have, with this job as far as it is known. */
export async function askMode(context: Context, draft: Draft): Promise<void> {
  const change = (value: string): JobChange => ({ do: 'set', at: 'mode', value })
  const choices = JOB_MODES.filter((mode) => draft.whyNot(change(mode)) === null).map((mode) => ({ value: mode, name: mode, description: MODES[mode] }))
  const now = draft.config?.mode ?? (draft.hasWitness ? 'high-availability' : 'guide')
  const mode = await choose(context, 'Mode:', choices, now)
  draft.add(change(mode))
  if (mode !== 'guide' || (draft.config?.data ?? null) === null) return
  const safeties = [
    { value: 'off', name: 'off', description: 'An application never waits for the other node.' },
    { value: 'full', name: 'full', description: 'What is durable is on both disks before the application is told.' }
  ]
  const safety = await choose(context, 'Safety:', safeties, draft.config?.data?.safety ?? 'off')
  draft.add({ do: 'set', at: 'data.safety', value: safety })
}

export async function addVip(context: Context, draft: Draft): Promise<boolean> {
  const taken = draft.config?.vips.length ?? 0
  const suggested = `IP-${draft.job}${taken === 0 ? NONE : `-${taken + 1}`}`
  const put = (name: string, word: string): JobChange => vipChange([name, word])
  const check = async (word: string): Promise<string | null> => (word === NONE ? null : await draft.whyNotThere(put(suggested, word)))
  const address = await askChecked(context, { message: 'Virtual address, ADDRESS/PREFIX (empty: no more):', initial: NONE, check })
  if (address === NONE) return false
  const name = await askChecked(context, { message: 'Its name:', initial: suggested, check: async (answer) => draft.whyNot(put(answer, address)) })
  const cards = (answer: string): string => (answer === BY_NETWORK ? address : `${address}@${wordsOf(answer).join(',')}`)
  const message = 'Network cards, best first (auto: by the network of the address):'
  const nic = await askChecked(context, { message, initial: BY_NETWORK, check: async (answer) => await draft.whyNotThere(put(name, cards(answer))) })
  draft.add(put(name, cards(nic)))
  return true
}

const KINDS: Choice[] = [
  { value: 'service', name: 'service', description: 'A systemd unit.' },
  { value: 'process', name: 'process', description: 'A command that stays in the foreground.' },
  { value: 'agent', name: 'agent', description: 'An OCF resource agent, such as ocf:heartbeat:pgsql.' }
]
const WHAT: Record<string, string> = { service: 'Unit:', process: 'Command:', agent: 'Agent:' }

export async function addApplication(context: Context, draft: Draft): Promise<boolean> {
  const others = draft.config?.applications.map(({ name }) => name) ?? []
  const checkName = async (name: string): Promise<string | null> => {
    if (name === NONE) return null
    return others.includes(name) ? `There is an application ${name} already.` : draft.whyNot(application(name, { process: { start: 'true' } }))
  }
  const name = await askChecked(context, { message: 'Application, its name (empty: no more):', initial: NONE, check: checkName })
  if (name === NONE) return false
  const kind = await choose(context, `What is ${name}?`, KINDS, 'service')
  const values = (answer: string) => application(name, { [kind]: kind === 'process' ? { start: answer } : answer })
  const check = async (answer: string): Promise<string | null> => (answer === NONE ? 'It is needed.' : await draft.whyNotThere(values(answer)))
  draft.add(values(await askChecked(context, { message: WHAT[kind] ?? NONE, initial: NONE, check })))
  await askSettings(context, draft, name, kind, others)
  return true
}

/** What has a default is asked for only when somebody wants to. */
async function askSettings(context: Context, draft: Draft, name: string, kind: string, others: string[]): Promise<void> {
  const set = (key: string, value: string): JobChange => ({ do: 'set', at: `applications.${name}.${key}`, value })
  const ask = async (key: string, message: string, initial: string): Promise<void> => {
    const check = async (answer: string): Promise<string | null> => (answer === initial ? null : await draft.whyNotThere(set(key, answer)))
    const answer = await askChecked(context, { message, initial, check })
    if (answer !== initial) draft.add(set(key, answer))
  }
  if (kind === 'agent') await askParameters(context, draft, name)
  if (others.length > 0) await askDependencies(context, draft, name, others)
  if ((await choose(context, `Other settings of ${name} (user, check, timeouts)?`, YES_NO, 'no')) === 'no') return
  if (kind === 'process') {
    await ask('process.user', 'User (empty: that of the agent):', NONE)
    await ask('process.workingDirectory', 'Working directory (empty: none):', NONE)
    await ask('process.stop', 'Command to stop it (empty: a signal):', NONE)
    await ask('process.check', 'Command to check it (empty: only that it runs):', NONE)
  }
  await ask('startTimeout', 'Start timeout:', '60s')
  await ask('stopTimeout', 'Stop timeout:', '60s')
  await ask('checkInterval', 'Checked every:', '5s')
  await ask('checkTimeout', 'Check timeout:', '10s')
}

async function askDependencies(context: Context, draft: Draft, name: string, others: string[]): Promise<void> {
  const change = (answer: string): JobChange => application(name, { dependsOn: wordsOf(answer) })
  const check = async (answer: string): Promise<string | null> => (answer === NONE ? null : draft.whyNot(change(answer)))
  const answer = await askChecked(context, { message: `${name} starts after, of ${others.join(', ')} (empty: none):`, initial: NONE, check })
  if (answer !== NONE) draft.add(change(answer))
}

async function askParameters(context: Context, draft: Draft, name: string): Promise<void> {
  const change = (word: string): JobChange => {
    const cut = word.indexOf('=')
    return { do: 'set', at: `applications.${name}.parameters.${word.slice(0, cut)}`, value: word.slice(cut + 1) }
  }
  for (;;) {
    const check = async (word: string): Promise<string | null> => {
      if (word === NONE) return await draft.whyNotThere()
      return /^[^=]+=./.test(word) ? draft.whyNot(change(word)) : 'NAME=VALUE is expected, such as pgdata=/var/lib/pgsql/data.'
    }
    const word = await askChecked(context, { message: `Parameter of ${name}, NAME=VALUE (empty: no more):`, initial: NONE, check })
    if (word === NONE) return
    draft.add(change(word))
  }
}
