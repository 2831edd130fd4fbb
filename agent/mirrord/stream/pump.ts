import type tls from 'node:tls'
import { setTimeout as delay } from 'node:timers/promises'
import { FRAME_BYTES_MAX } from '../../../src/wire/frame'
import type { FrameQueue } from '../order/frameQueue'
import type { SharedOrderedLog } from '../order/sharedOrderedLog'
import type { Conversation } from './conversation'
import { KEEPALIVE_MS } from './secure'
import type { TokenBucket } from './tokenBucket'

const BATCH_BYTES = 256 * 1024
const BUFFER_BYTES = BATCH_BYTES + FRAME_BYTES_MAX
/** Buffers are used again: a new one for each batch keeps the garbage collector busier than the stream. */
const SPARE_BATCHES_MAX = 4
/** After a batch smaller than this more is gathered for a moment, unless somebody waits; the first write after a pause goes at once. */
const SMALL_BATCH_BYTES = 64 * 1024
const GATHER_MS = 1
/** While sending is held back. */
const PAUSED_LOOK_MS = 50

/** Moves frames from the queue to a connection, as fast as the connection and the speed limit take them. */
export class Pump {
  sentBytes = 0
  paused = false
  private readonly spare: Buffer[] = []

  constructor(
    private readonly log: SharedOrderedLog,
    private readonly queue: FrameQueue,
    readonly bucket: TokenBucket
  ) {}

  /** Sends until the connection ends, or the queue did not suffice. */
  async run(conversation: Conversation): Promise<void> {
    const { socket } = conversation
    let barrierLsn = 0
    const wanted = (): boolean => this.log.waiters.waiting() > 0 && this.log.waiters.wantedLsn() > barrierLsn
    while (!socket.destroyed && (this.paused || this.log.streamState() === 'wanted')) {
      if (this.paused) {
        await delay(PAUSED_LOOK_MS)
        continue
      }
      const bytes = await this.sendBatch(conversation)
      // Somebody waits for what has been sent: the target must not gather.
      if (wanted() && this.queue.sentLsn() >= this.log.waiters.wantedLsn()) {
        barrierLsn = this.queue.sentLsn()
        conversation.say({ kind: 'barrier', folder: 0, lsn: barrierLsn })
      }
      if (bytes === 0) await this.queue.wait(KEEPALIVE_MS / 2, wanted)
      else if (bytes < SMALL_BATCH_BYTES) await this.log.gather(GATHER_MS)
    }
  }

  private async sendBatch(conversation: Conversation): Promise<number> {
    const { socket } = conversation
    const buffer = this.spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES)
    const bytes = await this.queue.next(buffer, this.bucket.burstBytes(BATCH_BYTES))
    if (bytes === 0 || socket.destroyed || !conversation.maySpeak()) {
      this.giveBack(buffer)
      return bytes
    }
    this.sentBytes += bytes
    const room = socket.write(buffer.subarray(0, bytes), () => this.giveBack(buffer))
    if (!room) await drained(socket)
    await this.bucket.spend(bytes, () => socket.destroyed)
    return bytes
  }

  private giveBack(buffer: Buffer): void {
    if (this.spare.length < SPARE_BATCHES_MAX) this.spare.push(buffer)
  }
}

const drained = (socket: tls.TLSSocket): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
