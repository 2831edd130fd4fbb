import fs from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { cgroupMount } from '../applications/cgroup'
import { monotonicMs } from '../clock'
import { Guard } from './guard'
import type { Guarded } from './guarded'
import { machineHands } from './hands'
import { Watchdog } from './watchdog'

/** A thread of the heartbeat program: to end something may take a moment, and heartbeats must not wait for it. */
export interface GuardGiven {
  node: string
  runDirectory: string
  watchdog: { file: string; timeoutMs: number } | null
}

export type GuardOrder = { do: 'guard'; guarded: Guarded } | { do: 'forget'; job: string } | { do: 'end' }
export type GuardNews = { kind: 'say'; line: string } | { kind: 'killed'; job: string; what: string[] } | { kind: 'ended' }

const given = workerData as GuardGiven
const post = (news: GuardNews): void => parentPort?.postMessage(news)
const say = (line: string): void => post({ kind: 'say', line })

function cgroupRoot(): string | null {
  try {
    return cgroupMount(fs.readFileSync('/proc/self/mountinfo', 'utf8'))?.directory ?? null
  } catch {
    return null
  }
}

const hands = machineHands({ ...given, cgroupRoot: cgroupRoot() }, say)
const guard = new Guard({ ...hands, killed: ({ job }, what) => post({ kind: 'killed', job, what }) })
const watchdog = given.watchdog === null ? null : new Watchdog({ ...given.watchdog, nowMs: monotonicMs, say })
let timer: NodeJS.Timeout | undefined

function look(): void {
  clearTimeout(timer)
  const againMs = guard.look()
  watchdog?.look(guard.isOnDuty(), (forMs) => guard.mayOutlive(forMs))
  if (againMs !== null) timer = setTimeout(look, againMs)
}

function obey(order: GuardOrder): void {
  if (order.do === 'guard') guard.tell(order.guarded)
  else if (order.do === 'forget') guard.forget(order.job)
  else return end()
  look()
}

function end(): void {
  clearTimeout(timer)
  watchdog?.close()
  post({ kind: 'ended' })
  parentPort?.close()
}

parentPort?.on('message', obey)
