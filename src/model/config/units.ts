const DURATION_UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const SIZE_UNIT_BYTES: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 }
const QUANTITY = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/

function quantity(text: string, units: Record<string, number>): number | null {
  const match = QUANTITY.exec(text)
  const unit = match && Object.hasOwn(units, match[2] as string) ? units[match[2] as string] : undefined
  return match && unit !== undefined ? Math.round(Number(match[1]) * unit) : null
}

/** `100ms`, `5s`, `2m`, `12h`, `1d` in milliseconds; null: not a duration. */
export const parseDurationMs = (text: string): number | null => quantity(text, DURATION_UNIT_MS)

/** `512KiB`, `128MiB`, `2GiB` in bytes; null: not a size. */
export const parseSizeBytes = (text: string): number | null => quantity(text, SIZE_UNIT_BYTES)

export function durationText(ms: number): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => ms % (DURATION_UNIT_MS[name] as number) === 0) ?? 'ms'
  return `${ms / (DURATION_UNIT_MS[unit] as number)}${unit}`
}

export function sizeText(bytes: number): string {
  const unit = ['TiB', 'GiB', 'MiB', 'KiB'].find((name) => bytes % (SIZE_UNIT_BYTES[name] as number) === 0) ?? 'B'
  return `${bytes / (SIZE_UNIT_BYTES[unit] as number)}${unit}`
}
