import fs from 'node:fs'
import tty from 'node:tty'
import * as libc from '../../agent/native/libc'
import { makeRaw } from '../../agent/native/terminal'

const TIOCGPTN = 0x8004_5430
const TIOCSPTLCK = 0x4004_5431
const BAUD = 115_200
const FULL_BYTES = 4_096

/** One end of a cable, as a device that a program can open. */
class End {
  readonly device: string
  private readonly master: number
  private readonly input: tty.ReadStream
  /** Kept open, so that a program that closes it hangs up nobody. */
  private readonly slave: number

  constructor(got: (bytes: Buffer) => void) {
    this.master = fs.openSync('/dev/ptmx', fs.constants.O_RDWR | fs.constants.O_NOCTTY | fs.constants.O_NONBLOCK)
    const number = Buffer.alloc(4)
    libc.ioctl(this.master, TIOCSPTLCK, number)
    libc.ioctl(this.master, TIOCGPTN, number)
    this.device = `/dev/pts/${number.readUInt32LE(0)}`
    this.slave = fs.openSync(this.device, fs.constants.O_RDWR | fs.constants.O_NOCTTY | fs.constants.O_NONBLOCK)
    makeRaw(this.slave, BAUD)
    this.input = new tty.ReadStream(this.master)
    this.input.on('data', got)
    this.input.on('error', () => undefined)
  }

  write(bytes: Buffer): void {
    try {
      fs.writeSync(this.master, bytes)
    } catch {
      // Nobody reads at the other end: lost, as on a line.
    }
  }

  /** From now on nobody takes what is written here, and it takes no more. */
  stall(): void {
    this.input.pause()
    // At once: a paused stream still takes what comes first.
    ;(this.input as unknown as { _handle: { readStop(): void } })._handle.readStop()
    const full = Buffer.alloc(FULL_BYTES, 1)
    try {
      for (;;) fs.writeSync(this.slave, full)
    } catch {
      // EAGAIN: it is full.
    }
  }

  close(): void {
    fs.closeSync(this.slave)
    this.input.destroy()
  }
}

/** A serial cable between two devices, with somebody at it who can cut it, speak into it and drop what it carries. */
export class Cable {
  isCut = false
  /** What becomes of the bytes on their way. */
  spoil: (bytes: Buffer) => Buffer = (bytes) => bytes
  private readonly ends: [End, End]

  constructor() {
    this.ends = [new End((bytes) => this.carry(1, bytes)), new End((bytes) => this.carry(0, bytes))]
  }

  get devices(): [string, string] {
    return [this.ends[0].device, this.ends[1].device]
  }

  private carry(to: 0 | 1, bytes: Buffer): void {
    if (!this.isCut) this.ends[to].write(this.spoil(bytes))
  }

  /** Noise at this end. */
  say(to: 0 | 1, bytes: Buffer): void {
    this.ends[to].write(bytes)
  }

  stall(): void {
    for (const end of this.ends) end.stall()
  }

  /** The devices are gone. */
  close(): void {
    for (const end of this.ends) end.close()
  }
}
