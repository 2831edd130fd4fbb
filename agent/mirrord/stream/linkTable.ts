import net from 'node:net'
import type { DataLink } from './secure'

const PROBE_TIMEOUT_MS = 2_000

/** What the source knows of its data links: those not in use are tried from time to time. */
export class LinkTable {
  static readonly PROBE_MS = 5_000
  private readonly ok = new Map<string, boolean>()

  constructor(private readonly links: DataLink[]) {}

  works(name: string): void {
    this.ok.set(name, true)
  }

  failed(name: string): void {
    this.ok.set(name, false)
  }

  states(): { name: string; state: 'OK' | 'Error' }[] {
    return this.links.map(({ name }) => ({ name, state: this.ok.get(name) ? 'OK' : 'Error' }))
  }

  /** `better` is told when a link before the one in use has come back. */
  probe(port: number, inUse: string | null, better: (link: DataLink) => void): void {
    const place = this.links.findIndex(({ name }) => name === inUse)
    if (place < 0) return
    for (const [index, link] of this.links.entries()) {
      if (index !== place) this.probeOne(link, port, () => index < place && better(link))
    }
  }

  private probeOne(link: DataLink, port: number, answered: () => void): void {
    const socket = net.connect({ host: link.peerAddress, port, localAddress: link.localAddress, timeout: PROBE_TIMEOUT_MS })
    const end = (works: boolean): void => {
      this.ok.set(link.name, works)
      socket.destroy()
    }
    socket.once('connect', () => {
      end(true)
      answered()
    })
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  }
}
