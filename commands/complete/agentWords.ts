import { agentName, parseConfig } from '../../src/model'
import type { AgentAnswer } from '../../src/wire'
import { readView } from '../change'
import { agentPath, DESCRIBE_ANSWER_MS } from '../configAgents'
import type { Context } from '../context'
import { call } from '../kit/nodes'

/** `applications.DB.parameters.pgd`, and what follows its `=`. */
const PARAMETER = /^(applications\.([^.=]+)\.parameters\.)([^=]*)(=?)/

/** What Tab offers inside the options of `job`: names of agents after `--agent NAME=`, and of an agent's parameters where one is set. null: it is about something else. */
export async function agentWords(context: Context, words: string[], agents: () => Promise<string[]>): Promise<string[] | null> {
  const [option = '', word = ''] = words.slice(-2)
  if (option === '--agent' && word.includes('=')) {
    const name = word.slice(0, word.indexOf('=') + 1)
    return (await agents()).map((agent) => `${name}${agent}`)
  }
  const found = option === '--set' || option === '--unset' ? PARAMETER.exec(word) : null
  if (found === null) return null
  const [, before = '', application = '', parameter = '', equals = ''] = found
  const type = typed(words, application) ?? (await configured(context, words, application))
  return type === null ? [] : await parameters(context, type, { before, parameter: equals === '' ? null : parameter, option })
}

/** The agent that this very line gives to the application. */
function typed(words: string[], application: string): string | null {
  const given = words.filter((word, i) => words[i - 1] === '--agent' && word.startsWith(`${application}=`)).at(-1)
  return given?.slice(application.length + 1) ?? null
}

async function configured(context: Context, [, , job = '']: string[], application: string): Promise<string | null> {
  const [entry] = context.store.open()
  const view = entry === undefined ? null : await readView(entry).catch(() => null)
  const answer = view === null ? null : parseConfig(view.agreed.text, view.file)
  const agent = answer !== null && 'config' in answer ? answer.config.jobs[job]?.applications.find(({ name }) => name === application)?.agent : null
  return agent ? agentName(agent) : null
}

/** `parameter` null: its name is being typed; else its values, where the agent names them. The first node that answers: the others have the same, or should. */
async function parameters(context: Context, type: string, at: { before: string; parameter: string | null; option: string }): Promise<string[]> {
  const asked = context.store.open().map((entry) => call<AgentAnswer>(entry, { method: 'GET', path: agentPath(type), answerMs: DESCRIBE_ANSWER_MS }))
  const known = await Promise.any(asked).then(
    ({ agent }) => agent.parameters,
    () => []
  )
  if (at.parameter === null) return known.map(({ name }) => `${at.before}${name}${at.option === '--set' ? '=' : ''}`)
  const one = known.find(({ name }) => name === at.parameter)
  const values = one === undefined ? [] : [...new Set([...one.choices, ...(one.byDefault ? [one.byDefault] : [])])]
  return values.map((value) => `${at.before}${at.parameter}=${value}`)
}
