import type { ConfigDifference } from '../model'
import type { Report } from '../report/report'

/** A configuration as it was decided: its text, its number, and who wanted it. */
export interface ConfigVersion {
  /** Grows with each one that is agreed. */
  version: number
  /** Of the canonical form: the same configuration has the same, however its file is laid out. */
  hash: string
  /** The file, with its comments. */
  text: string
  /** The account, or how else it came about. */
  by: string
  why: string | null
  /** Where it was proposed, and when (wall clock of that node). */
  node: string
  wallMs: number
  /** The version in which the witness became the pair's: what it was asked before that does not count. */
  witnessSince: number
  /** The version in which a job was made, where that was not the first one: what voters hold of an earlier job of this name is not of this one. */
  jobsSince?: Record<string, number>
  /** Of the proposal. */
  id: string
}

/** The proposer asks: check it, and keep it until you know what became of it. */
export interface ConfigPrepare {
  incarnation: string
  number: number
  /** What the change was made to; null: the whole configuration was given. */
  base: string | null
  next: ConfigVersion
}

/** What one machine has to say of a configuration, with its own eyes. Answers a configPrepare that is a dry run. */
export interface ConfigChecked {
  /** Each stands in its way. */
  problems: Report[]
  warnings: string[]
  /** Those that are new in it. */
  folders: FolderSeen[]
}

/** A folder that is to be mirrored, as a node has it now. */
export interface FolderSeen {
  job: string
  /** Among the folders of the job, from 0. */
  place: number
  path: string
  bytes: number
  /** False: there are more bytes; looking at all of it would have taken too long. */
  counted: boolean
  empty: boolean
  /** Of its file system. */
  freeBytes: number
}

/** What the other node holds. */
export interface ConfigAnswer {
  agreed: ConfigVersion
  isAgreed: boolean
  /** The proposal that may still be decided; null: none. */
  pending: string | null
}

/** GET /v1/config: what this node runs, and what it ran before. */
export interface ConfigView {
  node: string
  file: string
  agreed: ConfigVersion
  /** False: the other node has not seen it yet (first start, or the file was edited by hand). */
  isAgreed: boolean
  prepared: ConfigVersion | null
  /** Newest first. */
  history: ConfigVersion[]
}

/** POST /v1/config. */
export interface ConfigRequest {
  text: string
  /** The hash of what was edited; absent: this is the whole configuration, whatever was before. */
  base?: string
  reason?: string
  dryRun?: boolean
}

export interface ConfigChangeAnswer {
  dryRun: boolean
  node: string
  /** The one in force now; of a dry run the one of before. */
  version: number
  /** What would change, or has; nothing: it is the one in force already. */
  differences: ConfigDifference[]
  /** The other node has said that it runs it. False: it will as soon as it is heard. */
  followed: boolean
  /** What does not stand in its way, as each node sees it. Absent: told by a version that looked for nothing of the kind. */
  warnings?: string[]
}

export const CONFIG_WHY_LENGTH_MAX = 1024
/** Large enough for hundreds of jobs. */
export const CONFIG_TEXT_LENGTH_MAX = 512 * 1024
