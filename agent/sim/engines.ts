import { Readable } from 'node:stream'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { randomBytes } from 'node:crypto'
import { agentName } from '../../src/model'
import { createRouter } from '../api/router'
import { createRoutes } from '../api/routes'
import type { Session } from '../api/sessions'
import { createEngine } from '../engine/createEngine'
import type { Engine } from '../engine/engine'
import { readAgreed } from '../engine/openConfig'
import type { AgentsPort, Ports } from '../ports'
import type { SimEngine, SimNode } from './node'
import type { SimPair } from './pair'
import { drillsOf } from './drills'
import { portsOf } from './ports'

/** An engine that ends by itself is started again, as systemd does. */
const RESTART_MS = 1_000
const TOKEN_BYTES = 24

/** Nothing is installed on a machine that is not there. */
const NO_AGENTS: AgentsPort = {
  list: async () => [],
  missing: (agent) => `a simulated node has no ${agentName(agent)}`,
  describe: (agent) => Promise.reject(new Error(`a simulated node has no ${agentName(agent)}`))
}

export interface SimRequest {
  method: string
  path: string
  token: string | null
  body: unknown
}

export interface SimAnswer {
  status: number
  text: string
}

/** The real engine and the real routes of its API, on simulated machines. */
export class Engines {
  private readonly sessions = new Map<string, Session>()
  private readonly doors = new Map<string, ReturnType<typeof createRouter>>()

  constructor(
    private readonly pair: SimPair,
    private readonly version: string
  ) {
    pair.onBoot((node) => this.start(node))
  }

  /** The engine of a machine that is up. */
  start(node: SimNode): void {
    const running: SimEngine = {
      engine: null as unknown as Engine,
      receive: null,
      failed: () => undefined,
      told: () => undefined,
      pathsChanged: () => undefined,
      linksChanged: () => undefined,
      alive: true
    }
    node.running = running
    const ports = portsOf(this.pair, node, running)
    const whole = readAgreed(node.kept.agreed, node.places.configFile)
    if (whole === null) throw new Error(`version ${node.kept.agreed.version} of the configuration cannot be read`)
    const options = { places: node.places, ports, configHash: node.kept.agreed.hash, open: { kept: node.kept, whole } }
    void createEngine({ ...options, fatal: (why) => this.ended(node, running, why) }).then((engine) => {
      running.engine = engine
      this.doors.set(node.name, this.door(node, engine, running, ports))
    })
  }

  private ended(node: SimNode, running: SimEngine, why: unknown): void {
    if (node.running !== running) return
    node.events.add({ atMs: this.pair.wallMs, level: 'error', job: null, text: `The engine ends and will recover from disk: ${String(why)}` })
    this.crash(node)
    this.pair.onNode(node, RESTART_MS, () => node.running === null && this.start(node))
  }

  crash(node: SimNode): void {
    this.doors.delete(node.name)
    this.pair.endEngine(node)
  }

  /** Whether its API would take a connection. */
  answers(node: SimNode): boolean {
    return node.up && !node.frozen && node.running !== null && this.doors.has(node.name)
  }

  ask(node: SimNode, request: SimRequest): Promise<SimAnswer> {
    const door = this.doors.get(node.name)
    if (door === undefined) return Promise.reject(new Error('no door'))
    return new Promise((resolve) => door(incoming(request), outgoing(resolve)))
  }

  /** An administrator who is logged in from the start. */
  newToken(account: string): { token: string; expiresAtMs: number } {
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    const createdMs = this.pair.wallMs
    const expiresAtMs = createdMs + this.pair.config.api.sessionMs
    this.sessions.set(token, { account, source: 'users', from: 'this shell', createdMs, expiresAtMs })
    return { token, expiresAtMs }
  }

  private door(node: SimNode, engine: Engine, running: SimEngine, ports: Ports): ReturnType<typeof createRouter> {
    const { pair, sessions } = this
    const { log } = ports
    const routes = createRoutes({
      places: node.places,
      engine,
      log,
      events: node.events,
      clock: { nowMs: () => pair.nowMs, wallMs: () => pair.wallMs },
      version: this.version,
      peer: { receive: (message) => running.receive?.(message) ?? Promise.reject(new Error('it is starting')) },
      // There are no accounts here: whoever started the shell is the administrator.
      login: { check: async () => 'users', mayStill: () => true },
      sessions: {
        open: async ({ account }) => ({ ...this.newToken(account), saved: true }),
        find: (token) => sessions.get(token) ?? null,
        end: async (token) => void sessions.delete(token)
      },
      audit: { write: async () => undefined },
      drills: drillsOf(pair, node, engine, ports),
      agents: NO_AGENTS,
      licence: ports.licence
    })
    return createRouter(routes, node.name, log)
  }
}

function incoming({ method, path, token, body }: SimRequest): IncomingMessage {
  const stream = Readable.from(body === undefined ? [] : [Buffer.from(JSON.stringify(body))])
  const headers = token === null ? {} : { authorization: `Bearer ${token}` }
  return Object.assign(stream, { method, url: path, headers, socket: { remoteAddress: '127.0.0.1' }, complete: true }) as unknown as IncomingMessage
}

function outgoing(resolve: (answer: SimAnswer) => void): ServerResponse {
  let status = 0
  const response = {
    headersSent: false,
    destroyed: false,
    writeHead: (code: number) => {
      status = code
    },
    end: (text: string) => resolve({ status, text })
  }
  return response as unknown as ServerResponse
}
