import type { JobName, NodeName } from '../model'

/** From what is told to what needs a hand. */
export const EVENT_LEVELS = ['info', 'warning', 'error'] as const
export type EventLevel = (typeof EVENT_LEVELS)[number]

/** One line of a node's event log. */
export interface EventEntry {
  /** Grows by one with each event of this node, over its restarts. */
  sequence: number
  /** Wall clock of the node, epoch ms. */
  atMs: number
  level: EventLevel
  job: JobName | null
  text: string
}

/** Which events are asked for. */
export interface EventsQuery {
  /** Only later ones; null: the last of them. */
  since: number | null
  /** At most so many, and never more than EVENTS_PAGE_MAX. */
  max: number
  /** This level and worse. */
  level: EventLevel
  job: JobName | null
  /** Epoch ms: not before, not after. */
  fromMs: number
  toMs: number
  /** With `since`: how long to wait for a new one, ms; at most EVENTS_WAIT_MS_MAX. */
  waitMs: number
}

/** Oldest first. */
export interface EventsAnswer {
  node: NodeName
  utcOffsetMinutes: number
  events: EventEntry[]
  /** For the next question: all up to here has been looked at. */
  nextSince: number
  /** Events up to here are forgotten: the log is of bounded size. */
  forgottenTo: number
}

export const EVENTS_PAGE_MAX = 1_000
export const EVENTS_WAIT_MS_MAX = 25_000
