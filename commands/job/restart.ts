import { DEFAULT_RESTART_LIMIT, type JobChange } from '../../src/model'
import type { Context } from '../context'
import { askChecked } from '../kit/confirm'
import type { Draft } from './draft'

const MS_A_SECOND = 1_000

/** How often what fails is started again before the job goes to the other node. What stays as it is, is not written down. */
export async function askRestart(context: Context, draft: Draft): Promise<void> {
  const { max, windowMs } = draft.config?.restart ?? DEFAULT_RESTART_LIMIT
  const ask = async (key: string, message: string, now: string): Promise<void> => {
    const change = (value: string): JobChange => ({ do: 'set', at: key, value })
    const check = async (answer: string): Promise<string | null> => (answer === now ? null : await draft.whyNotThere(change(answer)))
    const answer = await askChecked(context, { message, initial: now, check })
    if (answer !== now) draft.add(change(answer))
  }
  await ask('restartLimit', 'Restarts of what fails, before the job moves (0: at once):', String(max))
  await ask('restartWindow', 'Counted within:', `${windowMs / MS_A_SECOND}s`)
}
