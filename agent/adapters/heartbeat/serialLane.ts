import fs from 'node:fs'
import tty from 'node:tty'
import { makeRaw } from '../../native/terminal'
import type { HeartbeatLinkConfig } from './config'
import { frame, FrameReader } from './framing'
import type { Lane, LaneEvents } from './lane'
import { PACKET_BYTES } from './packet'

/** A line that is unplugged, or an adapter that is drawn, may come back: so often it is tried. */
const OPEN_RETRY_MS = 1_000
/** Without it an open may wait for a carrier, and a write for a line that nobody reads. */
const OPEN_FLAGS = fs.constants.O_RDWR | fs.constants.O_NOCTTY | fs.constants.O_NONBLOCK

/** A line of its own: one descriptor to write, whose writes never wait, and one to read, which the event loop watches. */
interface Line {
  descriptor: number
  input: tty.ReadStream
}

/** A serial line (RS-232, or whatever the kernel gives a tty for): 8 data bits, no parity, no flow control, every byte as it is. */
export class SerialLane implements Lane {
  readonly ends: { local: string; remote: string }
  private line: Line | null = null
  private closed = false
  private retry: NodeJS.Timeout | undefined

  constructor(
    private readonly config: HeartbeatLinkConfig & { baud: number },
    private readonly events: LaneEvents
  ) {
    this.ends = { local: config.local, remote: config.remote }
  }

  open(): void {
    fs.open(this.config.local, OPEN_FLAGS, (error, descriptor) => {
      if (error !== null) return this.openLater()
      if (this.closed || !this.begin(descriptor)) return fs.closeSync(descriptor)
    })
  }

  private begin(descriptor: number): boolean {
    // Something else may be there under the name, or the line went away as soon as it was opened.
    if (!tty.isatty(descriptor) || makeRaw(descriptor, this.config.baud) < 0) return this.openLater()
    const input = this.reader()
    if (input === null) return this.openLater()
    const line = { descriptor, input }
    const reader = new FrameReader(
      PACKET_BYTES,
      (packet) => this.events.received(packet),
      () => this.events.strange()
    )
    input.on('data', (bytes: Buffer) => reader.push(bytes))
    for (const end of ['error', 'end', 'close']) input.on(end, () => this.lose(line))
    this.line = line
    return true
  }

  /** Of its own, because the event loop may open it anew for itself: it must not share what the writes need. */
  private reader(): tty.ReadStream | null {
    let descriptor: number | null = null
    try {
      descriptor = fs.openSync(this.config.local, OPEN_FLAGS)
      return new tty.ReadStream(descriptor)
    } catch {
      if (descriptor !== null) fs.closeSync(descriptor)
      return null
    }
  }

  private lose(line: Line): void {
    if (this.line !== line) return
    this.line = null
    release(line)
    this.openLater()
  }

  private openLater(): false {
    if (!this.closed) this.retry = setTimeout(() => this.open(), OPEN_RETRY_MS)
    return false
  }

  send(packet: Buffer, sent: () => void): void {
    const { line } = this
    if (line === null) return
    const bytes = frame(packet)
    try {
      // The rest of one that a full line takes in part is lost: the other side finds the next edge.
      if (fs.writeSync(line.descriptor, bytes) === bytes.length) sent()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') this.lose(line)
    }
  }

  close(): void {
    this.closed = true
    clearTimeout(this.retry)
    if (this.line !== null) release(this.line)
    this.line = null
  }
}

function release({ descriptor, input }: Line): void {
  input.destroy()
  fs.closeSync(descriptor)
}
