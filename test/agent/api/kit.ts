import { DrillBook } from '../../../agent/drill/book'
import { Drills } from '../../../agent/drill/drills'
import fs from 'node:fs'
import https from 'node:https'
import os from 'node:os'
import path from 'node:path'
import { type Api, createApi, createPeerPort, type PeerChannel } from '../../../agent/api'
import { createAgentsPort, createLicencePort } from '../../../agent/adapters'
import { createClockPort } from '../../../agent/adapters/clock'
import { EventHistory } from '../../../agent/adapters/eventHistory'
import type { AccountFiles } from '../../../agent/api/accounts'
import type { Engine } from '../../../agent/engine/engine'
import type { LogPort, Places } from '../../../agent/ports'
import { runSetup } from '../../../agent/setup'
import { type Config, judgeLicence, parseConfig } from '../../../src/model'
import { ReportError } from '../../../src/report/report'
import type {
  CommandAnswer,
  CommandRequest,
  ConfigChangeAnswer,
  ConfigRequest,
  ConfigView,
  LicenceAnswer,
  LicenceRequest,
  StatusAnswer
} from '../../../src/wire'

export const PASSWORD = 'correct horse'

/** Two nodes on loopback addresses that no other test uses. */
export const configText = (octet: number, port: number, login = 'users') => `cluster: test
nodes: { RMHW131: { address: 127.${octet}.0.1 }, RMHW132: { address: 127.${octet}.0.2 } }
links:
  - { name: link-0, heartbeat: 3001, RMHW131: 127.${octet}.1.1, RMHW132: 127.${octet}.1.2 }
  - { name: link-1, heartbeat: 3000, RMHW131: 127.${octet}.2.1, RMHW132: 127.${octet}.2.2 }
jobs: { DB_Group: {} }
api: { listen: address, port: ${port}, login: ${login} }
`

export function readConfig(text: string): Config {
  const answer = parseConfig(text, 'test.yaml')
  if ('config' in answer) return answer.config
  throw new Error(answer.problems[0]?.message)
}

export const temporaryFolder = (): string => fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-api-'))

/** Keys of both nodes under one folder: `<folder>/RMHW131`, `<folder>/RMHW132`. */
export async function makeKeys(text: string): Promise<string> {
  const folder = temporaryFolder()
  fs.writeFileSync(path.join(folder, 'mirrorpair.yaml'), text)
  if ((await quiet(() => runSetup('init', ['--all', '--out', folder, '--config', path.join(folder, 'mirrorpair.yaml')]))).code !== 0) throw new Error('no keys')
  return folder
}

/** Runs a setup command and catches what it prints. */
export async function quiet(run: () => Promise<number>): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const out = jest.spyOn(process.stdout, 'write').mockImplementation((text) => !!(said.out += String(text)))
  const err = jest.spyOn(process.stderr, 'write').mockImplementation((text) => !!(said.err += String(text)))
  try {
    return { code: await run(), ...said }
  } finally {
    out.mockRestore()
    err.mockRestore()
  }
}

/** An engine that remembers what it was asked. */
export class FakeEngine implements Engine {
  asked: unknown[] = []
  refusal: Error | null = null

  status(): StatusAnswer {
    return { node: 'RMHW131', problems: [] } as unknown as StatusAnswer
  }
  async statusNews(known: string, waitMs: number): Promise<StatusAnswer> {
    this.asked.push({ known, waitMs })
    return this.status()
  }
  async command(job: string, command: string, request: CommandRequest, account: string): Promise<CommandAnswer> {
    this.asked.push({ job, command, request, account })
    if (this.refusal) throw this.refusal
    return request.dryRun ? { dryRun: true, steps: ['Stop application POSTGRES'] } : { dryRun: false, ticket: 'RMHW131-1' }
  }
  async ticket(id: string, since: number, waitMs: number) {
    this.asked.push({ id, since, waitMs })
    return { ticket: id, job: 'DB_Group', state: 'done' as const, steps: [], nextSince: since, error: null }
  }
  leave() {
    return { left: true, lines: [] }
  }
  config(): ConfigView {
    return { node: 'RMHW131', file: '/etc/mirrorpair/mirrorpair.yaml' } as unknown as ConfigView
  }
  async changeConfig(request: ConfigRequest, account: string): Promise<ConfigChangeAnswer> {
    this.asked.push({ request, account })
    if (this.refusal) throw this.refusal
    return { dryRun: request.dryRun ?? false, node: 'RMHW131', version: 2, differences: [], followed: true }
  }
  async verifyReport(job: string, from: number, max: number) {
    this.asked.push({ job, from, max })
    const report = { mode: 'full' as const, state: 'Idle' as const, startedAtMs: null, endedAtMs: null, total: 0, from, differences: [] }
    return { node: 'RMHW131', job, folders: ['/srv/db'], report }
  }
  async history(job: string) {
    return { job, node: 'RMHW131', entries: [], unheard: null }
  }
  whyNotStill() {
    return []
  }

