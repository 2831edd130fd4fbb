import { Cells, Kind } from './cells'
import { readInode, readNumber, writeInode, writeNumber } from './numbers'
import { RequestInHand } from './requestInHand'

/**
 * What a successor has to know of a captured folder (the kernel's nodes with their lookup counts and names, open handles, the request in hand), in memory
 * that the keeper holds. Written as it changes, a few words each time. When there is no memory left it says so, and the folder has no successor.
 */
const MAGIC = 0x5442_524d
/** A successor of another format cannot go on. */
export const TABLE_FORMAT = 1
const AT = { magic: 0, format: 1, nextId: 2 }
const NODE = { flags: 1, id: 2, inode: 4, device: 6, mode: 7, birth: 8, lookups: 10 }
const NAME = { node: 1, parent: 3, length: 5, text: 6 }
const HANDLE = { fh: 1, node: 2, flags: 4 }
const FLAG_NAMED_ELSEWHERE = 1
/** The device of most nodes: that of the folder itself. */
const SAME_DEVICE = 0xffff_ffff
const SHORT_NAME_BYTES_MAX = 40
const NAME_BYTES_MAX = 255

export interface KeptNode {
  cell: number
  id: number
  identity: { inode: number | bigint; key: number | string; birth: number; mode: number }
  lookups: number
  namedElsewhere: boolean
}

export interface KeptName {
  cell: number
  node: number
  parent: number
  name: string
}

export interface KeptHandle {
  cell: number
  fh: number
  node: number
  flags: number
}

export class CaptureTable {
  readonly request: RequestInHand
  private full = false

  private constructor(
    private readonly cells: Cells,
    private readonly onFull: (why: string) => void
  ) {
    this.request = new RequestInHand(cells.headWords, cells.headBytes)
  }

  /** null: there is no memory. */
  static create(descriptor: number, onFull: (why: string) => void): CaptureTable | null {
    const cells = Cells.create(descriptor)
    if (cells === null) return null
    cells.headWords[AT.magic] = MAGIC
    cells.headWords[AT.format] = TABLE_FORMAT
    return new CaptureTable(cells, onFull)
  }

  /** That of a dead process; null: it is not one that this version can read. */
  static open(descriptor: number, bytes: number, onFull: (why: string) => void): CaptureTable | null {
    const cells = Cells.open(descriptor, bytes)
    if (cells === null || cells.headWords[AT.magic] !== MAGIC || cells.headWords[AT.format] !== TABLE_FORMAT) return null
    return new CaptureTable(cells, onFull)
  }

  get nextId(): number {
    return readNumber(this.cells.headWords, AT.nextId)
  }

  set nextId(id: number) {
    writeNumber(this.cells.headWords, AT.nextId, id)
  }

  /** Answers the cell, by which the node is changed and removed; -1: there is no memory. */
  addNode(id: number, { inode, key, birth, mode }: KeptNode['identity']): number {
    const cell = this.take(Kind.NODE)
    if (cell < 0) return -1
    const words = this.cells.segmentOf(cell)
    const at = this.cells.placeOf(cell)
    words[at + NODE.flags] = 0
    writeNumber(words, at + NODE.id, id)
    writeInode(words, at + NODE.inode, inode)
    words[at + NODE.device] = typeof key === 'number' ? SAME_DEVICE : Number(key.slice(0, key.indexOf(':')))
    words[at + NODE.mode] = mode
    writeNumber(words, at + NODE.birth, birth)
    words[at + NODE.lookups] = 0
    this.cells.publish(cell)
    return cell
  }

  removeNode(cell: number): void {
    if (cell >= 0) this.cells.release(Kind.NODE, cell)
  }

  setMode(cell: number, mode: number): void {
    if (cell >= 0) this.cells.segmentOf(cell)[this.cells.placeOf(cell) + NODE.mode] = mode
  }

  setLookups(cell: number, lookups: number): void {
    if (cell >= 0) this.cells.segmentOf(cell)[this.cells.placeOf(cell) + NODE.lookups] = lookups
  }

