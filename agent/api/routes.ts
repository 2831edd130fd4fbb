import {
  CONFIG_TEXT_LENGTH_MAX,
  type CommandOptions,
  type ConfigChangeAnswer,
  type ConfigView,
  type EventsAnswer,
  type HelloAnswer,
  type HistoryAnswer,
  type JobCommand,
  type LoginAnswer,
  type MonitorHistoryAnswer,
  type MonitorTestAnswer,
  type PeerReply,
  STATUS_WAIT_MS_MAX,
  type StatusAnswer,
  TICKET_WAIT_MS_MAX,
  type TicketAnswer,
  VERIFY_PAGE_MAX,
  type VerifyAnswer,
  type WhyAnswer
} from '../../src/wire'
import { commandRequestSchema, jobCommandSchema, joinRequestSchema, loginRequestSchema, peerMessageSchema } from '../../src/wire/apiSchemas'
import { describeAgent, listAgents } from './agents'
import { whyNotOptions } from './commandOptions'
import type { Door } from './door'
import { drillRoutes } from './drillRoutes'
import { licenceRoutes } from './licenceRoutes'
import { configRequestSchema } from '../../src/wire/configSchemas'
import { monitorTestRequestSchema } from '../../src/wire/monitorSchemas'
import { certifiedName, countOf, type Exchange, failureAnswer, PEER_BODY_BYTES_MAX, readBody } from './exchange'
import { eventsQuery } from './eventsQuery'
import { apiFailure } from './failure'
import { JoinDoor } from './joinDoor'
import type { Route } from './route'
import type { Session } from './sessions'

/** A text in JSON may take several bytes a character. */
const CONFIG_BODY_BYTES_MAX = 4 * CONFIG_TEXT_LENGTH_MAX

/** The whole table of src/wire/api.ts. A route either asks for a session itself or says here why it needs none. */
export function createRoutes(door: Door): Route[] {
  const join = new JoinDoor(door)
  const withSession = (handle: (exchange: Exchange, session: Session, token: string) => Promise<unknown>) => (exchange: Exchange) => {
    const { session, token } = requireSession(door, exchange)
    return handle(exchange, session, token)
  }
  return [
    ...drillRoutes(door, withSession, (entry, act) => audited(door, entry, act, () => 'done')),
    // Says only what the shell needs to know whom it talks to, before it asks for a password.
    { method: 'GET', path: '/v1/hello', handle: async () => hello(door) },
    // This is where sessions come from.
    { method: 'POST', path: '/v1/login', handle: (exchange) => login(door, exchange) },
    { method: 'POST', path: '/v1/logout', handle: withSession((exchange, session, token) => logout(door, exchange, session, token)) },
    { method: 'GET', path: '/v1/status', handle: withSession((exchange) => status(door, exchange)) },
    { method: 'POST', path: '/v1/jobs/:job/:command', handle: withSession((exchange, session) => command(door, exchange, session)) },
    { method: 'GET', path: '/v1/jobs/:job/verify', handle: withSession((exchange): Promise<VerifyAnswer> => verifyReport(door, exchange)) },
    {
      method: 'GET',
      path: '/v1/jobs/:job/history',
      handle: withSession(({ parameters }): Promise<HistoryAnswer> => door.engine.history(parameters['job'] ?? ''))
    },
    { method: 'GET', path: '/v1/jobs/:job/why', handle: withSession(({ parameters }): Promise<WhyAnswer> => door.engine.why(parameters['job'] ?? '')) },
    { method: 'GET', path: '/v1/tickets/:id', handle: withSession((exchange): Promise<TicketAnswer> => ticket(door, exchange)) },
    { method: 'GET', path: '/v1/events', handle: withSession((exchange): Promise<EventsAnswer> => events(door, exchange)) },
    { method: 'GET', path: '/v1/config', handle: withSession(async (): Promise<ConfigView> => door.engine.config()) },
    { method: 'POST', path: '/v1/config', handle: withSession((exchange, session) => changeConfig(door, exchange, session)) },
    {
      method: 'POST',
      path: '/v1/monitor/test',
      handle: withSession(async (exchange): Promise<MonitorTestAnswer> => {
        const { node = null, conditions = null } = await readBody(exchange, monitorTestRequestSchema)
        return door.engine.monitoring.test(node, conditions)
      })
    },
    {
      method: 'GET',
      path: '/v1/monitor/history',
      handle: withSession(({ query }): Promise<MonitorHistoryAnswer> => door.engine.monitoring.history(query.get('node')))
    },
    ...licenceRoutes(door, withSession, (entry, act) => audited(door, entry, act, () => 'done')),
    { method: 'GET', path: '/v1/agents', handle: withSession(() => listAgents(door)) },
    { method: 'GET', path: '/v1/agents/:agent', handle: withSession(({ parameters }) => describeAgent(door, parameters['agent'] ?? '')) },
    // The peer shows its certificate instead.
    { method: 'POST', path: '/v1/peer', handle: (exchange) => peer(door, exchange) },
    // A one-time code stands for the session.
    { method: 'POST', path: '/v1/join', handle: async (exchange) => join.handle(await readBody(exchange, joinRequestSchema), exchange.from) }
  ]
}

