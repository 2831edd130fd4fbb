import type { HeartbeatView } from '../../ports'
import { monotonicMs } from '../clock'
import { type HeartbeatConfig, type HeartbeatLinkConfig, silenceMs } from './config'
import { DatagramLane } from './datagramLane'
import type { Lane, LaneEvents } from './lane'
import { SerialLane } from './serialLane'
import { decodePacket, encodePacket, nameId, type Packet } from './packet'
import type { PeerSight } from './peerSight'
import { SequenceWindow } from './window'

/** An echo proves that the peer's program is of now when it names one of the last so many packets of ours. */
const ECHO_WINDOW = 64n
/** At most one answer to an unknown incarnation in this time, so that recordings cannot make us flood the link. */
const CHALLENGE_GAP_MS = 20

export interface LinkSurroundings {
  config: HeartbeatConfig
  key: Buffer
  incarnation: bigint
  peer: PeerSight
  engineSilentMs: () => number
  leaving: () => boolean
  changed: () => void
}

/** One heartbeat link: sends at its interval, hears, and says when it is up. */
export class HeartbeatLink {
  up = false
  private heardByPeer = false
  private lastHeardMs: number | null = null
  private counters = { sent: 0, received: 0, missed: 0, rejected: 0 }
  private sequence = 0n
  private peerIncarnation = 0n
  private window = new SequenceWindow()
  private lastChallengeMs = -Infinity
  private readonly lane: Lane
  private closed = false
  private nextSendMs = 0
  private heldUntilMs = -Infinity
  private timers: { send?: NodeJS.Timeout; deadline?: NodeJS.Timeout } = {}
  private readonly ids: Pick<Packet, 'cluster' | 'sender' | 'link'>
  private readonly peerId: bigint

  constructor(
    readonly config: HeartbeatLinkConfig,
    private readonly around: LinkSurroundings
  ) {
    this.ids = { cluster: nameId(around.config.cluster), sender: nameId(around.config.node), link: nameId(config.name) }
    this.peerId = nameId(around.config.peerNode)
    this.lane = laneOf(config, { received: (bytes) => this.receive(bytes), strange: () => void this.counters.rejected++ })
  }

