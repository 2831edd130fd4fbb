import net from 'node:net'
import type { HeartbeatView } from '../../ports'
import { monotonicMs } from '../clock'
import type { Guarded } from '../guard/guarded'
import { onJsonLines, sendJsonLine } from '../jsonLines'
import { type HeartbeatEvent, type HeartbeatRequest, LINE_LENGTH_MAX, SOCKET_QUEUE_BYTES_MAX } from './wire'

const HELLO_TIMEOUT_MS = 2_000

/** One connection to a heartbeat program that has said hello. */
export class Connection {
  heardAtMs = monotonicMs()
  identity = ''
  firstView: HeartbeatView | null = null
  /** It told the other node that this one shuts down. */
  leaving = false
  /** The leases that it guarded when this connection began. */
  guarded: Guarded[] = []
  onKilled: (job: string, what: string[]) => void = () => undefined
  onView: (view: HeartbeatView) => void = (view) => {
    this.firstView = view
  }
  onClose: () => void = () => undefined
  private pid = 0
  closed = false

  private constructor(readonly socket: net.Socket) {
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.closed = true
      this.onClose()
    })
  }

  /** Resolves with its hello and its first view. null: nobody listens, or what listens says no hello. */
  static open(socketFile: string): Promise<Connection | null> {
    return new Promise((resolve) => {
      const connection = new Connection(net.connect(socketFile))
      const timer = setTimeout(() => connection.socket.destroy(), HELLO_TIMEOUT_MS)
      let opened = false
      connection.onClose = () => {
        clearTimeout(timer)
        resolve(null)
      }
      onJsonLines(connection.socket, LINE_LENGTH_MAX, (line) => {
        const event = line as HeartbeatEvent
        connection.heardAtMs = monotonicMs()
        connection.heard(event)
        if (connection.firstView === null || connection.identity === '' || opened) return
        opened = true
        clearTimeout(timer)
        connection.onClose = () => undefined
        resolve(connection)
      })
    })
  }

  private heard(event: HeartbeatEvent): void {
    if (event.event === 'view') this.onView(event.view)
    else if (event.event === 'hello') this.greeted(event)
    else if (event.event === 'guards') this.guarded = event.guarded
    else this.onKilled(event.job, event.what)
  }

  private greeted(hello: Extract<HeartbeatEvent, { event: 'hello' }>): void {
    this.pid = hello.pid
    this.leaving = hello.leaving === true
    this.identity = JSON.stringify([hello.config, hello.keyFingerprint])
  }

  send(request: HeartbeatRequest): void {
    sendJsonLine(this.socket, request, SOCKET_QUEUE_BYTES_MAX)
  }

  /** Resolves when the program has closed the connection, or at the timeout. */
  gone(timeoutMs: number): Promise<void> {
    if (this.closed) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.onClose = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Only while it is connected: then the number is certainly still its own. */
  kill(): void {
    if (this.closed || this.pid <= 1) return
    try {
      process.kill(this.pid, 'SIGKILL')
    } catch {
      // It ended in the meantime.
    }
    this.socket.destroy()
  }
}
