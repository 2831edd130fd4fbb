import type { MarkRing } from '../dirty/markRing'

/** When so much is set aside nothing more is read: the kernel's own queue waits, until a flush of the marks has ended. */
const REQUESTS_MAX = 256
const BYTES_MAX = 32 << 20

interface Waiting {
  bytes: Buffer
  position: number
}

/** Requests whose marks are not hard yet. The kernel keeps what they mean (nodes, open files) until they are answered, so no FORGET or RELEASE overtakes them. */
export class SetAside {
  private waiting: Waiting[] = []
  private bytes = 0

  get isFull(): boolean {
    return this.waiting.length >= REQUESTS_MAX || this.bytes >= BYTES_MAX
  }

  add(request: Uint8Array, position: number): void {
    this.waiting.push({ bytes: Buffer.from(request), position })
    this.bytes += request.length
  }

  isReady(ring: MarkRing): boolean {
    return this.waiting.length > 0 && ring.isHard(this.waiting[0]!.position)
  }

  /** Takes out those that can go on, in the order in which they came. */
  takeReady(ring: MarkRing): Buffer[] {
    const goOn = ring.state() === 'unknown'
    const ready = this.waiting.filter((each) => goOn || ring.isHard(each.position))
    if (ready.length === 0) return []
    this.waiting = this.waiting.filter((each) => !ready.includes(each))
    this.bytes = this.waiting.reduce((sum, each) => sum + each.bytes.length, 0)
    return ready.map((each) => each.bytes)
  }
}
