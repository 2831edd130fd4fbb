import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import * as libc from '../../native/libc'
import type { OrderedLog } from '../order/orderedLog'
import { Counters } from './counters'
import { serve } from './serve'
import { Serving } from './serving'
import { SlowQueue } from './slowQueue'

/** What the main thread gives a capture thread. */
export interface CaptureGiven {
  folder: number
  rootFd: number
  fuseFd: number
  commandFd: number
  commands: MessagePort
  exclude: string[]
  queue: SharedArrayBuffer
  counters: SharedArrayBuffer
  log: unknown
}

export type CaptureCommand = { id: number; do: 'serve' | 'flushTimes' | 'stop' }

export type CaptureNews =
  | { kind: 'ready' }
  | { kind: 'initialised' }
  | { kind: 'done'; id: number }
  | { kind: 'needsMirror'; why: string }
  | { kind: 'fault'; message: string; opcode: number | null }
  | { kind: 'ended'; how: 'unmounted' | 'stopped' | 'failed' }

const EVENT_BYTES = 8

/** The capture thread: serves one folder until it is unmounted. `attach` makes the log of the shared memory that was given. */
export function runCaptureThread(attach: (shared: unknown) => OrderedLog): void {
  const given = workerData as CaptureGiven
  const tell = (news: CaptureNews): void => parentPort?.postMessage(news)
  try {
    const serving = servingFor(given, attach(given.log), tell)
    const event = Buffer.alloc(EVENT_BYTES)
    tell({ kind: 'ready' })
    const how = !isMounted(given, event)
      ? 'stopped'
      : serve(serving, {
          commandFd: given.commandFd,
          onInitialised: () => tell({ kind: 'initialised' }),
          onFault: (error, opcode) => tell({ kind: 'fault', message: error instanceof Error ? error.message : String(error), opcode }),
          onCommand: () => {
            libc.read(given.commandFd, event, EVENT_BYTES)
            return obey(serving, given.commands, tell)
          }
        })
    serving.times.sendAll()
    for (const handle of serving.handles.all()) libc.close(handle.fd)
    tell({ kind: 'ended', how })
  } catch (error) {
    tell({ kind: 'fault', message: error instanceof Error ? error.message : String(error), opcode: null })
    tell({ kind: 'ended', how: 'failed' })
  }
}

function servingFor(given: CaptureGiven, log: OrderedLog, tell: (news: CaptureNews) => void): Serving {
  const counters = new Counters(given.counters)
  return new Serving({
    folder: given.folder,
    rootFd: given.rootFd,
    fuseFd: given.fuseFd,
    exclude: given.exclude,
    log,
    slow: new SlowQueue(given.queue),
    waiters: log.waiters ?? null,
    counters,
    onNeedsMirror(why) {
      counters.add('needsMirror', 1)
      if (counters.read().needsMirror === 1) tell({ kind: 'needsMirror', why })
    }
  })
}

/** /dev/fuse can only be read after the mount: the main thread says when. False: stop, it could not be mounted. */
function isMounted(given: CaptureGiven, event: Buffer): boolean {
  const waiting = libc.pollSet([given.commandFd])
  for (;;) {
    libc.poll(waiting, 1, -1)
    libc.read(given.commandFd, event, EVENT_BYTES)
    const command = receiveMessageOnPort(given.commands)?.message as CaptureCommand | undefined
    if (command !== undefined) return command.do === 'serve'
  }
}

/** True: stop. */
function obey(serving: Serving, commands: MessagePort, tell: (news: CaptureNews) => void): boolean {
  for (let received = receiveMessageOnPort(commands); received !== undefined; received = receiveMessageOnPort(commands)) {
    const command = received.message as CaptureCommand
    if (command.do === 'stop') return true
    serving.times.sendAll()
    tell({ kind: 'done', id: command.id })
  }
  return false
}
