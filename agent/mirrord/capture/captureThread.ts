import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import * as libc from '../../native/libc'
import type { DirtyForCapture } from '../dirty/markRing'
import type { OrderedLog } from '../order/orderedLog'
import { Counters } from './counters'
import { serve } from './serve'
import { Serving } from './serving'
import { SlowQueue } from './slowQueue'
import { folderHolder, openTable, type TableGiven } from './table/given'
import { type Restored, restoreTables } from './table/restore'
import { OUT_HEADER_BYTES, NOTIFY_RESEND } from './protocol'

/** What the main thread gives a capture thread. */
export interface CaptureGiven {
  folder: number
  /** The keeper's number of it. */
  slot: number
  rootFd: number
  fuseFd: number
  commandFd: number
  commands: MessagePort
  exclude: string[]
  queue: SharedArrayBuffer
  /** So many slow threads may be asked for beside those that run. */
  slowMore: number
  counters: SharedArrayBuffer
  log: unknown
  /** For a successor of this process; null: it has no keeper. */
  table: TableGiven | null
  dirty?: DirtyForCapture
}

export type CaptureCommand = { id: number; do: 'serve' | 'flushTimes' | 'stop' | 'detach' }

export type CaptureNews =
  | { kind: 'ready' }
  | { kind: 'initialised' }
  | { kind: 'done'; id: number }
  | { kind: 'needsMirror'; why: string }
  /** All slow threads have work. */
  | { kind: 'slowWanted' }
  /** A folder that a dead process has left is served again. */
  | ({ kind: 'restored' } & Restored)
  /** Its death could not be made good. */
  | { kind: 'hopeless'; why: string }
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
    const mounted = isMounted(given, event)
    let order: 'stop' | 'detach' | null = null
    if (mounted && given.table?.restored != null) {
      askAgain(given.fuseFd)
      tell({ kind: 'initialised' })
    }
    const how = !mounted
      ? 'stopped'
      : serve(serving, {
          commandFd: given.commandFd,
          onInitialised: () => {
            if (given.table !== null && !serving.kernelResends) {
              tell({ kind: 'hopeless', why: 'this kernel (before Linux 6.9) does not send the requests of a dead process again' })
            }
            tell({ kind: 'initialised' })
          },
          onFault: (error, opcode) => tell({ kind: 'fault', message: error instanceof Error ? error.message : String(error), opcode }),
          onCommand: () => {
            libc.read(given.commandFd, event, EVENT_BYTES)
            order = obey(serving, given.commands, tell)
            return order !== null
          }
        })
    serving.times.sendAll()
    // A successor goes on; slow threads may still work on what is open, and it ends with the process.
    if (order !== 'detach') for (const handle of serving.handles.all()) libc.close(handle.fd)
    tell({ kind: 'ended', how })
  } catch (error) {
    tell({ kind: 'fault', message: error instanceof Error ? error.message : String(error), opcode: null })
    tell({ kind: 'ended', how: 'failed' })
  }
}

function servingFor(given: CaptureGiven, log: OrderedLog, tell: (news: CaptureNews) => void): Serving {
  const counters = new Counters(given.counters)
  const hopeless = (why: string): void => tell({ kind: 'hopeless', why })
  const table = given.table === null ? null : openTable(given.table, hopeless)
  let slowMore = given.slowMore
  const anotherSlow = (): boolean => {
    if (slowMore === 0) return false
    slowMore--
    tell({ kind: 'slowWanted' })
    return true
  }
  const serving = new Serving({
    folder: given.folder,
    rootFd: given.rootFd,
    fuseFd: given.fuseFd,
    exclude: given.exclude,
    log,
    slow: SlowQueue.attach(given.queue, anotherSlow),
    waiters: log.waiters ?? null,
    counters,
    table,
    holder: table === null ? null : folderHolder(given.slot, hopeless),
    dirty: given.dirty,
    onNeedsMirror(why) {
      counters.add('needsMirror', 1)
      if (log.giveUp?.() !== false) tell({ kind: 'needsMirror', why })
    }
  })
  if (table !== null && given.table?.restored != null) {
    tell({ kind: 'restored', ...restoreTables(serving, table, new Map(given.table.restored)) })
  }
  return serving
}

/** The kernel gives out again what a dead process had read and not answered. */
function askAgain(fuseFd: number): void {
  const notice = Buffer.alloc(OUT_HEADER_BYTES)
  notice.writeUInt32LE(OUT_HEADER_BYTES, 0)
  notice.writeInt32LE(NOTIFY_RESEND, 4)
  const written = libc.write(fuseFd, notice, notice.length)
  if (written < 0) throw new Error(`the kernel does not send the requests of a dead process again (error ${-written})`)
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

/** How to end; null: not yet. */
function obey(serving: Serving, commands: MessagePort, tell: (news: CaptureNews) => void): 'stop' | 'detach' | null {
  for (let received = receiveMessageOnPort(commands); received !== undefined; received = receiveMessageOnPort(commands)) {
    const command = received.message as CaptureCommand
    if (command.do === 'stop' || command.do === 'detach') return command.do
    serving.times.sendAll()
    tell({ kind: 'done', id: command.id })
  }
  return null
}
