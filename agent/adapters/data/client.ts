import net from 'node:net'
import type { MirrordEvent, MirrordReply, MirrordRequest } from '../../../src/wire'
import { ReportError } from '../../../src/report/report'
import { failure } from '../failure'
import { onJsonLines, sendJsonLine } from '../jsonLines'

/** mirrord answers on a local socket: connecting is immediate or does not happen. */
const CONNECT_TIMEOUT_MS = 1_000
const LINE_LENGTH_MAX = 1024 * 1024
const SOCKET_QUEUE_BYTES_MAX = 1024 * 1024
/** Requests without an answer yet; more means that it hangs. */
const PENDING_MAX = 64

type WithoutId<Request> = Request extends unknown ? Omit<Request, 'id'> : never
export type MirrordOrder = WithoutId<MirrordRequest>

interface Pending {
  settle: (outcome: unknown, error: Error | null) => void
  request: string
}

/** One connection to a job's mirrord: requests with numbers, their answers, and its events. */
export class MirrordClient {
  onEvent: (event: MirrordEvent) => void = () => undefined
  onClose: () => void = () => undefined
  closed = false
  private nextId = 1
  private readonly pending = new Map<number, Pending>()

  private constructor(
    private readonly socket: net.Socket,
    private readonly at: { node: string; job: string }
  ) {
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.gone())
    onJsonLines(socket, LINE_LENGTH_MAX, (line) => this.receive(line as MirrordReply | MirrordEvent))
  }

  /** null: nobody listens there. */
  static open(socketFile: string, at: { node: string; job: string }): Promise<MirrordClient | null> {
    return new Promise((resolve) => {
      const socket = net.connect(socketFile)
      const client = new MirrordClient(socket, at)
      const timer = setTimeout(() => socket.destroy(), CONNECT_TIMEOUT_MS)
      client.onClose = () => {
        clearTimeout(timer)
        resolve(null)
      }
      socket.once('connect', () => {
        clearTimeout(timer)
        client.onClose = () => undefined
        resolve(client)
      })
    })
  }

  /** Rejects with mirrord's own report, with E_MIRRORD_TIMEOUT, or with E_MIRRORD_LOST when the connection ends first. */
  request(order: MirrordOrder, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.nextId++
      const timer = setTimeout(() => this.settle(id, null, failure('E_MIRRORD_TIMEOUT', { ...this.at, request: order.do, timeoutMs })), timeoutMs)
      const settle = (outcome: unknown, error: Error | null): void => {
        clearTimeout(timer)
        if (error === null) resolve(outcome)
        else reject(error)
      }
      this.pending.set(id, { settle, request: order.do })
      if (this.pending.size > PENDING_MAX) this.settle(id, null, this.lost(order.do, `${PENDING_MAX} requests wait for an answer already`))
      else if (!sendJsonLine(this.socket, { id, ...order }, SOCKET_QUEUE_BYTES_MAX)) this.settle(id, null, this.lost(order.do, 'the connection has ended'))
    })
  }

  /** Resolves when the other end has closed it. */
  ended(): Promise<void> {
    return this.closed ? Promise.resolve() : new Promise((resolve) => this.socket.once('close', () => resolve()))
  }

  close(): void {
    this.onClose = () => undefined
    this.onEvent = () => undefined
    this.socket.destroy()
  }

  private receive(line: MirrordReply | MirrordEvent): void {
    if ('event' in line) return this.onEvent(line)
    const request = this.pending.get(line.id)?.request ?? ''
    if (line.ok) this.settle(line.id, line.result, null)
    else this.settle(line.id, null, this.told(request, line.error))
  }

  /** What mirrord refuses, it explains itself. */
  private told(request: string, error: { code: string; message: string; tryThis: string }): Error {
    if (error.code === 'E_MIRRORD_CONFIG') return failure('E_MIRRORD_CONFIG', { ...this.at, why: error.message })
    const exitCode = request === 'drain' && /TIMEOUT|DRAIN/.test(error.code) ? 6 : request === 'rebuild' ? 5 : 1
    return new ReportError({ ...error, exitCode, node: this.at.node })
  }

  private settle(id: number, outcome: unknown, error: Error | null): void {
    const pending = this.pending.get(id)
    this.pending.delete(id)
    pending?.settle(outcome, error)
  }

  private gone(): void {
    this.closed = true
    for (const [id, { request }] of this.pending) this.settle(id, null, this.lost(request, 'it ended before it answered'))
    this.onClose()
  }

  private lost(request: string, why: string): Error {
    return failure('E_MIRRORD_LOST', { ...this.at, request, why })
  }
}
