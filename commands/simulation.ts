import fs from 'node:fs'
import path from 'node:path'
import { type Config, LICENSOR_FILE } from '../src/model'
import { parseConfig } from '../src/model/configFile'
import type { SimFault, SimOutcome, SimView } from '../src/wire'
import type { Door } from './kit/client'
import { fail } from './kit/fail'
import { readText } from './kit/file'
import { type NodeEntry, Store } from './kit/store'

/** A pair in this process instead of two servers (`cui --sim FILE`). bin/ brings it: the shell decides nothing. */
export interface Simulation {
  file: string
  begin(): Promise<void>
  nodes(): Omit<NodeEntry, 'fingerprint'>[]
  request(address: string, port: number, request: SimRequest): Promise<{ status: number; text: string } | null>
  nowMs(): number
  wallMs(): number
  pass(forMs: number, paced: boolean): Promise<void>
  carryOut(fault: SimFault): Promise<SimOutcome>
  view(): SimView
}

interface SimRequest {
  method: string
  path: string
  token: string | null
  body: unknown
  answerMs: number
  paced: boolean
}

export type OpenSimulation = (options: { file: string; text: string; config: Config; licensor: string | null; version: string; wallMs: number }) => Simulation

/** What stands where a certificate's fingerprint does. */
const NO_FINGERPRINT = 'simulated'

/** The pair of this configuration, switched on. */
export async function beginSimulation(open: OpenSimulation, file: string, version: string, wallMs: number): Promise<Simulation> {
  const text = readText(file, 'cui --sim FILE, where FILE is a configuration')
  const answer = parseConfig(text, file)
  const [problem] = 'config' in answer ? [] : answer.problems
  if (!('config' in answer))
    throw fail('E_SIM_CONFIG', { file, line: problem?.line ?? 1, what: problem?.message ?? 'it cannot be read', advice: `config check ${file}` })
  const simulation = open({ file, text, config: answer.config, licensor: licensorBeside(file), version, wallMs })
  await simulation.begin()
  return simulation
}

/** Who asks for licences on a real pair with this configuration does so on a simulated one. */
function licensorBeside(file: string): string | null {
  const beside = path.join(path.dirname(file), LICENSOR_FILE)
  return fs.existsSync(beside) ? readText(beside, 'look at the file, or move it away') : null
}

/** The way to an agent of the pair: through no network. */
export const doorOf = (simulation: Simulation, address: string, port: number): Door & { fingerprint: string } => ({
  address,
  port,
  fingerprint: NO_FINGERPRINT,
  through: ({ method, path, body, token, answerMs, paced }) =>
    simulation.request(address, port, { method, path, body, token: token ?? null, answerMs, paced: paced === true })
})

/** The nodes of the simulated pair are open from the start, and nothing of them is kept. History is, as of any shell. */
export class SimulationStore extends Store {
  private entries: NodeEntry[]

  constructor(env: NodeJS.ProcessEnv, simulation: Simulation) {
    super(env)
    this.entries = simulation.nodes().map((node) => ({ ...node, ...doorOf(simulation, node.address, node.port) }))
  }

  override nodes(): NodeEntry[] {
    return this.entries
  }

  override put(entry: NodeEntry): void {
    const others = this.entries.filter(({ address, port }) => address !== entry.address || port !== entry.port)
    this.entries = [...others, entry].sort((a, b) => (a.node < b.node ? -1 : 1))
  }
}
