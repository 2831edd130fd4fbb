import type { HostId, LicenceJudged } from '../model'

/** GET /v1/hostid */
export interface HostIdAnswer extends HostId {
  node: string
}

/** A licence with all that goes with it is much smaller. */
export const LICENCE_BYTES_MAX = 16 * 1024

/** GET /v1/license, and both sides of a change. */
export interface LicenceView extends LicenceJudged {
  hostId: string | null
  /** Who asks for licences here; null: nobody. */
  licensor: string | null
  required: boolean
  serial: string | null
  licensee: string | null
  issued: string | null
}

export interface LicenceAnswer extends LicenceView {
  node: string
}

/** POST /v1/license: the text of a `.lic` file, or null: the one that is there goes. */
export interface LicenceRequest {
  text: string | null
  dryRun?: boolean | undefined
  reason?: string | undefined
}

export interface LicenceChangeAnswer {
  node: string
  dryRun: boolean
  before: LicenceView
  after: LicenceView
}