const hello = ({ places, version }: Door): HelloAnswer => ({
  product: 'mirrorpair',
  apiVersion: 1,
  version,
  node: places.node,
  cluster: places.config.cluster
})

async function login(door: Door, exchange: Exchange): Promise<LoginAnswer> {
  const request = await readBody(exchange, loginRequestSchema)
  const { account } = request
  const { node, config } = door.places
  const entry = { who: account, from: exchange.from, what: 'login' }
  try {
    const source = await door.login.check(request, exchange.from)
    const { token, expiresAtMs, saved } = await door.sessions.open({ account, source, from: exchange.from }, config.api.sessionMs)
    if (!saved) door.log.event('warning', 'A session could not be saved: it ends with a restart of the engine. Check the state directory for free space.')
    await door.audit.write({ ...entry, result: 'done' })
    const { word: licenceState, why: licenceWhy } = door.engine.licensing.judged()
    return { token, node, account: capital(account), role: 'admin', licenceState, licenceWhy, expiresAtMs }
  } catch (error) {
    await door.audit.write({ ...entry, result: codeOf(error) })
    throw error
  }
}

/** As the guide prints it: `Administrator`. */
const capital = (account: string): string => account.charAt(0).toUpperCase() + account.slice(1)

async function logout(door: Door, exchange: Exchange, session: Session, token: string): Promise<object> {
  await door.sessions.end(token)
  await door.audit.write({ who: session.account, from: exchange.from, what: 'logout', result: 'done' })
  return {}
}

async function command(door: Door, exchange: Exchange, { account }: Session): Promise<unknown> {
  const { job = '', command: word = '' } = exchange.parameters
  const known = jobCommandSchema.safeParse(word)
  if (!known.success) throw apiFailure('E_API_ROUTE', { node: exchange.node, method: 'POST', path: exchange.path })
  const request = await readBody(exchange, commandRequestSchema)
  const wrong = whyNotOptions(known.data, request)
  if (wrong !== null) throw apiFailure('E_API_REQUEST', { node: exchange.node, what: wrong })
  const act = () => door.engine.command(job, known.data, request, account)
  if (request.dryRun) return act()
  return audited(door, { who: account, from: exchange.from, what: commandText(known.data, job, request) }, act, (answer) =>
    'ticket' in answer ? answer.ticket : 'done'
  )
}

async function changeConfig(door: Door, exchange: Exchange, { account }: Session): Promise<ConfigChangeAnswer> {
  const request = await readBody(exchange, configRequestSchema, CONFIG_BODY_BYTES_MAX)
  const act = () => door.engine.changeConfig(request, account)
  if (request.dryRun) return act()
  const what = ['change of the configuration', request.reason ? `(${request.reason})` : null].filter(Boolean).join(' ')
  return audited(door, { who: account, from: exchange.from, what }, act, ({ version }) => `version ${version}`)
}

