import { Args } from '@oclif/core'
import type { AgentDescription, AgentParameter } from '../src/model'
import type { AgentAnswer, AgentsAnswer } from '../src/wire'
import { CuiCommand, everywhere, type HelpText } from './base'
import { agentPath, DESCRIBE_ANSWER_MS } from './configAgents'
import type { Outcome } from './context'
import { fail, reportOf } from './kit/fail'
import { askEach, call, openNodes } from './kit/nodes'
import type { NodeEntry } from './kit/store'
import { table } from './kit/table'
import { clean, shortDuration } from './kit/text'
import { actionOf } from './operate'
import { print, printProblems } from './view/tables'

const INDENT = '      '

/** The OCF resource agents of the open nodes: what an application of kind agent can be made of. */
export class Agents extends CuiCommand {
  static override args = { action: Args.string({ required: true }), agent: Args.string() }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'the OCF resource agents of the nodes, and the parameters of one of them',
    usage: 'agents list|describe [AGENT] [--node NODE] [--json]',
    example: 'agents describe ocf:heartbeat:pgsql'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Agents)
    const action = actionOf(args.action, ['list', 'describe'] as const, 'agents', Agents.about.usage)
    const nodes = openNodes(this.context.store, flags.node)
    if (action === 'list') return await this.list(nodes, args.agent ?? '')
    if (args.agent === undefined) throw fail('E_USAGE', { what: 'Which agent?', usage: Agents.about.usage })
    return await this.describe(nodes, args.agent)
  }

  private async list(entries: NodeEntry[], part: string): Promise<Outcome> {
    const { answers, unheard } = await this.ask<AgentsAnswer>(entries, '/v1/agents')
    const names = [...new Set(answers.flatMap(({ agents }) => agents))].filter((name) => name.toLowerCase().includes(part.toLowerCase())).sort()
    const agents = names.map((agent) => ({ agent, nodes: answers.filter((answer) => answer.agents.includes(agent)).map(({ node }) => node) }))
    const rows = agents.map(({ agent, nodes }) => [agent, nodes.join(' ')])
    if (agents.length > 0) print(this.output, table(COLUMNS, rows))
    else
      this.output.line(
        part === '' ? 'No resource agent is installed (Debian: the package resource-agents).' : `No resource agent has "${clean(part)}" in its name.`
      )
    return { exitCode: unheard ? 1 : 0, json: { agents, unheard } }
  }

  private async describe(entries: NodeEntry[], agent: string): Promise<Outcome> {
    const { answers, unheard } = await this.ask<AgentAnswer>(entries, agentPath(agent))
    const [first, ...others] = answers
    if (first === undefined) return { exitCode: 1, json: { agent: null, unheard } }
    print(
      this.output,
      describeLines(first.agent).map((text) => clean(text).trimEnd())
    )
    const differs = others.filter((other) => JSON.stringify(other.agent) !== JSON.stringify(first.agent)).map(({ node }) => node)
    printProblems(
      this.output,
      differs.map((node) => `${node} has another version of it than ${first.node}`)
    )
    return { exitCode: unheard || differs.length > 0 ? 1 : 0, json: { node: first.node, agent: first.agent, differs, unheard } }
  }

  /** One that does not answer, or does not have it, is told; when it is all of them that is the answer. */
  private async ask<T extends { node: string }>(entries: NodeEntry[], path: string): Promise<{ answers: T[]; unheard: string | null }> {
    const { answers, refused } = await askEach(entries.map((entry) => call<T>(entry, { method: 'GET', path, answerMs: DESCRIBE_ANSWER_MS })))
    const reasons = refused.map((thrown) => reportOf(thrown).message)
    printProblems(this.output, reasons)
    return { answers, unheard: reasons.length === 0 ? null : reasons.join(' ') }
  }
}

const COLUMNS = [
  { title: 'Agent', width: 42 },
  { title: 'Nodes', width: 0 }
]

function describeLines({ agent, version, summary, description, parameters, actions }: AgentDescription): string[] {
  const advice = actions
    .filter(({ name }) => ['start', 'stop', 'monitor'].includes(name))
    .map(
      ({ name, timeoutMs, intervalMs }) =>
        `${name}${timeoutMs === null ? '' : ` ${shortDuration(timeoutMs)}`}${intervalMs ? ` every ${shortDuration(intervalMs)}` : ''}`
    )
  return [
    `${agent}${version === '' ? '' : ` (version ${version})`}: ${summary}`,
    '',
    ...description.split('\n'),
    '',
    `It advises as timeouts: ${advice.join(', ') || 'nothing'}.`,
    '',
    parameters.length === 0 ? 'It has no parameters.' : 'Parameters:',
    ...[...parameters].sort((one, other) => Number(other.required) - Number(one.required)).flatMap(parameterLines)
  ]
}

function parameterLines({ name, type, required, unique, deprecated, byDefault, choices, summary, description }: AgentParameter): string[] {
  const traits = [
    type,
    ...(required ? ['required'] : []),
    ...(unique ? ['unique'] : []),
    ...(deprecated ? ['deprecated'] : []),
    ...(choices.length > 0 ? [`one of ${choices.join(' ')}`] : []),
    ...(byDefault ? [`default ${byDefault}`] : [])
  ]
  const words = description === '' ? [summary] : description.split('\n')
  return [`  ${name} (${traits.join(', ')})`, ...words.filter((line) => line !== '').map((line) => `${INDENT}${line}`)]
}
