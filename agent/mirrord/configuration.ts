import type { LiveMirrordConfig, MirrordConfig } from '../../src/wire/mirrord'

export const liveOf = ({ links, partnerTimeoutMs, redoQueueBytes, bandwidthBytesPerSecond }: MirrordConfig): LiveMirrordConfig => ({
  links,
  partnerTimeoutMs,
  redoQueueBytes,
  bandwidthBytesPerSecond
})

/** What it can take on while it works, of this one; the rest as it was. */
export const withLive = (before: MirrordConfig, next: MirrordConfig): MirrordConfig => {
  const { leased: _, ...rest } = before
  return { ...rest, ...liveOf(next), ...(next.leased === undefined ? {} : { leased: next.leased }) }
}

export function isSame(one: MirrordConfig, other: MirrordConfig | null): boolean {
  return other !== null && JSON.stringify({ ...one, leased: undefined }) === JSON.stringify({ ...other, leased: undefined })
}
