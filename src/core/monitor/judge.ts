import {
  type Condition,
  conditionText,
  isMet,
  itemText,
  type MonitorEventConfig,
  parseCondition,
  parseResponse,
  processText,
  timesNeeded,
  valueText
} from '../../model'
import type { MonitorResponse } from '../../model'
import type { ReadingView } from '../../wire'

/** One event of the configuration, as far as it has come. Replaced whole. */
export interface EventState {
  /** So many times in a row, by now. */
  met: number
  unmet: number
  /** Wall clock; null: it is OK. */
  errorSinceMs: number | null
  cause: string | null
  /** The responses that were given since it began: each once. */
  given: readonly string[]
  /** Jobs that an HA switch is to move. */
  wanted: Readonly<Record<string, Wanted>>
  /** Monotonic; null: nothing was exported since it began. */
  exportedAtMs: number | null
}

export interface Wanted {
  /** The condition that stands in its way, by its name; null: none was found yet. */
  check: string | null
  why: string
  /** What was seen when it was due. */
  cause: string
  /** Those that were told: each once. */
  said: readonly string[]
}

export const BLANK_EVENT: EventState = { met: 0, unmet: 0, errorSinceMs: null, cause: null, given: [], wanted: {}, exportedAtMs: null }

/** A condition and what was read for it. */
export interface Reading {
  condition: Condition
  value: number | null
  met: boolean
  /** An average whose time is not full yet: it is not met, and not unreadable either. */
  collectingMs: number | null
}

export function readCondition(text: string, value: number | null, collectingMs: number | null): Reading {
  const condition = parseCondition(text)
  if (typeof condition === 'string') throw new Error(`the configuration has a condition that is none: ${text}`)
  return { condition, value, collectingMs, met: collectingMs === null && isMet(condition, value) }
}

/** What has become of the event with this look at it. */
export interface Judged {
  state: EventState
  turned: 'error' | 'ok' | null
  due: MonitorResponse[]
}

/**
 * All conditions together, so many times in a row: then a response is due, once, until the event has ended. It has ended when they were not all met for as
 * many times as it took to begin, so that a value that dances around its limit is one event and not many.
 */
export function judge({ responses }: MonitorEventConfig, before: EventState, readings: readonly Reading[], wallMs: number): Judged {
  const all = responses.flatMap((text) => parseResponse(text) ?? [])
  const least = Math.min(...all.map(timesNeeded))
  if (!readings.every(({ met }) => met)) return judgeUnmet(before, least)
  const met = before.met + 1
  const due = all.filter((response) => met >= timesNeeded(response) && !before.given.includes(keyOf(response)))
  const begins = before.errorSinceMs === null && met >= least
  const began = begins ? { errorSinceMs: wallMs, cause: causeText(readings, met) } : {}
  return { state: { ...before, ...began, met, unmet: 0, given: [...before.given, ...due.map(keyOf)] }, turned: begins ? 'error' : null, due }
}

function judgeUnmet(before: EventState, least: number): Judged {
  const unmet = before.unmet + 1
  const ends = before.errorSinceMs !== null && unmet >= least
  return { state: ends ? BLANK_EVENT : { ...before, met: 0, unmet }, turned: ends ? 'ok' : null, due: [] }
}

const keyOf = ({ count, times, do: word, job }: MonitorResponse): string => `${count} ${times} ${word} ${job ?? ''}`

export const causeText = (readings: readonly Reading[], times: number): string =>
  `${readings.map(readingText).join(', ')}, ${times === 1 ? 'once' : `${times} times in a row`}`

/** `CPU Rate 93.1% >= 70%`, `postgres Memory 5GiB > 4GiB`, `Disk Rate /srv NA`; `CPU Rate 5% (limit >= 70%)`: it is not met. */
export function readingText({ condition: { watched, compare }, value, met }: Pick<Reading, 'condition' | 'value' | 'met'>): string {
  const process = watched.kind === 'host' ? '' : `${processText(watched)} `
  const limit = compare === null || value === null ? '' : `${compare.flag} ${valueText(watched.unit, compare.value)}`
  const beside = limit === '' || met ? ` ${limit}` : ` (limit ${limit})`
  return `${process}${itemText(watched)} ${valueText(watched.unit, value)}${beside}`.trimEnd()
}

export const readingView = ({ condition, value, met, collectingMs }: Reading): ReadingView => ({
  condition: conditionText(condition),
  value: valueText(condition.watched.unit, value),
  met,
  collectingMs
})
