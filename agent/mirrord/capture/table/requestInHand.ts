import { readInode, readNumber, writeInode, writeNumber } from './numbers'

/**
 * The kernel's request that is being performed. A request that a dead process had read and not answered comes again (FUSE_NOTIFY_RESEND); only the one it
 * had in hand can have been performed, for requests are performed and answered one after the other. What is noted here before a change tells its successor
 * whether the change was begun, and what was there before. A request in doubt stays noted until it has come again, over any number of deaths.
 */
const CURRENT = 64
const SLOT = { unique: 0, opcode: 2, flags: 3, inode: 4, other: 6, links: 8, handle: 9, entries: 10, renameFlags: 11, oldParent: 12, newParent: 14 }
const SLOT_WORDS = 16
const OLD_NAME_BYTE = 2048
const NEW_NAME_BYTE = 2048 + 512
const NAME_HEAD_BYTES = 2
/** A longer one is refused by the file system below anyway. */
const NAME_BYTES_MAX = 255
const DOUBTS = 1024
const DOUBTS_MAX = 64
const ENTRIES = 4096
const ENTRIES_MAX = 8192

const BEGUN = 1
const EXISTED = 2
const PERFORMED = 4

/** A rename in hand: directories by node, names as byte strings. */
export interface MoveInHand {
  oldParent: number
  oldName: string
  newParent: number
  newName: string
  flags: number
}

/** What a dead process has left of the request it had in hand. */
export interface Doubt {
  low: number
  high: number
  opcode: number
  /** The change may have been made. */
  begun: boolean
  /** What was to be made (or changed) was there before. */
  existed: boolean
  /** It has been found out that the change was made. */
  performed: boolean
  inode: number | bigint
  other: number | bigint
  /** Names the inode had before. */
  links: number
  /** The handle it had made, or was giving back. */
  handle: number | null
  /** Nodes whose lookup it had counted. */
  entries: number[]
  move: MoveInHand | null
}

export interface Evidence {
  inode: number | bigint
  other?: number | bigint
  links?: number
  existed?: boolean
}

export class RequestInHand {
  private entries = 0
  /** What a dead process has noted of this request counts; what is there now may be its work. */
  private carried = false
  private nextPlace = 0

  constructor(
    private readonly words: Uint32Array,
    private readonly bytes: Buffer
  ) {}

  /** `doubt`: it comes again, and what was found of it goes on to count. */
  begin(low: number, high: number, opcode: number, doubt: Doubt | null): void {
    const { words } = this
    words[CURRENT + SLOT.flags] = 0
    words[CURRENT + SLOT.handle] = 0
    words[CURRENT + SLOT.entries] = 0
    words[CURRENT + SLOT.opcode] = opcode
    words[CURRENT + SLOT.unique] = low
    words[CURRENT + SLOT.unique + 1] = high
    this.entries = 0
    this.carried = doubt?.begun === true
    if (doubt === null) return
    if (doubt.begun) this.writeEvidence(CURRENT, doubt)
    this.forget(doubt)
  }

  /** Before a change. */
  evidence(evidence: Evidence): void {
    if (this.carried) return
    const { words } = this
    writeInode(words, CURRENT + SLOT.inode, evidence.inode)
    writeInode(words, CURRENT + SLOT.other, evidence.other ?? 0)
    words[CURRENT + SLOT.links] = evidence.links ?? 0
    Atomics.store(words, CURRENT + SLOT.flags, BEGUN | (evidence.existed ? EXISTED : 0))
  }

  /** Before something is made whose name should be free. */
  making(): void {
    if (!this.carried) Atomics.store(this.words, CURRENT + SLOT.flags, BEGUN)
  }

  /** It was not free. */
  existed(): void {
    if (!this.carried) Atomics.store(this.words, CURRENT + SLOT.flags, BEGUN | EXISTED)
  }

  /** Before `evidence`. */
  move({ oldParent, oldName, newParent, newName, flags }: MoveInHand): void {
    writeNumber(this.words, CURRENT + SLOT.oldParent, oldParent)
    writeNumber(this.words, CURRENT + SLOT.newParent, newParent)
    this.words[CURRENT + SLOT.renameFlags] = flags
    this.writeName(OLD_NAME_BYTE, oldName)
    this.writeName(NEW_NAME_BYTE, newName)
  }

  /** Before a handle is given back: its number may be used again before this request comes again. */
  releasing(fh: number): void {
    this.madeHandle(fh)
    this.making()
  }

  madeHandle(fh: number): void {
    this.words[CURRENT + SLOT.handle] = fh + 1
  }

  /** A lookup of this node is counted for the answer. */
  counted(node: number): void {
    if (this.entries >= ENTRIES_MAX) return
    writeNumber(this.words, ENTRIES + this.entries * 2, node)
    this.words[CURRENT + SLOT.entries] = ++this.entries
  }

