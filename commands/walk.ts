import type { MirrordStatus } from '../src/wire'
import { parseDurationMs } from './base'
import type { Context, Output } from './context'
import { fail } from './kit/fail'
import { askAll } from './kit/nodes'
import { createProgress } from './kit/progress'
import { shortDuration } from './kit/text'
import { pause, TICKET_TIMEOUT_MS } from './kit/ticket'
import type { Target } from './operate'
import { clustersOf, jobNow } from './view/cluster'

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

/** Shows bytes and time left until it has ended; a walk that somebody stopped or paused is a failure. */
export async function followWalk(context: Context, output: Output, target: Target, walk: WalkToFollow): Promise<void> {
  const progress = await createProgress(output.raw === null ? { ...context.io.stdout, isTTY: false } : context.io.stdout, walk.title)
  try {
    await untilEnded(context, target, walk, (view) => progress.update(view.state === 'Idle' ? 100 : view.percent, view.leftBytes, view.leftMs))
  } finally {
    progress.stop()
  }
}

async function untilEnded(context: Context, target: Target, walk: WalkToFollow, show: (view: ReturnType<WalkToFollow['read']>) => void): Promise<void> {
  const timeoutMs = walk.timeout === undefined ? TICKET_TIMEOUT_MS : parseDurationMs(walk.timeout)
  const began = performance.now()
  let movedAt = began
  let lastLeft = -1
  let running = false
  for (;;) {
    if (context.interrupt.signal.aborted) throw fail('E_OUTCOME_UNKNOWN', { node: target.entry.node, ticket: target.job, job: target.job })
    const data = await dataNow(context, target)
    const view = data === null ? null : walk.read(data)
    const now = performance.now()
    if (view !== null) {
      show(view)
      if (view.leftBytes !== lastLeft) movedAt = now
      lastLeft = view.leftBytes
      running ||= view.state === 'Mirror' || view.state === 'Verifying'
      const begun = running || now - began > BEGIN_MS
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
  const clusters = clustersOf(await askAll(context.store.open()))
  const cluster = clusters.find((one) => one.jobs.includes(target.job))
  return (cluster === undefined ? null : jobNow(cluster, target.job)?.view?.data) ?? null
}

const late = (job: string, what: string, timeoutMs: number, view: { state: string; leftBytes: number } | null): Error =>
  fail('E_WAIT_TIMEOUT', {
    what: `The end of the ${what} of ${job}`,
    timeout: shortDuration(timeoutMs),
    seen: view === null ? 'no answer' : `${view.state}, ${view.leftBytes} bytes left`,
    again: `jobstate ${job}`
  })
