import type { DataConfig } from '../../src/model'
import { DEFAULT_PAGEFILE_BYTES, DEFAULT_PARTNER_TIMEOUT_MS, DEFAULT_REDO_QUEUE_BYTES } from '../../src/model/config'
import type { MirrordConfig, MirrordStatus } from '../../src/wire'

/** What a job's data section says when nobody wrote anything. */
export const DATA_DEFAULTS = {
  safety: 'off',
  pagefileBytes: DEFAULT_PAGEFILE_BYTES,
  redoQueueBytes: DEFAULT_REDO_QUEUE_BYTES,
  partnerTimeoutMs: DEFAULT_PARTNER_TIMEOUT_MS,
  bandwidthBytesPerSecond: null
} as const satisfies Partial<DataConfig>

/** The same for mirrord, with its files in `dataDirectory`. */
export const mirrordDefaults = (dataDirectory: string) => {
  const { safety: _, ...settings } = DATA_DEFAULTS
  return { ...settings, dataDirectory } satisfies Partial<MirrordConfig>
}

/** The newer half of a status, for a session at rest with safety OFF. */
export const STATUS_DEFAULTS = {
  verify: { state: 'Idle', mode: 'full', percent: 0, leftBytes: 0, leftMs: null, differences: null },
  session: { safety: 'off', safetySequence: 1, state: 'SYNCHRONIZING', why: null, failoverLsn: 0, exposure: 'granted', exposedSinceMs: null },
  dirtyBytes: 0,
  redoQueueBytes: 0,
  bandwidthBytesPerSecond: null
} as const satisfies Partial<MirrordStatus>
