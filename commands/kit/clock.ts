import type { Context } from '../context'

/** Monotonic, ms: for what is waited for. In a simulated pair its own time counts. */
export const nowMs = ({ simulation }: Pick<Context, 'simulation'>): number => simulation?.nowMs() ?? performance.now()

/** Epoch ms: for what is shown. */
export const wallMs = ({ simulation }: Pick<Context, 'simulation'>): number => simulation?.wallMs() ?? Date.now()

/** Ends early at Ctrl-C. `paced`: somebody looks on, so a simulated pair's time passes as it really does. */
export async function pause({ interrupt, simulation }: Pick<Context, 'interrupt' | 'simulation'>, ms: number, paced = false): Promise<void> {
  const { signal } = interrupt
  const interrupted = Promise.withResolvers<void>()
  const stop = (): void => interrupted.resolve()
  signal.addEventListener('abort', stop)
  const timer = simulation === null ? setTimeout(stop, ms) : undefined
  await Promise.race([interrupted.promise, ...(simulation === null ? [] : [simulation.pass(ms, paced)])])
  clearTimeout(timer)
  signal.removeEventListener('abort', stop)
}

/** Looks every so often, for at most so long, and no longer than until Ctrl-C. */
export async function until(
  context: Pick<Context, 'interrupt' | 'simulation'>,
  forMs: number,
  everyMs: number,
  met: () => boolean | Promise<boolean>
): Promise<void> {
  const untilMs = nowMs(context) + forMs
  while (nowMs(context) < untilMs && !context.interrupt.signal.aborted && !(await met())) await pause(context, everyMs)
}
