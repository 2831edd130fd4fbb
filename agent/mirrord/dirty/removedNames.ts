/**
 * Names that were taken away while generations were not yet released. When such a name comes back it needs a mark of its own: after a power cut the old file
 * may stand there again, which looks as if nothing had happened to it. Bounded: a directory with many stands for all names in it, and in the end everything does.
 */
const NAMES_MAX = 256
const PLACES_MAX = 4_096

/** What is known to have been taken away under a name. */
export type RemovedKind = 'nothing' | 'file' | 'directory'

interface Removed {
  generation: number
  /** null: any name. */
  files: Set<string> | null
  directories: Set<string> | null
}

export class RemovedNames {
  private readonly places = new Map<string, Removed>()
  /** Any name in any directory, until this generation is released. */
  private everywhere = 0

  add(place: string, name: string, isDirectory: boolean, generation: number): void {
    const known = this.places.get(place)
    if (known === undefined && this.places.size >= PLACES_MAX) {
      this.everywhere = generation
      this.places.clear()
      return
    }
    const removed = known ?? { generation, files: new Set<string>(), directories: new Set<string>() }
    this.places.set(place, removed)
    removed.generation = generation
    const names = isDirectory ? removed.directories : removed.files
    names?.add(name)
    if ((names?.size ?? 0) <= NAMES_MAX) return
    if (isDirectory) removed.directories = null
    else removed.files = null
  }

  kind(place: string, name: string): RemovedKind {
    const removed = this.places.get(place)
    if (removed !== undefined && (removed.directories === null || removed.directories.has(name))) return 'directory'
    if (removed !== undefined && (removed.files === null || removed.files.has(name))) return 'file'
    return this.everywhere > 0 ? 'file' : 'nothing'
  }

  /** Generations up to this one are released. */
  release(generation: number): void {
    if (this.everywhere <= generation) this.everywhere = 0
    for (const [place, removed] of this.places) if (removed.generation <= generation) this.places.delete(place)
  }
}
