import fs from 'node:fs'
import path from 'node:path'
import type { DirtySet } from './dirtySet'
import { DIRTY_LIMITS, type DirtyLimits, FolderMap, readFolder } from './folderMap'
import type { DirtyForCapture } from './markRing'

export { DIRTY_LIMITS, type DirtyLimits } from './folderMap'
export type { DirtyForCapture } from './markRing'

/**
 * The dirty map of a job on its source: before data or names in a captured folder can change on the disk, it is hard on the disk that they may have. After a
 * crash or a power cut of either side, or when the queue did not suffice, only what it names is compared. Files: `<dataDirectory>/dirty/<folder>/…`.
 *
 * Order of calls on a source: `openDirtyMap` → `forCapture(i)` into each capture's options → captures start → `serve(underlying directories)`.
 */
export interface DirtyMap {
  /** For `CaptureOptions.dirty`. */
  forCapture(folder: number): DirtyForCapture
  /** Captures have started: here the real files are. From now on generations rotate, and may be released. */
  serve(underlyingDirectories: string[]): void
  /** All that may differ now. Marks are only ever added meanwhile, so a walk that begins after the stream has begun misses nothing. */
  snapshot(): Promise<DirtySet | 'unknown'>
  /**
   * The target's copy is whole (no mirror, difference or verify after loss runs that it still depends on), and it has all up to this LSN hard: what was marked
   * for changes up to there is dropped, once these are hard on this side too. Cheap; call it with every acknowledgement if you like.
   * After a difference or mirror call it only with an LSN at or behind its last step.
   */
  releaseUpTo(lsn: number): void
  /** An estimate for the status: bytes that the map names; null: unknown, everything may differ. */
  bytes(): number | null
  /** Marks made from now on belong to this lineage (a full mirror begins); resolves when that is hard. What is not released before counts as foreign. */
  beginLineage(lineage: string): Promise<void>
  /**
   * The map could not be kept (its disk is full or broken). Work goes on, and the map is 'unknown' until a new one begins by itself and is released.
   * `stuck`: not even that can be noted, so writes to new places wait until the disk takes something again.
   */
  onLost(call: (why: string, stuck: boolean) => void): void
  /** After the captures have stopped. The files stay: they say what the target does not have. */
  close(): Promise<void>
}

/** Of a job's data directory. */
export const dirtyDirectory = (dataDirectory: string): string => path.join(dataDirectory, 'dirty')

export interface DirtyMapOptions {
  /** dirtyDirectory. */
  directory: string
  folders: number
  lineage: string
  /**
   * true: what earlier runs have marked still counts (a source that crashed, or the target was behind); missing, damaged or foreign files make it 'unknown'.
   * false: both sides are equal now, so the map begins empty.
   */
  keep: boolean
  /** The last LSN given out. */
  lsn(): number
  limits?: DirtyLimits
}

/** Resolves when the first generations are hard. */
export async function openDirtyMap(options: DirtyMapOptions): Promise<DirtyMap> {
  const folders = Array.from({ length: options.folders }, (_, folder) => new FolderMap({ ...options, folder, limits: options.limits ?? DIRTY_LIMITS }))
  try {
    await Promise.all(folders.map((folder) => folder.start()))
  } catch (error) {
    await Promise.all(folders.map((folder) => folder.close()))
    throw error
  }
  return new FolderMaps(folders)
}

/** An old source that returns says what it has of its own. `roots`: the folders, which nothing captures now. */
export async function readDirtyMap({ directory, lineage, roots }: { directory: string; lineage: string; roots: string[] }): Promise<DirtySet | 'unknown'> {
  return whole(await Promise.all(roots.map((root, folder) => readFolder(path.join(directory, String(folder)), folder, lineage, root))))
}

/** This copy is equal to the other side's again, or has none: nothing is marked. */
export function removeDirtyMap(directory: string): void {
  fs.rmSync(directory, { recursive: true, force: true })
}

const whole = (parts: (DirtySet[number] | 'unknown')[]): DirtySet | 'unknown' => (parts.includes('unknown') ? 'unknown' : (parts as DirtySet))

class FolderMaps implements DirtyMap {
  constructor(private readonly folders: FolderMap[]) {}

  forCapture(folder: number): DirtyForCapture {
    return this.folders[folder]!.forCapture()
  }

  serve(underlyingDirectories: string[]): void {
    for (const [at, folder] of this.folders.entries()) folder.serve(underlyingDirectories[at]!)
  }

  async snapshot(): Promise<DirtySet | 'unknown'> {
    return whole(await Promise.all(this.folders.map((folder) => folder.snapshot())))
  }

  releaseUpTo(lsn: number): void {
    for (const folder of this.folders) folder.releaseUpTo(lsn)
  }

  bytes(): number | null {
    const parts = this.folders.map((folder) => folder.estimate())
    return parts.includes(null) ? null : parts.reduce<number>((sum, part) => sum + (part ?? 0), 0)
  }

  async beginLineage(lineage: string): Promise<void> {
    await Promise.all(this.folders.map((folder) => folder.beginLineage(lineage)))
  }

  onLost(call: (why: string, stuck: boolean) => void): void {
    for (const folder of this.folders) folder.onLost(call)
  }

  async close(): Promise<void> {
    await Promise.all(this.folders.map((folder) => folder.close()))
  }
}
