import type { DirtySet } from './dirtySet'

/**
 * The dirty map of a job on its source: before data or names in a captured folder can change on the disk, it is hard on the disk that they may have. After a
 * crash or a power cut of either side, or when the queue did not suffice, only what it names is compared. Files: `<dataDirectory>/dirty/<folder>/…`.
 *
 * Order of calls on a source: `openDirtyMap` → `forCapture(i)` into each capture's options → captures start → `serve(underlying directories)`.
 *
 *     openDirtyMap(options: DirtyMapOptions): Promise<DirtyMap>
 *     readDirtyMap({ directory, lineage, folders }): Promise<DirtySet | 'unknown'>   an old source that returns says what it has of its own; paths of the folders
 *     removeDirtyMap(directory): void                                                its copy is equal to the other side's again
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
  /** The map could not be kept (its disk is full or broken): it is 'unknown' until a new one begins by itself and is released. */
  onLost(call: (why: string) => void): void
  /** After the captures have stopped. The files stay: they say what the target does not have. */
  close(): Promise<void>
}

/** What a capture thread needs to mark. */
export interface DirtyForCapture {
  shared: SharedArrayBuffer
  /** An eventfd: written when marks have become hard. */
  wakeFd: number
}

export interface DirtyMapOptions {
  /** `<dataDirectory>/dirty`. */
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
}
