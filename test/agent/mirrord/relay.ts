import net from 'node:net'

/** A cable that can be pulled: it stands between a data link's source and its target. */
export class Relay {
  private server: net.Server | null = null
  private readonly open = new Set<net.Socket>()
  private carried = 0
  private cutAtBytes = Number.POSITIVE_INFINITY
  cuts = 0

  constructor(
    private readonly port: number,
    readonly address: string,
    private readonly to: string
  ) {}

  async plugIn(): Promise<void> {
    for (const socket of this.open) socket.destroy()
    this.server = net.createServer((from) => this.carry(from))
    await new Promise<void>((resolve) => this.server!.listen(this.port, this.address, resolve))
  }

  private carry(from: net.Socket): void {
    const to = net.connect(this.port, this.to)
    for (const [socket, other] of [
      [from, to],
      [to, from]
    ] as const) {
      this.open.add(socket)
      socket
        .on('error', () => undefined)
        .on('close', () => {
          this.open.delete(socket)
          other.destroy()
        })
        .pipe(other)
    }
    from.on('data', (chunk) => {
      this.carried += chunk.length
      if (this.carried >= this.cutAtBytes) this.cut()
    })
  }

  /** Both ends are told (RST or FIN). */
  cut(): void {
    this.cutAtBytes = Number.POSITIVE_INFINITY
    this.cuts++
    for (const socket of this.open) socket.destroy()
  }

  cutAfter(bytes: number): void {
    this.cutAtBytes = this.carried + bytes
  }

  /** Nobody is told: nothing arrives any more, and no new connection is answered. */
  pull(): void {
    this.server?.close()
    this.server = null
    for (const socket of this.open) socket.pause().unpipe()
  }

  end(): void {
    this.server?.close()
    for (const socket of this.open) socket.destroy()
  }
}
