/** What a comparing step was about, for the case that its answer is lost. */
export interface Compared {
  folder: number
  path: string
  what: 'entry' | 'names' | 'blocks'
  offset: number
  length: number
  /** How much the target has to read for it. */
  bytes: number
}

/** So many comparing steps, and so many compared bytes, are on their way at once: redo is not kept from the application's changes for long. */
const STEPS_MAX = 4_096
const BYTES_MAX = 64 * 1024 * 1024

/** Comparing steps that the target is not known to have applied. Bounded: the walk waits for it. */
export class Unconfirmed {
  private steps: { lsn: number; compared: Compared }[] = []
  private first = 0
  private bytes = 0
  private last = 0

  add(lsn: number, compared: Compared): void {
    this.steps.push({ lsn, compared })
    this.bytes += compared.bytes
    this.last = lsn
  }

  /** Of the last comparing step there was. */
  get lastLsn(): number {
    return this.last
  }

  get size(): number {
    return this.steps.length - this.first
  }

  isFull(): boolean {
    return this.size >= STEPS_MAX || this.bytes >= BYTES_MAX
  }

  /** The target has applied all up to here, and all that it found until then has arrived. */
  confirm(lsn: number): void {
    while (this.first < this.steps.length && this.steps[this.first]!.lsn <= lsn) this.bytes -= this.steps[this.first++]!.compared.bytes
    if (this.first < STEPS_MAX / 2) return
    this.steps = this.steps.slice(this.first)
    this.first = 0
  }

  /** All of them, oldest first; none is left. */
  takeAll(): Compared[] {
    const all = this.steps.slice(this.first).map(({ compared }) => compared)
    this.steps = []
    this.first = this.bytes = this.last = 0
    return all
  }
}
