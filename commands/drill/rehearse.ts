import type { DrillTargets } from '../../src/model'
import { DRILL_MISSED_MAX, type DrillEntry } from '../../src/wire'
import type { Context } from '../context'
import { nowMs, pause, wallMs } from '../kit/clock'
import { reportOf } from '../kit/fail'
import { askAll, askEach, call } from '../kit/nodes'
import type { Target } from '../operate'
import { clustersOf, jobIn, standbyOf } from '../view/cluster'
import { reached } from '../view/reached'
import type { Disturbance } from './disturb'
import { Sampler } from './sampler'
import { missedOf } from './targets'
import { Writer } from './writer'

/** Looked at and written to for so long before anything is done, and after it is over. */
const QUIET_MS = 1_000
const LOOK_MS = 300

export interface Rehearsal {
  context: Context
  target: Target
  disturbance: Disturbance
  targets: DrillTargets
  reason: string | null
  timeoutMs: number
}

/** Measures while it is disturbed. Whatever happens, the probe is taken away and what was measured is kept. */
export async function rehearse({ context, target, disturbance, targets, reason, timeoutMs }: Rehearsal): Promise<{ entry: DrillEntry; failed: Error | null }> {
  const { job, now, entry: owner, cluster } = target
  const all = target.asked.filter(({ status }) => status?.cluster === cluster.cluster).map(({ entry }) => entry)
  const vip = now.view?.vips[0]
  // Who would wait for a node that hangs sees nothing of the one that does not.
  const entries = disturbance.asked === 'owner' ? [owner] : all
  const sampler = new Sampler(context, entries, job, vip === undefined ? null : { address: vip.address, port: owner.port })
  const writer = new Writer(context, [owner, ...entries.filter((entry) => entry !== owner)], job)
  const atMs = wallMs(context)
  // First of all: where another drill is under way nothing begins.
  const written = await writer.begin()
  await sampler.begin()
  await pause(context, QUIET_MS)
  const beganMs = nowMs(context)
  const failed = await disturbance.carryOut(sampler, timeoutMs).then(
    () => null,
    (thrown: Error) => thrown
  )
  const inSync = await untilInSync(context, target, beganMs, timeoutMs)
  await pause(context, QUIET_MS)
  sampler.stop()
  if (written) await writer.end(disturbance.copyOn ?? null)
  const outageMs = disturbance.kind === 'kill-app' && !sampler.looks.missedSince(beganMs) ? null : sampler.looks.outageMs()
  const measured = { outageMs, lost: written ? writer.lost : null, syncMs: inSync.ms, waitMs: written ? writer.waitMs : null }
  const entry: DrillEntry = {
    job,
    kind: disturbance.kind,
    what: disturbance.what,
    account: owner.account || 'unknown',
    reason,
    atMs,
    from: now.owner,
    to: inSync.owner ?? sampler.last?.owner ?? now.owner,
    probedVip: sampler.probesVip,
    writes: writer.writes,
    ...measured,
    still: disturbance.seen?.() ?? null,
    targets,
    missed: [...(failed === null ? [] : [reportOf(failed).message.slice(0, 400)]), ...missedOf(measured, targets)].slice(0, DRILL_MISSED_MAX)
  }
  await keep(all, entry)
  return { entry, failed }
}

/** From the beginning on: until a fault would be survived again. */
async function untilInSync(context: Context, target: Target, beganMs: number, timeoutMs: number): Promise<{ ms: number | null; owner: string | null }> {
  while (nowMs(context) - beganMs < timeoutMs && !context.interrupt.signal.aborted) {
    const found = jobIn(clustersOf(await askAll(context.store.open())), target.job, target.cluster)
    if (found !== null && reached({ now: found.now, standby: standbyOf(found.cluster, found.now).view ?? null }, 'synchronized'))
      return { ms: Math.round(nowMs(context) - beganMs), owner: found.now.owner }
    await pause(context, LOOK_MS)
  }
  return { ms: null, owner: null }
}

/** On both nodes, where they answer; a drill is not undone because its record could not be kept on one of them. */
async function keep(entries: Target['entry'][], entry: DrillEntry): Promise<void> {
  const path = `/v1/jobs/${encodeURIComponent(entry.job)}/drills`
  await askEach(entries.map((node) => call(node, { method: 'POST', path, body: entry })))
}
