import https from 'node:https'
import type { AddressInfo } from 'node:net'
import tls from 'node:tls'
import { X509Certificate } from 'node:crypto'
import type {
  ApiError,
  CommandAnswer,
  CommandRequest,
  ConfigChangeAnswer,
  ConfigRequest,
  ConfigView,
  EventEntry,
  HistoryAnswer,
  MonitorEntry,
  MonitorTestAnswer,
  StatusAnswer,
  TicketAnswer,
  VerifyReport,
  WhyAnswer
} from '../../src/wire'
import type { AgentDescription, HostId } from '../../src/model'
import { makeCertificate, type Certificate } from './certificate'
import { ADDRESSES, statusOf, type Node } from './views'

type Answer = { status?: number; body: unknown }

/** A real HTTPS server that speaks the agent's API; its answers are fields that a test changes. */
export class FakeAgent {
  status: StatusAnswer
  password = 'secret'
  token = 'token-1'
  /** Every request: method, path and body. */
  readonly heard: { line: string; body: Record<string, unknown> }[] = []
  onCommand: (job: string, command: string, body: CommandRequest) => CommandAnswer | { refuse: ApiError } = () => ({ dryRun: false, ticket: 'T-1' })
  /** The answers to the polls of a ticket, in order; the last one stays. None: it knows no ticket. */
  tickets: TicketAnswer[] = [{ ticket: 'T-1', job: 'DB_Group', state: 'done', steps: [], nextSince: 0, error: null }]
  /** What the last comparison found; asked for page by page. */
  report: Omit<VerifyReport, 'from'> = { mode: 'full', state: 'Idle', startedAtMs: null, endedAtMs: null, total: 0, differences: [] }
  folders = ['/srv/DB_Group']
  onReport: () => void = () => undefined
  /** null: an agent that does not know the question. */
  why: WhyAnswer | null = null
  history: HistoryAnswer = { job: 'DB_Group', node: 'RMHW131', entries: [], unheard: null }
  /** Its resource agents. */
  agents: Record<string, AgentDescription> = {}
  hostId: HostId = { hostId: '8HGE91Y528G9CN5QJCRD', cards: [{ name: 'eno1', hardware: '52:54:00:12:34:56' }] }
  onMonitorTest: () => Pick<MonitorTestAnswer, 'events'> = () => ({ events: [] })
  monitorHistory: MonitorEntry[] = []
  /** Its event log; who asks for later ones waits until `happen`. */
  readonly events: EventEntry[] = []
  private readonly following: (() => void)[] = []
  /** null: an agent that does not know the question. */
  config: ConfigView | null = null
  onChange: (body: ConfigRequest) => ConfigChangeAnswer | { refuse: ApiError } = () => ({
    dryRun: false,
    node: this.node,
    version: 8,
    differences: [],
    followed: true
  })
  onStatus: () => void = () => undefined
  private server: https.Server | null = null

  constructor(
    readonly node: Node,
    private certificate: Certificate
  ) {
    this.status = statusOf(node)
  }

  get fingerprint(): string {
    return new X509Certificate(this.certificate.cert).fingerprint256
  }

