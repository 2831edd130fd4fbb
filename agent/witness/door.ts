import { X509Certificate } from 'node:crypto'
import type { AddressInfo, Socket } from 'node:net'
import tls from 'node:tls'
import { isWitnessName, WITNESS_LINE_LENGTH_MAX, type WitnessAnswer, type WitnessQuestion, witnessQuestionSchema } from '../../src/wire/witness'
import { firstProblem } from '../../src/wire/apiSchemas'
import { plainReason } from '../adapters/failure'
import { onJsonLines, sendJsonLine } from '../adapters/jsonLines'
import { openSockets } from '../adapters/openSockets'
import type { Cluster, Clusters } from './clusters'
import { WitnessRefusal } from './jobs'

/** Two nodes a pair, one connection each. */
export const CONNECTIONS_MAX = 4_608
/** Those that have not shown a certificate yet cannot keep the others out. */
const HANDSHAKES_MAX = 256
const HANDSHAKE_MS_MAX = 5_000
/** A node asks five times a lease. */
const SILENT_MS_MAX = 5 * 60_000
const KEEP_ALIVE_MS = 15_000
/** Answers that a client does not read. */
const UNREAD_BYTES_MAX = 256 * 1024
const UNDER_WAY_MAX = 1_024

export interface WitnessDoorOptions {
  clusters: Clusters
  complain(key: string, text: string): void
}

export interface WitnessDoor {
  listen(port: number, host: string | undefined): Promise<void>
  /** Pairs that are here no more lose their connections. */
  reloaded(): void
  close(): Promise<void>
  port(): number
  connections(): number
}

interface Client {
  cluster: Cluster
  /** As its certificate says. */
  node: string
  socket: tls.TLSSocket
}

/** The witness's only door: TLS 1.3, and nobody without a certificate of a pair that it has joined. */
export function createWitnessDoor({ clusters, complain }: WitnessDoorOptions): WitnessDoor {
  const clients = new Map<string, Client>()
  const unknownPair = (serverName: string) => complain('pair', `Somebody asks for a pair that this witness has not joined (${serverName.slice(0, 64)})`)
  const server = tls.createServer({
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: HANDSHAKE_MS_MAX,
    SNICallback: (serverName, answer) => {
      const cluster = clusters.find(serverName)
      if (cluster === null) unknownPair(serverName)
      answer(cluster === null ? new Error('this witness has not joined that pair') : null, cluster?.context)
    }
  })
  server.maxConnections = CONNECTIONS_MAX
  const sockets = openSockets(server)
  limitHandshakes(server)
  server.on('tlsClientError', (error, socket) => {
    complain('tls', `A connection from ${addressOf(socket)} was refused: ${plainReason(error)}`)
    socket.destroy()
  })
  server.on('secureConnection', (socket) => {
    const client = clientOf(clusters, socket)
    if (client === null) {
      complain('certificate', `A connection from ${addressOf(socket)} was refused: it has no certificate of a node`)
      return void socket.destroy()
    }
    admit(clients, client)
    serve(client, complain)
  })
  return {
    listen: (port, host) => listen(server, port, host),
    reloaded: () => {
      for (const { cluster, socket } of [...clients.values()]) if (!clusters.all().includes(cluster)) socket.destroy()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        sockets.destroy()
      }),
    port: () => (server.address() as AddressInfo).port,
    connections: () => clients.size
  }
}

const addressOf = (socket: Socket): string => (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '')

/** A connection is only counted as somebody's when its certificate has been seen. */
function limitHandshakes(server: tls.Server): void {
  let open = 0
  let known = 0
  server.on('connection', (socket: Socket) => {
    if (open - known >= HANDSHAKES_MAX) return void socket.destroy()
    open += 1
    socket.once('close', () => {
      open -= 1
    })
  })
  server.on('secureConnection', (socket: tls.TLSSocket) => {
    known += 1
    socket.once('close', () => {
      known -= 1
    })
  })
}

/** Who is there: checked again here, whatever the handshake has let through. */
function clientOf(clusters: Clusters, socket: tls.TLSSocket): Client | null {
  const cluster = clusters.find(typeof socket.servername === 'string' ? socket.servername : '')
  const { raw, subject } = socket.getPeerCertificate()
  const node = subject?.CN as unknown
  if (cluster === null || !socket.authorized || !raw || typeof node !== 'string' || isWitnessName(node)) return null
  const certificate = new X509Certificate(raw)
  const issued = certificate.checkIssued(cluster.authority) && certificate.verify(cluster.authority.publicKey)
  return issued ? { cluster, node, socket } : null
}

/** A node has one connection: an older one is what is left of it from before it lost it. */
function admit(clients: Map<string, Client>, client: Client): void {
  const { cluster, node, socket } = client
  const key = `${cluster.directory} ${node}`
  clients.get(key)?.socket.destroy()
  clients.set(key, client)
  socket.once('close', () => {
    if (clients.get(key) === client) clients.delete(key)
  })
}

function serve(client: Client, complain: WitnessDoorOptions['complain']): void {
  const { socket, cluster, node } = client
  let underWay = 0
  const answer = (line: WitnessAnswer) => void sendJsonLine(socket, line, UNREAD_BYTES_MAX)
  const refuse = (id: number | null, refused: string) => {
    complain(`${cluster.directory} ${node}`, `A question of ${node} of ${cluster.name} was not answered: ${refused}`)
    answer({ id, refused })
  }
  socket.on('error', () => {})
  socket.setTimeout(SILENT_MS_MAX, () => socket.destroy())
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  onJsonLines(socket, WITNESS_LINE_LENGTH_MAX, (value) => {
    const asked = witnessQuestionSchema.safeParse(value)
    if (!asked.success) return refuse(idOf(value), firstProblem(asked.error))
    const { id } = asked.data
    const why = whyNotAsk(asked.data, node)
    if (why !== null) return refuse(id, why)
    if (underWay >= UNDER_WAY_MAX) return refuse(id, `more than ${UNDER_WAY_MAX} questions are under way`)
    underWay += 1
    void voteOf(cluster, asked.data)
      .then((line) => ('refused' in line ? refuse(id, line.refused) : answer(line)))
      .finally(() => {
        underWay -= 1
      })
  })
}

function idOf(value: unknown): number | null {
  const { id } = (value ?? {}) as { id?: unknown }
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : null
}

/** In words what does not fit the node that asks; null: all does. */
function whyNotAsk({ message: { from, peer, ballot, ask } }: WitnessQuestion, node: string): string | null {
  if (from !== node) return `it is asked in the name of ${from}, with the certificate of ${node}`
  if (peer === node) return 'the other node of the pair is the same one'
  const owners = [ballot.owner, ...(ask.do === 'propose' ? [ask.ballot.owner] : [])]
  return owners.every((owner) => owner === node || owner === peer) ? null : 'the owner is no node of the pair'
}

async function voteOf(cluster: Cluster, question: WitnessQuestion): Promise<WitnessAnswer> {
  const { id } = question
  try {
    return { id, reply: await cluster.jobs.ask(question) }
  } catch (error) {
    return { id, refused: error instanceof WitnessRefusal ? error.message : `its vote could not be recorded: ${plainReason(error)}` }
  }
}

function listen(server: tls.Server, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.removeAllListeners('error')
      server.on('error', () => {})
      resolve()
    })
  })
}
