import dgram from 'node:dgram'
import net from 'node:net'
import type { HeartbeatLinkConfig } from './config'
import type { Lane, LaneEvents } from './lane'

/** The local address may come later (a NIC that is down, DHCP): so often it is tried. */
const BIND_RETRY_MS = 1_000

export class DatagramLane implements Lane {
  readonly ends: { local: string; remote: string }
  private socket: dgram.Socket | null = null
  private bound = false
  private closed = false
  private retry: NodeJS.Timeout | undefined

  constructor(
    private readonly config: HeartbeatLinkConfig,
    private readonly events: LaneEvents
  ) {
    const { local, remote, port } = config
    this.ends = { local: endpoint(local, port), remote: endpoint(remote, port) }
  }

  open(): void {
    const socket = dgram.createSocket({ type: net.isIPv6(this.config.local) ? 'udp6' : 'udp4' })
    this.socket = socket
    socket.on('error', () => this.openLater(socket))
    socket.on('message', (bytes) => this.events.received(bytes))
    socket.bind({ address: this.config.local, port: this.config.port, exclusive: true }, () => {
      this.bound = true
    })
  }

  private openLater(socket: dgram.Socket): void {
    if (this.closed || this.socket !== socket) return
    this.bound = false
    this.socket = null
    socket.close()
    this.retry = setTimeout(() => this.open(), BIND_RETRY_MS)
  }

  send(packet: Buffer, sent: () => void): void {
    if (this.socket === null || !this.bound) return
    // A route or NIC that is away makes the send fail: that is what the other side's silence will say.
    this.socket.send(packet, this.config.port, this.config.remote, (error) => {
      if (error === null) sent()
    })
  }

  close(): void {
    this.closed = true
    clearTimeout(this.retry)
    this.socket?.close()
    this.socket = null
  }
}

export const endpoint = (address: string, port: number): string => (net.isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`)
