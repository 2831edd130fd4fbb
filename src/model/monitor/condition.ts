import { parseSizeBytes } from '../config/units'
import { exactly, parseWatched, valueText, type Watched, type WatchedUnit } from './watched'

const COMPARES = ['>=', '<=', '>', '<', '='] as const
export type Compare = (typeof COMPARES)[number]

/** One row of the guide's table Condition: Process, Resource item, Compare Flag, Value, NA. */
export interface Condition {
  watched: Watched
  /** null: only whether it can be read counts. */
  compare: { flag: Compare; value: number } | null
  /** What cannot be read counts as met. */
  na: boolean
}

const FORM = /^(.+?)\s*(?:(>=|<=|>|<|=)\s*(\S+))?(\s+NA)?$/

/** `cpu >= 70%`, `disk /srv >= 90% NA`, `disk /mnt/nas NA`, `process postgres memory > 4GiB`; a text says what is expected. */
export function parseCondition(text: string): Condition | string {
  const [, left = '', flag, right = '', na] = FORM.exec(text.trim()) ?? []
  const watched = parseWatched(left)
  if (typeof watched === 'string') return watched
  if (flag === undefined) return na === undefined ? `${watched.key} with ${COMPARES.join(' ')} and a value, or with NA` : { watched, compare: null, na: true }
  const value = parseValue(watched.unit, right)
  if (value === null) return `${watched.key} ${flag} ${EXAMPLES[watched.unit]}`
  return { watched, compare: { flag: flag as Compare, value }, na: na !== undefined }
}

const EXAMPLES: Record<WatchedUnit, string> = {
  percent: 'a percentage from 0% to 100%',
  bytes: 'a size (512MiB, 4GiB)',
  bytesPerSecond: 'a size a second (10MiB/s)',
  perSecond: 'a number a second (10/s)',
  number: 'a number'
}

const PERCENT_MAX = 100

function parseValue(unit: WatchedUnit, text: string): number | null {
  switch (unit) {
    case 'percent':
      return atMost(number(text.replace(/%$/, '')), PERCENT_MAX)
    case 'bytes':
      return size(text)
    case 'bytesPerSecond':
      return size(text.replace(/\/s$/, ''))
    case 'perSecond':
      return number(text.replace(/\/s$/, ''))
    case 'number':
      return number(text)
  }
}

const number = (text: string): number | null => (/^\d{1,12}(\.\d{1,3})?$/.test(text) ? Number(text) : null)
const atMost = (value: number | null, max: number): number | null => (value !== null && value <= max ? value : null)
const size = (text: string): number | null => (text === '0' ? 0 : parseSizeBytes(text))

/** The one way to write it. */
export function conditionText({ watched, compare, na }: Condition): string {
  const value = compare === null ? '' : ` ${compare.flag} ${valueText(watched.unit, compare.value)}`
  return `${watched.key}${value}${na ? ' NA' : ''}`
}

/** null: it could not be read. */
export function isMet({ watched: { unit }, compare, na }: Condition, value: number | null): boolean {
  if (value === null) return na
  if (compare === null) return false
  const [is, limit] = [exactly(unit, value), exactly(unit, compare.value)]
  switch (compare.flag) {
    case '>=':
      return is >= limit
    case '<=':
      return is <= limit
    case '>':
      return is > limit
    case '<':
      return is < limit
    case '=':
      return is === limit
  }
}
