import path from 'node:path'
import type { StatusAnswer } from '../../src/wire'
import { runningEngine } from './engines'
import { inside } from './host'
import { addressesOf } from './network'
import { logFile, type LabPlaces } from './places'
import { ACCOUNT, ADDRESSES, HOSTS, type Node, NODES } from './plan'
import { labProgram } from './programs'
import { attempt } from './run'
import type { LabState } from './state'

export type AgentAnswer = StatusAnswer | { error: { message: string } }

/** The program that asks the given nodes' agents, to be run in the client's network. */
export function observerCommand(places: LabPlaces, state: LabState, nodes: readonly Node[]): string[] {
  const addresses = nodes.flatMap((node) => ['--address', ADDRESSES[node].service ?? ''])
  const files = ['--password-file', places.passwordFile, '--ca', path.join(places.certificates, NODES[0], 'tls/ca.crt'), '--tokens', places.tokenFile]
  return inside(places, 'client', [...labProgram('observer'), ...addresses, '--port', String(state.apiPort), '--account', ACCOUNT, ...files])
}

/** What each agent says of the pair, now. */
export function askAgents(places: LabPlaces, state: LabState): Partial<Record<Node, AgentAnswer>> {
  const nodes = NODES.filter((node) => state.power[node] === 'on' && runningEngine(places, node))
  if (nodes.length === 0 || state.agentCommand) return {}
  const result = attempt(observerCommand(places, state, nodes))
  if (result.status !== 0) return Object.fromEntries(nodes.map((node) => [node, { error: { message: result.stderr.trim() } }]))
  const answer = JSON.parse(result.stdout) as { nodes: Record<string, AgentAnswer> }
  return Object.fromEntries(nodes.map((node) => [node, answer.nodes[ADDRESSES[node].service ?? ''] ?? { error: { message: 'no answer' } }]))
}

export const isStatus = (answer: AgentAnswer | undefined): answer is StatusAnswer => answer !== undefined && 'self' in answer

/** Both agents answer, and each hears the other on every link that is not cut. */
export function isReady(state: LabState, answers: Partial<Record<Node, AgentAnswer>>): boolean {
  return NODES.every((node) => {
    const answer = answers[node]
    if (!isStatus(answer) || answer.peerAlive !== 'up' || answer.peer === null) return false
    return state.cuts.length + state.lost.length > 0 || answer.self.links.every((link) => link.state === 'ok')
  })
}

/** Everything about the lab in one object: `lab status --json`. */
export function describe(places: LabPlaces, state: LabState) {
  const answers = askAgents(places, state)
  const hosts = HOSTS.map((host) => [host, { power: state.power[host], addresses: state.power[host] === 'off' ? [] : addressesOf(places, host) }] as const)
  const nodes = NODES.map(
    (node) =>
      [
        node,
        {
          engine: runningEngine(places, node)?.pid ?? null,
          log: logFile(places, node),
          agent: answers[node] ?? null
        }
      ] as const
  )
  return {
    name: state.name,
    ready: state.ready,
    hosts: Object.fromEntries(hosts),
    nodes: Object.fromEntries(nodes),
    witness: state.witnessPort === null ? null : { engine: runningEngine(places, 'witness')?.pid ?? null, log: logFile(places, 'witness') },
    cuts: [...state.cuts.map((cut) => `${cut.host}:${cut.cable}`), ...state.lost.map(({ from, to, cable }) => `${from}>${to}:${cable}`)],
    jobs: state.jobs,
    application: state.application,
    login: { account: ACCOUNT, passwordFile: places.passwordFile },
    api: Object.fromEntries(NODES.map((node) => [node, `${ADDRESSES[node].service}:${state.apiPort}`])),
    shellHome: places.shellHome,
    configFile: places.configFile
  }
}
