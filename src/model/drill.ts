/** What a drill must stay within; null: it is measured, and nothing asked of it. */
export interface DrillTargets {
  outageMs: number | null
  /** Acknowledged writes of the probe that were missing afterwards. */
  lost: number | null
  syncMs: number | null
  /** The longest that one write of the probe waited. */
  waitMs: number | null
}

export const NO_TARGETS: DrillTargets = { outageMs: null, lost: null, syncMs: null, waitMs: null }
