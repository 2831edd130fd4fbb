/** The guide's mode, while the other node is heard on no link: does this one reach what the configuration names? */
export interface Reach {
  /** Of the newest question; an answer to an older one is late. */
  asked: number
  flying: boolean
  nextAtMs: number
  lostAtMs: number
  /** null: not known yet. */
  reached: boolean | null
  /** It was reached at least once since the other node was lost. */
  ever: boolean
  misses: number
  why: string
}