  start(): void {
    this.lane.open()
    this.nextSendMs = monotonicMs()
    this.sendAtInterval()
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timers.send)
    clearTimeout(this.timers.deadline)
    this.lane.close()
  }

  view(): HeartbeatView['links'][number] {
    const { name } = this.config
    const ageMs = this.lastHeardMs === null ? null : Math.round(monotonicMs() - this.lastHeardMs)
    const missed = this.counters.missed + this.missedSince(ageMs)
    const { ends } = this.lane
    return { name, state: this.up ? 'ok' : 'error', up: this.up, heardByPeer: this.up && this.heardByPeer, ...ends, ageMs, ...this.counters, missed }
  }

  /** Keeps to the grid of its interval; after a pause of the whole process it goes on from now. */
  private sendAtInterval(): void {
    this.send(this.peerIncarnation, this.window.newest)
    const nowMs = monotonicMs()
    this.nextSendMs = Math.max(this.nextSendMs + this.config.intervalMs, nowMs)
    this.timers.send = setTimeout(() => this.sendAtInterval(), this.nextSendMs - nowMs)
  }

  /** Beside the interval: the peer must learn something at once. */
  sendNow(): void {
    this.send(this.peerIncarnation, this.window.newest)
  }

  /** A drill: as if its cable were out. */
  hold(forMs: number): void {
    this.heldUntilMs = monotonicMs() + forMs
  }

  get isHeld(): boolean {
    return monotonicMs() < this.heldUntilMs
  }

  /** Half the time that it may be silent has passed. */
  get isLate(): boolean {
    return monotonicMs() - (this.lastHeardMs ?? -Infinity) > silenceMs(this.config) / 2
  }

  private send(echoIncarnation: bigint, echoSequence: bigint): void {
    if (this.isHeld) return
    const { incarnation, key } = this.around
    const state = { engineSilentMs: this.around.engineSilentMs(), leaving: this.around.leaving(), hears: this.up }
    const packet = { ...this.ids, incarnation, sequence: ++this.sequence, echoIncarnation, echoSequence, ...state }
    this.lane.send(encodePacket(packet, key), () => void this.counters.sent++)
  }

  private receive(bytes: Buffer): void {
    if (this.isHeld) return
    const packet = decodePacket(bytes, this.around.key)
    if (packet === null || !this.isFromPeer(packet) || this.around.peer.isOver(packet.incarnation)) this.counters.rejected++
    else if (packet.incarnation === this.peerIncarnation) this.receiveKnown(packet)
    else if (this.echoesMe(packet)) this.believe(packet)
    else this.challenge(packet)
  }

  private isFromPeer(packet: Packet): boolean {
    return packet.cluster === this.ids.cluster && packet.sender === this.peerId && packet.link === this.ids.link && packet.incarnation !== 0n
  }

  private receiveKnown(packet: Packet): void {
    if (this.window.accept(packet.sequence)) this.heard(packet)
    else this.counters.rejected++
  }

  private echoesMe(packet: Packet): boolean {
    const { echoIncarnation, echoSequence } = packet
    return echoIncarnation === this.around.incarnation && echoSequence > 0n && echoSequence <= this.sequence && echoSequence > this.sequence - ECHO_WINDOW
  }

  /** The peer's program is a new one, and of now. Answered at once, so that it believes us as quickly. */
  private believe(packet: Packet): void {
    this.peerIncarnation = packet.incarnation
    this.window = SequenceWindow.from(packet.sequence)
    this.heard(packet)
    this.sendNow()
  }

  /** Unknown incarnation: a restarted peer, or a recording. Only a living peer can echo what we send now. */
  private challenge(packet: Packet): void {
    const nowMs = monotonicMs()
    if (nowMs - this.lastChallengeMs < CHALLENGE_GAP_MS) {
      this.counters.rejected++
      return
    }
    this.lastChallengeMs = nowMs
    this.send(packet.incarnation, packet.sequence)
  }

  private heard(packet: Packet): void {
    const nowMs = monotonicMs()
    const { peer } = this.around
    const before = `${this.up} ${this.heardByPeer} ${peer.leaving} ${peer.engineSilentMs() > 0}`
    if (this.lastHeardMs !== null) this.counters.missed += this.missedSince(nowMs - this.lastHeardMs)
    this.lastHeardMs = nowMs
    this.counters.received++
    this.heardByPeer = packet.hears
    this.up = true
    peer.heard(packet, nowMs)
    if (this.timers.deadline === undefined) this.armDeadline(nowMs)
    if (before !== `${this.up} ${this.heardByPeer} ${peer.leaving} ${peer.engineSilentMs() > 0}`) this.around.changed()
  }

  /** Whole intervals without a packet, counted from half an interval late on, so that jitter is not a miss. */
  private missedSince(ageMs: number | null): number {
    return ageMs === null ? 0 : Math.max(0, Math.floor(ageMs / this.config.intervalMs - 0.5))
  }

  private armDeadline(nowMs: number): void {
    const dueMs = (this.lastHeardMs ?? nowMs) + silenceMs(this.config)
    this.timers.deadline = setTimeout(() => this.atDeadline(), Math.max(0, Math.ceil(dueMs - nowMs)))
  }

  /**
   * This process itself may have been paused: packets that wait in the socket are read before the peer is called silent,
   * which is why the decision is taken one turn of the event loop later.
   */
  private atDeadline(): void {
    setImmediate(() => {
      const nowMs = monotonicMs()
      if (this.closed) return
      if (nowMs < (this.lastHeardMs ?? 0) + silenceMs(this.config)) return this.armDeadline(nowMs)
      this.timers.deadline = undefined
      this.up = false
      this.around.changed()
    })
  }
}

const laneOf = (config: HeartbeatLinkConfig, events: LaneEvents): Lane =>
  config.baud === undefined ? new DatagramLane(config, events) : new SerialLane({ ...config, baud: config.baud }, events)
