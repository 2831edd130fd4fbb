import type { LiveMirrordConfig, MirrordConfig } from '../../src/wire/mirrord'

export const liveOf = ({ links, partnerTimeoutMs, redoQueueBytes, bandwidthBytesPerSecond }: MirrordConfig): LiveMirrordConfig => ({
  links,
  partnerTimeoutMs,
  redoQueueBytes,
  bandwidthBytesPerSecond
})

export function isSame(one: MirrordConfig, other: MirrordConfig | null): boolean {
  return other !== null && JSON.stringify({ ...one, leased: undefined }) === JSON.stringify({ ...other, leased: undefined })
}
