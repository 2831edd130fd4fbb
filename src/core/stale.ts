import type { VipConfig } from '../model'

/** What is still here as a configuration before had it. */
export interface Stale {
  vips: VipConfig[]
  /** The data program takes it on while it works. */
  data: 'live' | null
  /** The data program stands on it (folders, capture, queues, port), so it has to be taken up anew (takeUp.ts). */
  anew: boolean
  /** It could not be: from then on it is tried again. */
  anewAtMs: number
}
