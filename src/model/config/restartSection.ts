import { DEFAULT_RESTART_LIMIT, type RestartLimit } from '../config'
import type { Section } from './section'

export const RESTART_KEYS = ['restartLimit', 'restartWindow'] as const
/** 0: what fails once goes to the other node. */
const RESTARTS = { min: 0, max: 100 }
const RESTART_WINDOW_MS = { min: 10_000, max: 24 * 3_600_000 }

/** Of a job, or of an application that has one of its own; absent where the file says nothing. */
export function readRestart(section: Section): { restart?: RestartLimit } {
  if (RESTART_KEYS.every((key) => section.valueNode(key) === null)) return {}
  const max = section.count('restartLimit', DEFAULT_RESTART_LIMIT.max, RESTARTS)
  return { restart: { max, windowMs: section.durationMs('restartWindow', DEFAULT_RESTART_LIMIT.windowMs, RESTART_WINDOW_MS) } }
}