  async why(job: string) {
    this.asked.push({ why: job })
    return { job, node: 'RMHW131', owner: 'RMHW131', decisions: [], unheard: 'RMHW132 does not answer' }
  }
  readonly licensing = {
    judged: () => judgeLicence(null, 0),
    show: async () => this.licence(),
    change: async (request: LicenceRequest, account: string) => {
      this.asked.push({ licence: request, account })
      if (this.refusal) throw this.refusal
      return { node: 'RMHW131', dryRun: request.dryRun ?? false, before: this.licence(), after: this.licence() }
    }
  }
  private licence = (): LicenceAnswer => ({
    ...judgeLicence(null, 0),
    node: 'RMHW131',
    hostId: null,
    licensor: null,
    required: false,
    serial: null,
    licensee: null,
    issued: null
  })
  readonly monitoring = {
    test: async (node: string | null, conditions: string[] | null) => {
      this.asked.push({ monitorTest: node, conditions })
      return { node: node ?? 'RMHW131', wallMs: 0, utcOffsetMinutes: 0, events: [] }
    },
    history: async (node: string | null) => ({ node: node ?? 'RMHW131', utcOffsetMinutes: 0, entries: [] })
  }
  async stop() {}
}

export const refused = (code: string, exitCode: 5) => new ReportError({ code, message: `${code} happened.`, tryThis: 'Wait.', exitCode })

export class FakeClock {
  ms = 1_700_000_000_000
  nowMs = () => this.ms
  wallMs = () => this.ms
}

export interface Node {
  api: Api
  engine: FakeEngine
  peer: PeerChannel
  clock: FakeClock
  places: Places
  log: string[]
  events: EventHistory
  linksDown: Set<string>
  audit(): Record<string, string>[]
  stop(): Promise<void>
}

export async function startNode(name: string, folder: string, options: { accountFiles?: AccountFiles; clock?: FakeClock } = {}): Promise<Node> {
  const stateDirectory = path.join(folder, name)
  const configFile = path.join(folder, 'mirrorpair.yaml')
  const places: Places = { stateDirectory, runDirectory: folder, configFile, config: readConfig(fs.readFileSync(configFile, 'utf8')), node: name }
  const said: string[] = []
  const log: LogPort = { event: (_level, text) => void said.push(text) }
  const events = new EventHistory(path.join(stateDirectory, 'events.jsonl'))
  const engine = new FakeEngine()
  const clock = options.clock ?? new FakeClock()
  const linksDown = new Set<string>()
  const peer = createPeerPort({ places, linkUp: (link) => !linksDown.has(link) })
  const drills = new Drills({
    places,
    applications: { crash: async () => void said.push('crashed') },
    heartbeat: {
      hold: (link, forMs) => void said.push(`${link} held for ${forMs}`),
      view: () => ({ links: [], peerAlive: true, peerEngineSilentMs: 0, peerLeaving: false })
    },
    log,
    book: new DrillBook(path.join(stateDirectory, 'drills.json')),
    write: async () => ({ before: null }),
    clock: createClockPort(),
    read: async () => ({ before: null }),
    status: () => engine.status(),
    whyNotStill: () => engine.whyNotStill(),
    standStill: async (forMs) => [`${forMs} ms of a machine that is not there`]
  })
  const api = createApi({
    places,
    engine,
    peer,
    log,
    events,
    agents: createAgentsPort(),
    licence: createLicencePort(places),
    clock,
    drills,
    version: '0.1.0',
    ...(options.accountFiles ? { accountFiles: options.accountFiles } : {})
  })
  await api.listen()
  const audit = () =>
    fs
      .readFileSync(path.join(stateDirectory, 'audit.log'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>)
  return { api, engine, peer, clock, places, log: said, events, linksDown, audit, stop: async () => void (await Promise.all([api.close(), peer.close()])) }
}

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  body: any
}

/** One request over a real TLS connection of its own. */
export function call(
  node: Node,
  method: string,
  target: string,
  options: { body?: unknown; token?: string; raw?: string; tls?: https.RequestOptions } = {}
): Promise<Answer> {
  const { places } = node
  const body = options.raw ?? (options.body === undefined ? '' : JSON.stringify(options.body))
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        host: places.config.nodes[places.node]?.address,
        port: places.config.api.port,
        path: target,
        method,
        agent: false,
        ca: fs.readFileSync(path.join(places.stateDirectory, 'tls', 'ca.crt')),
        headers: { ...(options.token ? { authorization: `Bearer ${options.token}` } : {}), 'content-length': Buffer.byteLength(body) },
        ...options.tls
      },
      (response) => {
        let text = ''
        response.on('data', (part) => {
          text += part
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }))
      }
    )
    request.on('error', reject)
    request.end(body)
  })
}

export const login = (node: Node, account: string, password: string): Promise<Answer> => call(node, 'POST', '/v1/login', { body: { account, password } })
