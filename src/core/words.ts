const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
const UNIT_BYTES = 1024
const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** 52428800 → `50.0 MiB`. */
export function sizeText(bytes: number): string {
  let unit = 0
  let value = bytes
  for (; value >= UNIT_BYTES && unit < UNITS.length - 1; unit++) value /= UNIT_BYTES
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

/** A short time: 7049 → `7.0 s`. */
export const secondsText = (ms: number): string => `${(Math.max(0, ms) / SECOND_MS).toFixed(1)} s`

/** A time that has passed, as a person would say it. */
export function ageText(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.round(ms / SECOND_MS))} s`
  if (ms < HOUR_MS) return `${Math.round(ms / MINUTE_MS)} min`
  return `${(ms / HOUR_MS).toFixed(1)} h`
}
