import type { HostId } from '../model'

/** GET /v1/hostid */
export interface HostIdAnswer extends HostId {
  node: string
}
