import type { Packet } from './packet'
import { ENGINE_SILENT_MS } from './wire'

/** Incarnations of the peer that are over; a packet of theirs is a recording. */
const RETIRED_MAX = 16

/** What all links together know of the peer's node. */
export class PeerSight {
  private current = 0n
  private readonly retired: bigint[] = []
  private lastHeardMs = 0
  private engineAliveAtMs = 0
  leaving = false

  isOver(incarnation: bigint): boolean {
    return this.retired.includes(incarnation)
  }

  heard(packet: Packet, nowMs: number): void {
    if (packet.incarnation !== this.current) this.begin(packet.incarnation)
    this.lastHeardMs = nowMs
    // Packets may overtake each other: the latest sign of the engine counts, whichever packet brought it.
    this.engineAliveAtMs = Math.max(this.engineAliveAtMs, nowMs - packet.engineSilentMs)
    if (packet.leaving) this.leaving = true
  }

  /** 0: the engine runs, as far as the newest packet knows. */
  engineSilentMs(): number {
    const silent = Math.round(this.lastHeardMs - this.engineAliveAtMs)
    return silent > ENGINE_SILENT_MS ? silent : 0
  }

  private begin(incarnation: bigint): void {
    if (this.current !== 0n) this.retired.push(this.current)
    if (this.retired.length > RETIRED_MAX) this.retired.shift()
    this.current = incarnation
    this.leaving = false
    this.engineAliveAtMs = -Infinity
  }
}
