import tls from 'node:tls'
import { X509Certificate } from 'node:crypto'
import type { VoteMessage, VoteReply } from '../../src/wire'
import { isWitnessName, WITNESS_LINE_LENGTH_MAX, type WitnessQuestion, witnessAnswerSchema } from '../../src/wire/witness'
import { plainReason } from '../adapters/failure'
import { onJsonLines, sendJsonLine } from '../adapters/jsonLines'
import type { NodeCertificates } from '../api/certificates'
import { caWord } from '../setup/invitation'
import { serverNameOf } from './places'
import { Troubles } from './troubles'

/** Questions under way; a node asks one for each job. */
export const UNDER_WAY_MAX = 1_024
const CONNECT_MS_MAX = 2_000
/** As long as the door waits for it. Somebody is there: a busy machine is not knocked at anew before it has answered. */
const HANDSHAKE_MS_MAX = 5_000
/** A witness that is not there is not knocked at by every job for itself. */
const CONNECT_AGAIN_MS = 200
/** What a timer may be early, and a question late on its way out when the connection stands. */
const TIMER_EARLY_MS = 10
const UNSENT_BYTES_MAX = 1024 * 1024
const KEEP_ALIVE_MS = 15_000
/** What is in the way of all of them. */
const NO_JOB = ''

export interface WitnessClientOptions {
  address: string
  port: number
  /** Read at each connection: they may have been replaced. */
  certificates(): NodeCertificates
  /** What the node counts on when it asks. */
  times(): { leaseMs: number; driftMs: number }
  /** The version of the configuration in which this witness became the pair's, or the job was made, whichever is later. */
  since(job: string): number
  /** Why there was no answer, when that is not what it was before; null: there are answers again. */
  troubled?(why: string | null): void
}

export interface WitnessClient {
  /** null: no answer in time, refused, or not reached. A question is never asked twice. */
  ask(message: VoteMessage, timeoutMs: number): Promise<VoteReply | null>
  close(): void
}

interface Asked {
  question: WitnessQuestion
  /** null: the connection is still being made. */
  sentAtMs: number | null
  settle(reply: VoteReply | null): void
}

/** The name counts, not the address: who has a certificate of the pair and is no node of it is its witness. */
export const connectWitness = ({ address, port }: Pick<WitnessClientOptions, 'address' | 'port'>, certificates: NodeCertificates): tls.TLSSocket =>
  tls.connect({
    host: address,
    port,
    ...certificates,
    minVersion: 'TLSv1.3',
    servername: serverNameOf(caWord(new X509Certificate(certificates.ca).raw)),
    checkServerIdentity: (_host, { subject }) => (isWitnessName(subject?.CN) ? undefined : new Error(`${subject?.CN} answers there, and it is no witness`))
  })

/** One connection, kept; questions do not wait for each other's answers. */
export function createWitnessClient(options: WitnessClientOptions): WitnessClient {
  const client = new Client(options)
  return { ask: (message, timeoutMs) => client.ask(message, timeoutMs), close: () => client.close() }
}

class Client {
  private readonly asked = new Map<number, Asked>()
  private socket: tls.TLSSocket | null = null
  private secure = false
  private failedAtMs = Number.NEGATIVE_INFINITY
  private heardAtMs = 0
  private ids = 0
  private closed = false
  private readonly troubles: Troubles

  constructor(private readonly options: WitnessClientOptions) {
    this.troubles = new Troubles((why) => options.troubled?.(why))
  }

  ask(message: VoteMessage, timeoutMs: number): Promise<VoteReply | null> {
    const now = performance.now()
    if (this.closed || this.asked.size >= UNDER_WAY_MAX) return Promise.resolve(null)
    if (this.socket === null && now - this.failedAtMs < CONNECT_AGAIN_MS) return Promise.resolve(null)
    const { leaseMs, driftMs } = this.options.times()
    const id = this.ids++
    const question: WitnessQuestion = { id, message, leaseMs, driftMs, since: this.options.since(message.job) }
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.timedOut(id, timeoutMs), timeoutMs)
      const settle = (reply: VoteReply | null) => {
        clearTimeout(timer)
        this.asked.delete(id)
        resolve(reply)
      }
      const asked: Asked = { question, sentAtMs: null, settle }
      this.asked.set(id, asked)
      if (this.secure) this.send(asked)
      else this.ensureConnection()
    })
  }

  private ensureConnection(): void {
    try {
      this.socket ??= this.connect(this.options.certificates())
    } catch (error) {
      this.drop(plainReason(error))
    }
  }

  close(): void {
    this.closed = true
    this.drop(null)
  }

  private connect(certificates: NodeCertificates): tls.TLSSocket {
    const socket = connectWitness(this.options, certificates)
    const tooSlow = () => void socket.destroy(new Error('no connection in time'))
    let slow = setTimeout(tooSlow, CONNECT_MS_MAX)
    socket.once('connect', () => {
      clearTimeout(slow)
      slow = setTimeout(tooSlow, HANDSHAKE_MS_MAX)
    })
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.setNoDelay(true)
    socket.once('secureConnect', () => {
      clearTimeout(slow)
      this.secure = true
      for (const asked of [...this.asked.values()]) this.send(asked)
    })
    socket.on('error', (error) => {
      if (this.socket === socket) this.drop(plainReason(error))
    })
    socket.once('close', () => {
      clearTimeout(slow)
      if (this.socket === socket) this.drop('the connection was closed')
    })
    onJsonLines(socket, WITNESS_LINE_LENGTH_MAX, (value) => this.receive(value))
    return socket
  }

  private send(asked: Asked): void {
    if (asked.sentAtMs !== null || this.socket === null) return
    asked.sentAtMs = performance.now()
    sendJsonLine(this.socket, asked.question, UNSENT_BYTES_MAX)
  }

  private receive(value: unknown): void {
    this.heardAtMs = performance.now()
    const answer = witnessAnswerSchema.safeParse(value)
    if (!answer.success) return this.drop('its answer cannot be read')
    const asked = answer.data.id === null ? undefined : this.asked.get(answer.data.id)
    const job = asked?.question.message.job ?? NO_JOB
    const why = 'refused' in answer.data ? `it refuses: ${answer.data.refused}` : null
    this.troubles.heard(job, why)
    // There is a way to it again.
    if (job !== NO_JOB) this.troubles.heard(NO_JOB, null)
    if ('refused' in answer.data) return asked?.settle(null)
    if (asked && answer.data.reply.number === asked.question.message.number) asked.settle(answer.data.reply)
  }

  /**
   * When nothing at all was heard meanwhile the connection is given up: a new one is there sooner than TCP finds out that the way works again. One that was
   * made while the question waited has not had its time yet: where that takes long, each new one would be given up like the one before.
   */
  private timedOut(id: number, timeoutMs: number): void {
    const asked = this.asked.get(id)
    const sentAtMs = asked?.sentAtMs ?? null
    const hadTime = sentAtMs !== null && performance.now() - sentAtMs >= timeoutMs - TIMER_EARLY_MS
    if (hadTime && this.heardAtMs < sentAtMs) this.drop('no answer in time')
    else asked?.settle(null)
  }

  /** What was asked on this connection is not asked again on the next one. */
  private drop(why: string | null): void {
    const { socket } = this
    this.socket = null
    this.secure = false
    this.failedAtMs = performance.now()
    socket?.destroy()
    if (why !== null) this.troubles.heard(NO_JOB, why)
    for (const asked of [...this.asked.values()]) asked.settle(null)
  }
}
