import { setTimeout as delay } from 'node:timers/promises'
import { AT, FRAME_BYTES_MAX, dataError } from '../../../src/wire/frame'
import { frameLsn } from '../../../src/wire/frameDecode'
import { checksum } from '../stream/checksum'
import type { PageFile, PagePlace } from './pageFile'
import type { SharedOrderedLog } from './sharedOrderedLog'

/** The memory queue is relieved when it is fuller than this ... */
const SPILL_ABOVE = 0.5
/** ... down to this: more than the walk takes, so that it waits while the page file is in use. */
const SPILL_DOWN_TO = 0.375
const SPILL_BYTES = 4 * FRAME_BYTES_MAX
const LOOK_MS = 200

/**
 * All frames that the target has not got on its disk, in their order: the older ones in the page file, the newer ones in memory. Only the sender's
 * thread uses it. What is sent stays until it is acknowledged, so that a new connection goes on behind what the target has.
 */
export class FrameQueue {
  /** Where the next frame to send is: in the page file, or (null) at this position of the ring. */
  private place: PagePlace | null = null
  private position: number
  private sent = 0
  /** Moving frames and reading them take turns. */
  private turn: Promise<unknown> = Promise.resolve()
  private readonly spillBuffer = Buffer.allocUnsafeSlow(SPILL_BYTES)

  constructor(
    private readonly log: SharedOrderedLog,
    private readonly page: PageFile
  ) {
    this.position = log.ring.tail()
    this.sent = log.lsn()
  }

  /** The last LSN that was read here. */
  sentLsn(): number {
    return this.sent
  }

  pageBytes(): number {
    return this.page.bytes()
  }

  private inTurn<T>(use: () => Promise<T>): Promise<T> {
    const next = this.turn.then(use)
    this.turn = next.catch(() => undefined)
    return next
  }

  /** Sealed frames, the next ones in the order: at least one if there is one, then up to `limit` bytes. */
  next(into: Buffer, limit: number): Promise<number> {
    return this.inTurn(async () => {
      if (this.place !== null) {
        const { place } = this
        const { bytes, next, lastLsn } = await this.orGiveUp(() => this.page.read(place, into.subarray(0, Math.max(limit, FRAME_BYTES_MAX))))
        this.place = next
        if (bytes > 0) {
          this.sent = lastLsn
          return bytes
        }
        this.place = null
        this.position = this.log.ring.tail()
      }
      const { bytes, position, lastLsn } = this.fromRing(this.position, into, limit)
      this.position = position
      if (bytes > 0) this.sent = lastLsn
      return bytes
    })
  }

  /** Copies frames out of the ring and seals them: the checksum is not capture's work. */
  private fromRing(from: number, into: Buffer, limit: number): { bytes: number; position: number; lastLsn: number } {
    const ends: number[] = []
    const position = this.log.ring.copyOut(from, into, ends, limit)
    let start = 0
    let lastLsn = 0
    for (const end of ends) {
      into.writeUInt32LE(checksum(into.subarray(start, end)) >>> 0, start + AT.checksum)
      lastLsn = frameLsn(into, start)
      start = end
    }
    return { bytes: start, position, lastLsn }
  }

  /** Resolves when there may be a frame to send, or somebody waits for the target, or after so long. */
  async wait(timeoutMs: number, ready: () => boolean): Promise<void> {
    if (this.place === null) await this.log.waitForFrame(this.position, timeoutMs, ready)
  }

  /** All up to this LSN is hard on the target. */
  release(lsn: number): void {
    this.page.release(lsn)
    const { ring } = this.log
    if (this.page.lastLsn() <= lsn) ring.release(ring.positionAfter(lsn))
  }

  /** The next frame to send is the one behind this LSN. */
  goOnAfter(lsn: number): Promise<void> {
    return this.inTurn(async () => {
      this.release(lsn)
      this.sent = lsn
      this.place = this.page.lastLsn() > lsn ? await this.orGiveUp(() => this.page.placeAfter(lsn, this.spillBuffer)) : null
      this.position = this.log.ring.positionAfter(lsn)
    })
  }

  /** What was queued and cannot be read again is lost to the stream; the dirty map knows it. */
  private async orGiveUp<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      this.log.overflow()
      throw dataError('E_PAGE_FILE', { why: (error as Error).message })
    }
  }

  /** A new stream: nothing that was queued counts any more. Answers the LSN before its first frame. */
  restart(roleSequence: number): Promise<number> {
    return this.inTurn(async () => {
      const startLsn = this.log.startStream(roleSequence)
      this.page.clear()
      this.place = null
      this.position = this.log.ring.tail()
      this.sent = startLsn
      return startLsn
    })
  }

  /** Relieves the memory queue whenever it fills, until `stopped`. */
  async run(stopped: () => boolean): Promise<void> {
    const { ring } = this.log
    while (!stopped()) {
      this.log.setRelieved(this.page.mayHaveRoom())
      const full = ring.usedBytes() > ring.capacity * SPILL_ABOVE && this.log.streamState() === 'wanted'
      if (!full) await this.log.waitForPressure(ring.capacity * SPILL_ABOVE, LOOK_MS)
      else if (!this.page.mayHaveRoom() || !(await this.spillDown())) await delay(LOOK_MS)
    }
    this.log.setRelieved(false)
    await this.inTurn(() => this.page.close())
  }

  /** False: the page file takes no more. */
  private async spillDown(): Promise<boolean> {
    const { ring } = this.log
    let moved = true
    while (moved && ring.usedBytes() > ring.capacity * SPILL_DOWN_TO && this.log.streamState() === 'wanted') moved = await this.inTurn(() => this.spill())
    return moved
  }

  /** Moves the oldest frames. They have all been sent, or none of them. */
  private async spill(): Promise<boolean> {
    const { ring } = this.log
    const epoch = this.log.epoch()
    const tail = ring.tail()
    const sent = this.place === null && this.position > tail
    const { bytes, position, lastLsn } = this.fromRing(tail, this.spillBuffer, SPILL_BYTES)
    if (bytes === 0) return true
    const upTo = sent && position > this.position ? this.cut(tail, this.position) : { bytes, position, lastLsn }
    const place = await this.page.append(this.spillBuffer.subarray(0, upTo.bytes), upTo.lastLsn)
    if (place === null) {
      this.log.setRelieved(false)
      return false
    }
    if (this.log.epoch() !== epoch || this.log.streamState() !== 'wanted') return true
    if (!sent && this.place === null) this.place = place
    if (ring.tail() < upTo.position) ring.release(upTo.position)
    return true
  }

  /** Only the frames before this position: those that were sent. */
  private cut(tail: number, before: number): { bytes: number; position: number; lastLsn: number } {
    let position = tail
    let bytes = 0
    let lastLsn = 0
    for (let next = this.log.ring.read(position); next !== null && position < before; next = this.log.ring.read(position)) {
      lastLsn = frameLsn(next.frame, 0)
      bytes += next.frame.length
      position = next.next
    }
    return { bytes, position, lastLsn }
  }
}
