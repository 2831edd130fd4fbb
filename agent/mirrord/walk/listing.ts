import { FRAME_PAYLOAD_BYTES_MAX } from '../../../src/wire/frame'
import { listedBytes, type ListedEntry } from '../../../src/wire/frameFields'
import { DIRECTORY, below, isGone } from './sourceTree'
import { TRIES, type WalkRun } from './walkRun'

/** Small enough that the lock is held for a moment only. */
const PART_BYTES = Math.min(64 * 1024, FRAME_PAYLOAD_BYTES_MAX)

/**
 * Says which names a directory has. They are read outside the lock, however many there are; which of them operations have changed meanwhile the log
 * knows, and these few are looked at again inside the lock, part by part. So each part is exact at its place in the order.
 */
export class Listing {
  constructor(private readonly run: WalkRun) {}

  /** Answers the names; nothing when the directory is gone, or moved meanwhile. `onPart`: inside the lock, with the LSN of each part. */
  send(folder: number, path: string, kind: 'walkListing' | 'checkListing', onPart: (lsn: number) => void = () => undefined): ListedEntry[] {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const meta = this.run.tree(folder).meta(path)
      if (meta === null || meta.type !== DIRECTORY) return []
      const { names } = this.run.log
      this.run.locked(() => names.begin(folder, path))
      try {
        const entries = this.run.tree(folder).list(path)
        const sent = this.sendParts(folder, path, meta.inode, kind, entries, onPart)
        if (sent !== null) return sent
      } catch (error) {
        if (!isGone(error)) throw error
      } finally {
        this.run.locked(() => names.end(), false)
      }
    }
    // Changed so fast that the log could not remember it, again and again: it is looked at later.
    this.run.again.push({ folder, path })
    return []
  }

  private sendParts(
    folder: number,
    path: string,
    inode: bigint,
    kind: 'walkListing' | 'checkListing',
    entries: ListedEntry[],
    onPart: (lsn: number) => void
  ): ListedEntry[] | null {
    const all: ListedEntry[] = []
    let after = ''
    for (const part of listingParts(entries)) {
      if (all.length > 0) this.run.yield()
      const exact = this.run.locked(() => {
        if (this.run.tree(folder).meta(path)?.inode !== inode) return null
        // Under watch capture each name that has changed is looked at by itself, so the listing need not be exact.
        const changed = this.run.watching ? [] : this.run.log.names.names()
        if (changed === null) return null
        const now = changed.length === 0 ? part.entries : this.patched(folder, path, part, after, changed)
        // Nothing of this part is left: the next one covers it.
        if (now.length > 0 || part.last) onPart(this.run.log.appendStep({ kind, folder, path, after, last: part.last, entries: now }))
        return now
      })
      if (exact === null) return null
      if (part.last && all.length === 0) return exact
      after = exact.at(-1)?.name ?? after
      for (const entry of exact) all.push(entry)
    }
    return all
  }

  /** What was changed since we began to read is looked at now. */
  private patched(folder: number, path: string, part: ListingPart, after: string, changed: string[]): ListedEntry[] {
    const tree = this.run.tree(folder)
    const upTo = part.last ? null : part.entries.at(-1)!.name
    const covered = new Set(changed.filter((name) => name > after && (upTo === null || name <= upTo)))
    if (covered.size === 0) return part.entries
    const entries = part.entries.filter(({ name }) => !covered.has(name))
    for (const name of covered) {
      const child = below(path, name)
      const type = tree.excluded(child) ? undefined : tree.meta(child)?.type
      if (type !== undefined) entries.push({ name, type })
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}

export interface ListingPart {
  last: boolean
  entries: ListedEntry[]
}

/** Each part covers the names after the one before it; the last one all that follow. */
export function listingParts(entries: ListedEntry[], partBytes = PART_BYTES): ListingPart[] {
  const parts: ListingPart[] = [{ last: false, entries: [] }]
  let bytes = 0
  for (const entry of entries) {
    bytes += listedBytes(entry.name)
    if (bytes > partBytes) {
      parts.push({ last: false, entries: [] })
      bytes = listedBytes(entry.name)
    }
    parts.at(-1)!.entries.push(entry)
  }
  parts.at(-1)!.last = true
  return parts
}