  setNamedElsewhere(cell: number, namedElsewhere: boolean): void {
    if (cell >= 0) this.cells.segmentOf(cell)[this.cells.placeOf(cell) + NODE.flags] = namedElsewhere ? FLAG_NAMED_ELSEWHERE : 0
  }

  /** Answers the cell, by which the name is removed again. */
  addName(node: number, parent: number, name: string): number {
    if (name.length > NAME_BYTES_MAX) return this.isFull(`a name has more than ${NAME_BYTES_MAX} bytes`)
    const cell = this.take(name.length <= SHORT_NAME_BYTES_MAX ? Kind.NAME : Kind.LONG_NAME)
    if (cell < 0) return -1
    const words = this.cells.segmentOf(cell)
    const at = this.cells.placeOf(cell)
    writeNumber(words, at + NAME.node, node)
    writeNumber(words, at + NAME.parent, parent)
    words[at + NAME.length] = name.length
    this.cells.bytesOf(cell).write(name, (at + NAME.text) * 4, name.length, 'latin1')
    this.cells.publish(cell)
    return cell
  }

  removeName(cell: number, name: string): void {
    if (cell >= 0) this.cells.release(name.length <= SHORT_NAME_BYTES_MAX ? Kind.NAME : Kind.LONG_NAME, cell)
  }

  addHandle(fh: number, node: number, flags: number): number {
    const cell = this.take(Kind.HANDLE)
    if (cell < 0) return -1
    const words = this.cells.segmentOf(cell)
    const at = this.cells.placeOf(cell)
    words[at + HANDLE.fh] = fh
    writeNumber(words, at + HANDLE.node, node)
    words[at + HANDLE.flags] = flags
    this.request.madeHandle(fh)
    this.cells.publish(cell)
    return cell
  }

  removeHandle(cell: number): void {
    if (cell >= 0) this.cells.release(Kind.HANDLE, cell)
  }

  *nodes(): Generator<KeptNode> {
    for (const cell of this.cells.used(Kind.NODE)) {
      const words = this.cells.segmentOf(cell)
      const at = this.cells.placeOf(cell)
      const inode = readInode(words, at + NODE.inode)
      const device = words[at + NODE.device]!
      const key = device === SAME_DEVICE && typeof inode === 'number' ? inode : `${device}:${inode}`
      yield {
        cell,
        id: readNumber(words, at + NODE.id),
        identity: { inode, key, birth: readNumber(words, at + NODE.birth), mode: words[at + NODE.mode]! },
        lookups: words[at + NODE.lookups]!,
        namedElsewhere: words[at + NODE.flags] === FLAG_NAMED_ELSEWHERE
      }
    }
  }

  *names(): Generator<KeptName> {
    for (const kind of [Kind.NAME, Kind.LONG_NAME]) {
      for (const cell of this.cells.used(kind)) {
        const words = this.cells.segmentOf(cell)
        const at = this.cells.placeOf(cell)
        const start = (at + NAME.text) * 4
        const name = this.cells.bytesOf(cell).toString('latin1', start, start + words[at + NAME.length]!)
        yield { cell, node: readNumber(words, at + NAME.node), parent: readNumber(words, at + NAME.parent), name }
      }
    }
  }

  *handles(): Generator<KeptHandle> {
    for (const cell of this.cells.used(Kind.HANDLE)) {
      const words = this.cells.segmentOf(cell)
      const at = this.cells.placeOf(cell)
      yield { cell, fh: words[at + HANDLE.fh]!, node: readNumber(words, at + HANDLE.node), flags: words[at + HANDLE.flags]! }
    }
  }

  private take(kind: Kind): number {
    const cell = this.full ? -1 : this.cells.take(kind)
    return cell >= 0 || this.full ? cell : this.isFull('there is no memory left to note what a successor has to know')
  }

  private isFull(why: string): number {
    if (!this.full) this.onFull(why)
    this.full = true
    return -1
  }
}
