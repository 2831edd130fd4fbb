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

export interface ConfigAnswer {
  agreed: ConfigVersion
  isAgreed: boolean
  /** The proposal that may still be decided; null: none. */
  pending: string | null
}