  async start(): Promise<void> {
    this.server = https.createServer(this.certificate, (request, response) => {
      let text = ''
      request.on('data', (part) => (text += part))
      request.on('end', () => {
        if (request.url?.startsWith('/v1/events') && this.mustWait(request.url)) return void this.following.push(() => respond())
        respond()
      })
      const respond = (): void => {
        const { status = 200, body } = this.answer(request.method ?? '', request.url ?? '', request.headers.authorization, text === '' ? {} : JSON.parse(text))
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      }
    })
    await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve))
    ROUTES.set(`${ADDRESSES[this.node]}:7330`, (this.server.address() as AddressInfo).port)
  }

  async stop(): Promise<void> {
    const server = this.server
    this.server = null
    ROUTES.delete(`${ADDRESSES[this.node]}:7330`)
    server?.closeAllConnections()
    await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)))
  }

  /** Another certificate answers from now on. */
  async renew(): Promise<void> {
    await this.stop()
    this.certificate = await makeCertificate(this.node)
    await this.start()
  }

  private answer(method: string, url: string, authorization: string | undefined, body: Record<string, unknown>): Answer {
    const [path = '', query] = url.split('?')
    this.heard.push({ line: `${method} ${path}`, body })
    if (path === '/v1/hello') return { body: { product: 'mirrorpair', apiVersion: 1, version: '0.1.0', node: this.node, cluster: 'seoul-db' } }
    if (path === '/v1/login') return this.login(body)
    if (authorization !== `Bearer ${this.token}`) return refusal(401, this.error('E_SESSION', 'No session.', 4))
    if (path === '/v1/logout') return { body: {} }
    if (path === '/v1/status') {
      this.onStatus()
      return { body: this.status }
    }
    if (path.startsWith('/v1/agents')) return this.resourceAgents(decodeURIComponent(path.slice('/v1/agents/'.length)))
    if (path === '/v1/config' && this.config) return this.configuration(method, body as unknown as ConfigRequest)
    if (path === '/v1/hostid') return { body: { node: this.node, ...this.hostId } }
    if (path === '/v1/monitor/test') return { body: { node: this.node, wallMs: 0, utcOffsetMinutes: 0, ...this.onMonitorTest() } }
    if (path === '/v1/monitor/history') return { body: { node: this.node, utcOffsetMinutes: 0, entries: this.monitorHistory } }
    if (path === '/v1/events') return this.eventsPage(new URLSearchParams(query))
    if (path.startsWith('/v1/tickets/') && this.tickets.length === 0) return refusal(404, this.error('E_TICKET_UNKNOWN', `${this.node} knows no ticket.`, 2))
    if (path.startsWith('/v1/tickets/')) return { body: this.tickets.length > 1 ? this.tickets.shift() : this.tickets[0] }
    if (method === 'GET' && path.endsWith('/verify')) return this.verifyPage(new URLSearchParams(query))
    if (method === 'GET' && path.endsWith('/history')) return { body: this.history }
    if (method === 'GET' && path.endsWith('/why')) return this.why === null ? refusal(404, this.error('E_API_ROUTE', 'No such route.', 2)) : { body: this.why }
    const [, job = '', command = ''] = /^\/v1\/jobs\/([^/]+)\/(\w+)$/.exec(path) ?? []
    const answer = this.onCommand(decodeURIComponent(job), command, body as CommandRequest)
    return 'refuse' in answer ? refusal(409, answer.refuse) : { body: answer }
  }

  private resourceAgents(name: string): Answer {
    if (name === '') return { body: { node: this.node, agents: Object.keys(this.agents) } }
    const agent = this.agents[name]
    return agent ? { body: { node: this.node, agent } } : refusal(404, this.error('E_AGENT_UNKNOWN', `${this.node} has no resource agent ${name}.`, 1))
  }

  private configuration(method: string, body: ConfigRequest): Answer {
    if (method === 'GET') return { body: this.config }
    const answer = this.onChange(body)
    return 'refuse' in answer ? refusal(409, answer.refuse) : { body: answer }
  }

  happen(level: EventEntry['level'], text: string, atMs: number, job: string | null = null): void {
    this.events.push({ sequence: this.events.length + 1, atMs, level, job, text })
    for (const respond of this.following.splice(0)) respond()
  }

  /** Somebody follows and knows all there is. */
  get isFollowed(): boolean {
    return this.following.length > 0
  }

  private mustWait(url: string): boolean {
    const since = new URLSearchParams(url.split('?')[1]).get('since')
    return since !== null && Number(since) >= this.events.length
  }

  private eventsPage(query: URLSearchParams): Answer {
    const since = Number(query.get('since') ?? 0)
    const events = this.events.filter(({ sequence, job }) => sequence > since && (query.get('job') ?? job) === job)
    return { body: { node: this.node, utcOffsetMinutes: 0, events, nextSince: this.events.length, forgottenTo: 0 } }
  }

  private verifyPage(query: URLSearchParams): Answer {
    this.onReport()
    const [from, max] = [Number(query.get('from')), Number(query.get('max'))]
    const report = { ...this.report, from, differences: this.report.differences.slice(from, from + max) }
    return { body: { node: this.node, job: 'DB_Group', folders: this.folders, report } }
  }

  private login(body: Record<string, unknown>): Answer {
    if (body['password'] !== this.password) return refusal(403, this.error('E_LOGIN_REFUSED', `The login of ${String(body['account'])} was refused.`, 4))
    const account = String(body['account'])
    return {
      body: {
        token: this.token,
        node: this.node,
        account: account[0]?.toUpperCase() + account.slice(1),
        role: 'admin',
        licenceState: 'Valid',
        expiresAtMs: 4_000_000_000_000
      }
    }
  }

  error(code: string, message: string, exitCode: number, tryThis = 'login'): ApiError {
    return { code, message, tryThis, exitCode, node: this.node }
  }
}

const refusal = (status: number, error: ApiError): Answer => ({ status, body: { error } })

/** The guide's addresses lead to servers on the loopback, so that transcripts can hold them byte for byte. */
const ROUTES = new Map<string, number>()
const connect = tls.connect

export function routeAddresses(): void {
  jest.spyOn(tls, 'connect').mockImplementation(((options: tls.ConnectionOptions, listener?: () => void) => {
    const port = ROUTES.get(`${options.host}:${options.port}`)
    // Port 1 of the loopback refuses: what is stopped is unreachable at once.
    return connect({ ...options, host: '127.0.0.1', port: port ?? 1 }, listener)
  }) as typeof tls.connect)
}