/** As it was typed. The confirmation says nothing to a reader. */
function commandText(word: JobCommand, job: string, request: CommandOptions & { reason?: string | null }): string {
  const { action, mode, bytesPerSecond, safety, node, reason } = request
  const limit = bytesPerSecond === null ? 'off' : bytesPerSecond
  return [word, job, action, mode && `--mode ${mode}`, limit, safety, node, reason ? `(${reason})` : null].filter(Boolean).join(' ')
}

/** Two lines: what was asked stands there even if the node dies of it. */
async function audited<T>(door: Door, entry: { who: string; from: string; what: string }, act: () => Promise<T>, resultOf: (answer: T) => string): Promise<T> {
  await door.audit.write({ ...entry, result: 'asked' })
  try {
    const answer = await act()
    await door.audit.write({ ...entry, result: resultOf(answer) })
    return answer
  } catch (error) {
    await door.audit.write({ ...entry, result: codeOf(error) })
    throw error
  }
}

const codeOf = (error: unknown): string => (error as { report?: { code: string } }).report?.code ?? 'E_API_INTERNAL'

async function status({ engine }: Door, exchange: Exchange): Promise<StatusAnswer> {
  const known = exchange.query.get('known')
  return known === null ? engine.status() : await engine.statusNews(known, countOf(exchange, 'waitMs', STATUS_WAIT_MS_MAX))
}

function ticket(door: Door, exchange: Exchange): Promise<TicketAnswer> {
  const since = countOf(exchange, 'since', Number.MAX_SAFE_INTEGER)
  return door.engine.ticket(exchange.parameters['id'] ?? '', since, countOf(exchange, 'waitMs', TICKET_WAIT_MS_MAX))
}

function verifyReport(door: Door, exchange: Exchange): Promise<VerifyAnswer> {
  const from = countOf(exchange, 'from', Number.MAX_SAFE_INTEGER)
  const max = exchange.query.has('max') ? countOf(exchange, 'max', VERIFY_PAGE_MAX) : VERIFY_PAGE_MAX
  return door.engine.verifyReport(exchange.parameters['job'] ?? '', from, max)
}

async function events(door: Door, exchange: Exchange): Promise<EventsAnswer> {
  const found = await door.events.find(eventsQuery(exchange))
  return { node: door.places.node, utcOffsetMinutes: -new Date(door.clock.wallMs()).getTimezoneOffset(), ...found }
}

async function peer(door: Door, exchange: Exchange): Promise<PeerReply> {
  const { node, config } = door.places
  const name = certifiedName(exchange.request)
  if (name === null || name === node || !Object.hasOwn(config.nodes, name)) throw apiFailure('E_PEER_FORBIDDEN', { node })
  const message = await readBody(exchange, peerMessageSchema, PEER_BODY_BYTES_MAX)
  if (message.kind === 'vote' && message.vote.from !== name) throw apiFailure('E_PEER_FORBIDDEN', { node })
  if (message.kind !== 'command' || message.dryRun) return replyOf(door, () => door.peer.receive(message))
  const entry = { who: message.account, from: `${name} ${exchange.from}`, what: commandText(message.command, message.job, message) }
  return audited(
    door,
    entry,
    () => replyOf(door, () => door.peer.receive(message)),
    (reply) => (reply.ok ? 'done' : reply.error.code)
  )
}

/** A refusal is a reply like any other: the peer hands it on to its own client. */
async function replyOf(door: Door, act: () => Promise<PeerReply>): Promise<PeerReply> {
  try {
    return await act()
  } catch (error) {
    const answer = failureAnswer(error, door.places.node, (reference, cause) => door.log.event('error', `Peer request failed (${reference}): ${String(cause)}`))
    return { ok: false, error: answer.error }
  }
}

const BEARER = /^Bearer ([\w-]{20,100})$/

function requireSession(door: Door, { request, node }: Exchange): { session: Session; token: string } {
  const token = BEARER.exec(request.headers.authorization ?? '')?.[1]
  const session = token ? door.sessions.find(token) : null
  if (!token || !session || !door.login.mayStill(session.account, session.source)) throw apiFailure('E_SESSION', { node })
  return { session, token }
}
