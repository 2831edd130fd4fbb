import type { MirrordStatus } from '../src/wire'
import { parseDurationMs } from './base'
import type { Context, Output } from './context'
import { fail } from './kit/fail'
import { askAll } from './kit/nodes'
import { createProgress } from './kit/progress'
import { shortDuration } from './kit/text'
import { nowMs, pause } from './kit/clock'
import { TICKET_TIMEOUT_MS } from './kit/ticket'
import type { Target } from './operate'
import { clustersOf, jobIn } from './view/cluster'

const POLL_MS = 500
/** The walk may not have begun, nor what was before it be forgotten, when its command has already been answered. */
const BEGIN_MS = 2_000

/** A full mirror or a comparison that goes on after its command was answered. */
export interface WalkToFollow {
  /** `Mirror`, `Verify`: stands before the bar. */
  title: string
  /** `full mirror`: for sentences. */
  what: string
  stopped(state: string): Error
  timeout: string | undefined
  read(data: MirrordStatus): { state: string; percent: number; leftBytes: number; leftMs: number | null }
  /** Asked when it stands still: was this the one that was started? */
  ended?(): Promise<boolean>
}

/** Where it stands, for the bar; `end`: the LSN behind which nothing of it is left, once everything has been put in order. */
interface Seen {
  state: string
  percent: number
  leftBytes: number
  leftMs: number | null
  end: number | null
}

const ALMOST_PERCENT = 99

/** The walk itself has ended; until the target has done all of it, what is queued is left. */
function seenOf(data: MirrordStatus, read: WalkToFollow['read'], end: number | null): Seen {
  const view = read(data)
  if (view.state !== 'Idle') return { ...view, end: null }
  const last = end ?? data.lsn
  const done = data.appliedLsn >= last && data.targetSide === 'Idle'
  if (done) return { state: 'Idle', percent: 100, leftBytes: 0, leftMs: 0, end: last }
  const { queuedBytes, speedBytesPerSecond: speed } = data
  return { state: 'Sending', percent: ALMOST_PERCENT, leftBytes: queuedBytes, leftMs: speed > 0 ? (queuedBytes * 1000) / speed : null, end: last }
}

/** Shows bytes and time left until it has ended; a walk that somebody stopped or paused is a failure. */
export async function followWalk(context: Context, output: Output, target: Target, walk: WalkToFollow): Promise<void> {
  const progress = await createProgress(output.raw === null ? { ...context.io.stdout, isTTY: false } : context.io.stdout, walk.title)
  try {
    await untilEnded(context, target, walk, (seen) => progress.update(seen.percent, seen.leftBytes, seen.leftMs))
  } finally {
    progress.stop()
  }
}

async function untilEnded(context: Context, target: Target, walk: WalkToFollow, show: (seen: Seen) => void): Promise<void> {
  const timeoutMs = walk.timeout === undefined ? TICKET_TIMEOUT_MS : parseDurationMs(walk.timeout)
  const began = nowMs(context)
  let movedAt = began
  let lastLeft = -1
  let running = false
  let end: number | null = null
  for (;;) {
    if (context.interrupt.signal.aborted) throw fail('E_OUTCOME_UNKNOWN', { node: target.entry.node, ticket: target.job, job: target.job })
    const data = await dataNow(context, target)
    const view: Seen | null = data === null ? null : seenOf(data, walk.read, end)
    const now = nowMs(context)
    if (view !== null) {
      if (view.leftBytes !== lastLeft) movedAt = now
      lastLeft = view.leftBytes
      end = view.end
      running ||= view.state === 'Mirror' || view.state === 'Verifying'
      const begun = running || now - began > BEGIN_MS
      if (begun) show(view)
      if (begun && view.state === 'Idle' && (walk.ended === undefined || (await walk.ended()))) return
      if (begun && (view.state === 'Stop' || view.state === 'Pause')) throw walk.stopped(view.state)
    }
    // One that moves is not given up unless somebody asked for a limit.
    if (now - (walk.timeout === undefined ? movedAt : began) > timeoutMs) throw late(target.job, walk.what, timeoutMs, view)
    await pause(context, POLL_MS)
  }
}

/** What the owner says of the data now; null: no answer. */
async function dataNow(context: Context, target: Target): Promise<MirrordStatus | null> {
  return jobIn(clustersOf(await askAll(context.store.open())), target.job, target.cluster)?.now.view?.data ?? null
}

const late = (job: string, what: string, timeoutMs: number, view: { state: string; leftBytes: number } | null): Error =>
  fail('E_WAIT_TIMEOUT', {
    what: `The end of the ${what} of ${job}`,
    timeout: shortDuration(timeoutMs),
    seen: view === null ? 'no answer' : `${view.state}, ${view.leftBytes} bytes left`,
    again: `jobstate ${job}`
  })
