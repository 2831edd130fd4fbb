import { latin1Text } from '../../../src/wire/frameFields'

/**
 * While the walk lists a directory: which names in it have been changed by operations since it began to read. So what it read is exact for all others,
 * however long it took and however busy the directory is. In shared memory, used inside the log's lock.
 */
const WATCHED = 0
const FOLDER = 1
const PATH_BYTES = 2
const USED = 3
const FULL = 4
export const NAMES_WATCH_WORDS = 5
const SLASH = 0x2f
const PATH_BYTES_MAX = 4_096
const NAMES_BYTES = 256 * 1024
export const NAMES_WATCH_BYTES = PATH_BYTES_MAX + NAMES_BYTES

export class NamesWatch {
  private readonly bytes: Uint8Array

  constructor(
    memory: SharedArrayBuffer,
    private readonly words: Int32Array
  ) {
    this.bytes = new Uint8Array(memory)
  }

  begin(folder: number, directory: string): void {
    for (let i = 0; i < directory.length; i++) this.bytes[i] = directory.charCodeAt(i)
    this.words[FOLDER] = folder
    this.words[PATH_BYTES] = directory.length
    this.words[USED] = 0
    this.words[FULL] = 0
    this.words[WATCHED] = 1
  }

  end(): void {
    this.words[WATCHED] = 0
  }

  isWatching(): boolean {
    return this.words[WATCHED] === 1
  }

  /** This path has been made, removed, moved or replaced. */
  note(folder: number, path: string): void {
    const { words, bytes } = this
    if (words[WATCHED] === 0 || words[FOLDER] !== folder) return
    if (this.isOnTheWay(path)) words[FULL] = 1
    const length = words[PATH_BYTES]!
    const nameAt = length === 0 ? 0 : length + 1
    if (path.length <= nameAt || path.indexOf('/', nameAt) >= 0 || (length > 0 && path[length] !== '/')) return
    for (let i = 0; i < length; i++) if (bytes[i] !== path.charCodeAt(i)) return
    const used = words[USED]!
    const end = used + 1 + path.length - nameAt
    if (end > NAMES_BYTES) words[FULL] = 1
    else {
      bytes[PATH_BYTES_MAX + used] = path.length - nameAt
      for (let i = nameAt; i < path.length; i++) bytes[PATH_BYTES_MAX + used + 1 + i - nameAt] = path.charCodeAt(i)
      words[USED] = end
    }
  }

  /** The directory itself, or one above it: another one may have had this path while the names were read, even if the first is back. */
  private isOnTheWay(path: string): boolean {
    const length = this.words[PATH_BYTES]!
    if (path === '' || path.length > length || (path.length < length && this.bytes[path.length] !== SLASH)) return false
    for (let i = 0; i < path.length; i++) if (this.bytes[i] !== path.charCodeAt(i)) return false
    return true
  }

  /** All since `begin`; null: there were too many, or the directory was moved. */
  names(): string[] | null {
    if (this.words[FULL] === 1) return null
    const names: string[] = []
    for (let at = PATH_BYTES_MAX; at < PATH_BYTES_MAX + this.words[USED]!; at += 1 + this.bytes[at]!) {
      names.push(latin1Text(this.bytes, at + 1, at + 1 + this.bytes[at]!))
    }
    return names
  }
}
