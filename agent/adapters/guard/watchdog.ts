import fs from 'node:fs'
import * as libc from '../../native/libc'
import { plainReason } from '../failure'

/** linux/watchdog.h: _IOWR('W', 6, int) and _IOR('W', 7, int), in seconds. */
const WDIOC_SETTIMEOUT = 0xc0045706
const WDIOC_GETTIMEOUT = 0x80045707
/** Said before it is closed: the driver must not reset the machine for that. */
const MAGIC_CLOSE = 'V'
const PET = '.'
const PETS_A_TIMEOUT = 4
/** Asked for is half a lease. One that takes longer than so many of these is not petted between two renewals: it would reset a machine that serves. */
const TIMES_LONGER_MAX = 1.5
/** After a device could not be opened. */
const OPEN_AGAIN_MS = 5_000

export interface WatchdogGiven {
  file: string
  /** Wanted; a driver may only know others. */
  timeoutMs: number
  nowMs(): number
  say(line: string): void
}

/**
 * `/dev/watchdog`: resets the machine when nobody has petted it for its timeout. What cannot be ended in any other way, because the machine hangs or sleeps,
 * or a process cannot be killed, has ended then.
 */
export class Watchdog {
  private fd = -1
  private timeoutMs: number
  private pettedAtMs = 0
  private triedAtMs = Number.NEGATIVE_INFINITY
  /** It is tried again and again, and said once. */
  private trouble: string | null = null

  constructor(private readonly given: WatchdogGiven) {
    this.timeoutMs = given.timeoutMs
  }

  /** `onDuty`: something is served under a lease. `mayOutlive`: would that still be there without one, if nobody looked for so long? Then it is not petted. */
  look(onDuty: boolean, mayOutlive: (forMs: number) => boolean): void {
    if (onDuty && this.fd < 0) this.open()
    if (this.fd < 0) return
    if (!onDuty) return this.close()
    const nowMs = this.given.nowMs()
    if (nowMs - this.pettedAtMs >= this.timeoutMs / PETS_A_TIMEOUT && !mayOutlive(this.timeoutMs)) this.pet(nowMs)
  }

  close(): void {
    if (this.fd < 0) return
    this.release()
    this.given.say(`${this.given.file} is closed: nothing is served under a lease`)
  }

  private open(): void {
    const { file, nowMs, say } = this.given
    if (nowMs() - this.triedAtMs < OPEN_AGAIN_MS) return
    this.triedAtMs = nowMs()
    try {
      // Opening starts it; a stand-in that nobody reads must not hold this thread.
      this.fd = fs.openSync(file, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK)
    } catch (error) {
      return this.complain(`${file} cannot be opened: ${plainReason(error)}; a machine that hangs is not reset`)
    }
    this.timeoutMs = this.setTimeout()
    if (this.timeoutMs > this.given.timeoutMs * TIMES_LONGER_MAX) return this.leaveAlone()
    this.pet(nowMs())
    say(`${file} resets this machine when it has not been petted for ${this.timeoutMs} ms`)
  }

  private release(): void {
    this.write(MAGIC_CLOSE)
    fs.closeSync(this.fd)
    this.fd = -1
  }

  private leaveAlone(): void {
    const { file, timeoutMs, say } = this.given
    this.triedAtMs = Number.POSITIVE_INFINITY
    this.release()
    say(`${file} has a timeout of ${this.timeoutMs} ms and not of ${timeoutMs} ms, half a lease: it is not used; a machine that hangs is not reset`)
  }

  /** What the driver says is in force; one that says nothing is believed to have what was asked for. */
  private setTimeout(): number {
    const seconds = Buffer.alloc(4)
    seconds.writeInt32LE(Math.max(1, Math.floor(this.given.timeoutMs / 1_000)))
    const set = libc.ioctl(this.fd, WDIOC_SETTIMEOUT, seconds) >= 0
    if (!set && libc.ioctl(this.fd, WDIOC_GETTIMEOUT, seconds) < 0) return this.given.timeoutMs
    return seconds.readInt32LE() * 1_000
  }

  private pet(nowMs: number): void {
    if (!this.write(PET)) return
    this.pettedAtMs = nowMs
    this.trouble = null
  }

  private complain(trouble: string): void {
    if (trouble !== this.trouble) this.given.say(trouble)
    this.trouble = trouble
  }

  private write(word: string): boolean {
    try {
      return fs.writeSync(this.fd, word) === word.length
    } catch (error) {
      this.complain(`${this.given.file} cannot be written to: ${plainReason(error)}`)
      return false
    }
  }
}
