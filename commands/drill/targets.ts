import type { DrillTargets } from '../../src/model'
import type { DrillEntry } from '../../src/wire'
import { parseDurationMs } from '../base'
import { fail } from '../kit/fail'
import { shortDuration } from '../kit/text'

/** `outage=5s,loss=0,sync=60s,wait=12s`; what it does not name is as the configuration says. */
export function targetsOf(text: string | undefined, configured: DrillTargets, usage: string): DrillTargets {
  const targets = { ...configured }
  for (const part of (text ?? '').split(',').filter(Boolean)) {
    const [name = '', value = ''] = part.split('=', 2)
    if (name === 'outage') targets.outageMs = parseDurationMs(value)
    else if (name === 'wait') targets.waitMs = parseDurationMs(value)
    else if (name === 'sync') targets.syncMs = parseDurationMs(value)
    else if (name === 'loss' && /^\d{1,6}$/.test(value)) targets.lost = Number(value)
    else throw fail('E_USAGE', { what: `"${part}" is no target: outage=5s, loss=0, sync=60s or wait=12s.`, usage })
  }
  return targets
}

export function targetsText({ outageMs, lost, syncMs, waitMs }: DrillTargets): string {
  const parts = [
    outageMs === null ? null : `outage ${shortDuration(outageMs)}`,
    lost === null ? null : `loss ${lost}`,
    syncMs === null ? null : `in sync ${shortDuration(syncMs)}`,
    // A node of an earlier version has none.
    (waitMs ?? null) === null ? null : `wait ${shortDuration(waitMs ?? 0)}`
  ]
  return parts.filter((part) => part !== null).join(', ') || 'none'
}

/** What was not measured has missed its target. */
export function missedOf({ outageMs, lost, syncMs, waitMs }: Pick<DrillEntry, 'outageMs' | 'lost' | 'syncMs' | 'waitMs'>, targets: DrillTargets): string[] {
  const late = (what: string, ms: number | null, maxMs: number | null): string[] =>
    maxMs === null || (ms !== null && ms <= maxMs) ? [] : [`${what} ${ms === null ? 'not over in time' : shortDuration(ms)}, at most ${shortDuration(maxMs)}`]
  const gone = targets.lost === null || (lost !== null && lost <= targets.lost) ? [] : [`loss ${lost ?? 'not known'}, at most ${targets.lost}`]
  return [
    ...late('outage', outageMs, targets.outageMs),
    ...gone,
    ...late('in sync', syncMs, targets.syncMs),
    ...late('a write waited', waitMs, targets.waitMs ?? null)
  ]
}
