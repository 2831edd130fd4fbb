import { setTimeout as pause } from 'node:timers/promises'
import { durationText, parseDurationMs } from '../../src/model/config/units'
import { monotonicMs } from '../adapters/clock'
import { machineGoesDown } from '../adapters/systemd'
import { askToLeave } from '../engine/localDoor'
import type { LeaveView } from '../engine/leaving'
import { setupFailure } from './failure'
import { DEFAULT_RUN_DIRECTORY, type Output, readOptions } from './options'

const USAGE = 'mirrorpair-agent leave [--timeout 90s] [--when-shutting-down] [--run DIR]'
const TIMEOUT_DEFAULT = '90s'
const TIMEOUT_MS_MIN = 1_000
const TIMEOUT_MS_MAX = 3_600_000
const ASK_EVERY_MS = 200

const OPTIONS = {
  run: { type: 'string', default: DEFAULT_RUN_DIRECTORY },
  timeout: { type: 'string', default: TIMEOUT_DEFAULT },
  'when-shutting-down': { type: 'boolean', default: false }
} as const

/** What this node serves stops here, drained, and the other one goes on with it. Nothing begins here before the agent is started again. */
export async function leave(argv: string[], { print }: Output): Promise<void> {
  const { values, positionals } = readOptions(argv, OPTIONS, USAGE)
  const timeoutMs = parseDurationMs(values.timeout)
  if (positionals.length > 0) throw setupFailure('E_SETUP_USAGE', { what: `leave takes no ${positionals[0]}`, usage: USAGE })
  if (timeoutMs === null || timeoutMs < TIMEOUT_MS_MIN || timeoutMs > TIMEOUT_MS_MAX)
    throw setupFailure('E_SETUP_USAGE', { what: `--timeout ${values.timeout} is no time between 1s and 1h`, usage: USAGE })
  if (values['when-shutting-down'] && !(await machineGoesDown())) return print('This machine does not shut down: everything stays as it is.')
  const began = monotonicMs()
  await untilLeft(values.run, began + timeoutMs, print).catch((error: unknown) => {
    if (!(error instanceof TimeIsUp)) throw error
    throw setupFailure('E_LEAVE_TIMEOUT', { timeout: durationText(timeoutMs), left: error.lines.join('; ') })
  })
  print(`Left after ${((monotonicMs() - began) / 1000).toFixed(1)} s.`)
}

class TimeIsUp extends Error {
  constructor(readonly lines: string[]) {
    super('the time is up')
  }
}

async function untilLeft(runDirectory: string, untilMs: number, print: Output['print']): Promise<void> {
  let view = await ask(runDirectory)
  const said = new Set<string>()
  for (;;) {
    for (const line of view.lines.filter((each) => !said.has(each))) print(line)
    for (const line of view.lines) said.add(line)
    if (view.left) return
    if (monotonicMs() > untilMs) throw new TimeIsUp(view.lines)
    await pause(ASK_EVERY_MS)
    view = await ask(runDirectory)
  }
}

async function ask(runDirectory: string): Promise<LeaveView> {
  const view = await askToLeave(runDirectory)
  if (view === null) throw setupFailure('E_LEAVE_NO_ENGINE', { runDirectory })
  return view
}
