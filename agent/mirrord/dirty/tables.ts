import type { Extents } from './extents'

/** What the capture thread knows to be marked, for one generation. */

/** A directory. */
export interface DirectoryMark {
  path: string
  since: number
  /** Nothing that is a file directly in it needs a mark of its own. */
  allFiles: boolean
  pendingAt: number
  hard: boolean
  /** Since this generation is the current one. */
  used: boolean
  /** Old names that got a mark of their own in it. */
  replaced: number
}

export interface FileMark {
  path: string
  marked: Extents
  used: Extents
  pendingAt: number
  /** Its directory's mark, or one above, stands for it. */
  covered: boolean
}

export interface SubtreeMark {
  pendingAt: number
  hard: boolean
}

/** What a node is known to be marked for, in one epoch. */
export type NodeMark = DirectoryInfo | FileMark

/** A directory: its mark, if it has one, and whether a mark above it stands for all that is below. */
export interface DirectoryInfo {
  mark: DirectoryMark | null
  deep: boolean
}

export interface Tables {
  generation: number
  beganTicks: number
  names: Map<string, DirectoryMark>
  files: Map<string, FileMark>
  subtrees: Map<string, SubtreeMark>
}

export const emptyTables = (generation: number, beganTicks: number): Tables => ({
  generation,
  beganTicks,
  names: new Map(),
  files: new Map(),
  subtrees: new Map()
})

export const marksIn = (tables: Tables): number => tables.names.size + tables.files.size + tables.subtrees.size