  /** Once, after a death: all requests that may come again and may have been performed. */
  inDoubt(): Doubt[] {
    const doubts = this.older()
    const current = this.readSlot(CURRENT)
    if (current === null) return doubts
    const place = doubts.findIndex((each) => each.low === current.low && each.high === current.high)
    if (place >= 0 && !current.begun) return doubts
    current.entries = this.readEntries()
    current.move = current.begun ? this.readMove() : null
    if (place >= 0) this.forget(doubts.splice(place, 1)[0]!)
    this.keep(current)
    return [...doubts, current]
  }

  /** It has been found out whether the change was made. */
  resolved(doubt: Doubt, performed: boolean): void {
    doubt.performed = performed
    doubt.begun = performed
    const at = this.placeOf(doubt)
    if (at !== null) Atomics.store(this.words, at + SLOT.flags, performed ? BEGUN | PERFORMED : 0)
  }

  private keep(doubt: Doubt): void {
    const at = this.freePlace()
    const { words } = this
    words[at + SLOT.opcode] = doubt.opcode
    words[at + SLOT.handle] = doubt.handle === null ? 0 : doubt.handle + 1
    words[at + SLOT.entries] = 0
    this.writeEvidence(at, doubt)
    words[at + SLOT.unique] = doubt.low
    words[at + SLOT.unique + 1] = doubt.high
  }

  private forget(doubt: Doubt): void {
    const at = this.placeOf(doubt)
    if (at === null) return
    this.words[at + SLOT.unique] = 0
    this.words[at + SLOT.unique + 1] = 0
  }

  /** A place that is free, else the next in turn: one that old has been answered. */
  private freePlace(): number {
    for (let place = 0; place < DOUBTS_MAX; place++) {
      const at = DOUBTS + place * SLOT_WORDS
      if (this.words[at + SLOT.unique] === 0 && this.words[at + SLOT.unique + 1] === 0) return at
    }
    return DOUBTS + (this.nextPlace++ % DOUBTS_MAX) * SLOT_WORDS
  }

  private placeOf({ low, high }: Doubt): number | null {
    for (let at = DOUBTS; at < DOUBTS + DOUBTS_MAX * SLOT_WORDS; at += SLOT_WORDS) {
      if (this.words[at + SLOT.unique] === low && this.words[at + SLOT.unique + 1] === high) return at
    }
    return null
  }

  private older(): Doubt[] {
    return Array.from({ length: DOUBTS_MAX }, (_, place) => this.readSlot(DOUBTS + place * SLOT_WORDS)).filter((doubt) => doubt !== null)
  }

  private writeEvidence(at: number, doubt: Doubt): void {
    const { words } = this
    writeInode(words, at + SLOT.inode, doubt.inode)
    writeInode(words, at + SLOT.other, doubt.other)
    words[at + SLOT.links] = doubt.links
    const flags = (doubt.begun ? BEGUN : 0) | (doubt.existed ? EXISTED : 0) | (doubt.performed ? PERFORMED : 0)
    Atomics.store(words, at + SLOT.flags, flags)
  }

  private readSlot(at: number): Doubt | null {
    const { words } = this
    const [low, high] = [words[at + SLOT.unique]!, words[at + SLOT.unique + 1]!]
    if (low === 0 && high === 0) return null
    const flags = words[at + SLOT.flags]!
    return {
      low,
      high,
      opcode: words[at + SLOT.opcode]!,
      begun: (flags & BEGUN) !== 0,
      existed: (flags & EXISTED) !== 0,
      performed: (flags & PERFORMED) !== 0,
      inode: readInode(words, at + SLOT.inode),
      other: readInode(words, at + SLOT.other),
      links: words[at + SLOT.links]!,
      handle: words[at + SLOT.handle] === 0 ? null : words[at + SLOT.handle]! - 1,
      entries: [],
      move: null
    }
  }

  private readEntries(): number[] {
    return Array.from({ length: this.words[CURRENT + SLOT.entries]! }, (_, index) => readNumber(this.words, ENTRIES + index * 2))
  }

  private readMove(): MoveInHand {
    const { words } = this
    return {
      oldParent: readNumber(words, CURRENT + SLOT.oldParent),
      oldName: this.readName(OLD_NAME_BYTE),
      newParent: readNumber(words, CURRENT + SLOT.newParent),
      newName: this.readName(NEW_NAME_BYTE),
      flags: words[CURRENT + SLOT.renameFlags]!
    }
  }

  private writeName(at: number, name: string): void {
    const length = Math.min(name.length, NAME_BYTES_MAX)
    this.bytes.writeUInt16LE(length, at)
    this.bytes.write(name, at + NAME_HEAD_BYTES, length, 'latin1')
  }

  private readName(at: number): string {
    return this.bytes.toString('latin1', at + NAME_HEAD_BYTES, at + NAME_HEAD_BYTES + this.bytes.readUInt16LE(at))
  }
}
