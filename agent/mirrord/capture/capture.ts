import fs from 'node:fs'
import path from 'node:path'
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import * as libc from '../../native/libc'
import type { DirtyForCapture } from '../dirty/markRing'
import { startThread } from '../../native/programs'
import { captureError } from './captureReport'
import type { CaptureCommand, CaptureGiven, CaptureNews } from './captureThread'
import { Counters, type CounterValues } from './counters'
import { Cells } from './table/cells'
import type { Restored } from './table/restore'
import type { KeeperLink } from '../keeper/keeperLink'
import { folderLabel, giveBackFolder, keep, type KeptFolder } from '../keeper/keptFolder'
import { isCaptured, mountFuse, openFolder, openFuse, removeDeadMounts, unmountFuse } from './mount'
import { SlowQueue } from './slowQueue'
import type { SyncWaiters } from '../order/syncWaiters'

export interface CaptureOptions {
  /** The folder's place in the job's configuration: `folder` of its operations. */
  folder: number
  /** The keeper's number of it; absent: the same. */
  slot?: number
  path: string
  exclude?: readonly string[]
  /** The job's order; several captures may share one. */
  log: { shared: unknown; waiters?: SyncWaiters }
  /** The dirty map's part of this folder: what will change is marked there first. */
  dirty?: DirtyForCapture
  /** Serves the folder on when this process dies; null: the mount ends with it. */
  keeper?: KeeperLink | null
  onRestored?(restored: Restored): void
  /** Another file for the capture thread; tests give one whose log they can read. */
  threadFile?: string
}

export interface CaptureFault {
  code: 'E_CAPTURE_FAILED'
  message: string
}

/** A captured folder. */
export interface Capture {
  readonly path: string
  /** Reaches the real files below the mount, for this process: the walk reads them here. Gone after `stop`. */
  readonly underlyingDirectory: string
  /** Unmounts; refused with E_CAPTURE_BUSY while files are open there. `force`: at once, and who still has files open gets errors. */
  stop(options?: { force?: boolean }): Promise<void>
  /** Serves no more, and leaves the mount to a successor of this process: whoever works in it waits. */
  detach(): Promise<void>
  /** Capture can no longer be trusted, or the mount went away. */
  onFault(call: (fault: CaptureFault) => void): void
  /** Changes were made that cannot be sent by name (hard links unknown to capture, huge moves out of an excluded name): a stream that was wanted is given up. */
  onNeedsMirror(call: (why: string) => void): void
  /** Resolves when the modification times of all that has changed are in the log. */
  flushTimes(): Promise<void>
  counters(): CounterValues
}

/** A thread costs 12 MiB: as many as work at the same time, from those that a flush and a read beside it need ... */
const SLOW_THREADS = 2
/** ... up to what keeps a disk busy. */
const SLOW_THREADS_MAX = 4
const COMMAND = Buffer.alloc(8)
COMMAND.writeBigUInt64LE(1n)

const slotOf = ({ folder, slot = folder }: CaptureOptions): number => slot

/** Mounts FUSE over the folder, in place. Resolves when it is served. */
export async function startCapture(options: CaptureOptions): Promise<Capture> {
  const kept = options.keeper?.takeFolder(slotOf(options)) ?? null
  const folder = kept === null ? realFolder(options.path) : mountedFolder(options.path)
  if (kept === null) await removeDeadMounts(folder)
  const capture = new FuseCapture(folder, options, kept)
  try {
    await capture.start()
  } catch (error) {
    await capture.close()
    throw error
  }
  return capture
}

/** Its mount may answer nobody yet: it must not be looked at. */
function mountedFolder(folder: string): string {
  const place = path.join(fs.realpathSync(path.dirname(folder)), path.basename(folder))
  if (isCaptured(place)) return place
  try {
    return mountedFolder(path.resolve(path.dirname(place), fs.readlinkSync(place)))
  } catch {
    return place
  }
}

function realFolder(folder: string): string {
  try {
    return fs.realpathSync(folder)
  } catch (error) {
    // A mount that lost its process cannot even be looked at; its path is good as it is.
    if ((error as NodeJS.ErrnoException).code === 'ENOTCONN') return folder
    throw captureError('E_CAPTURE_FOLDER', { folder, why: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it does not exist' : (error as Error).message })
  }
}

class FuseCapture implements Capture {
  private readonly rootFd: number
  private fuseFd = -1
  private tableFd = -1
  private readonly commandFd = libc.eventfd(0, libc.EFD_NONBLOCK_CLOEXEC)
  private readonly queue = SlowQueue.create(SLOW_THREADS)
  private readonly counted = new Counters()
  private readonly threads: { worker: Worker; ended: Promise<void> }[] = []
  private commands: MessagePort | null = null
  private readonly waiting = new Map<string | number, () => void>()
  private readonly faultCalls: ((fault: CaptureFault) => void)[] = []
  private readonly mirrorCalls: ((why: string) => void)[] = []
  private fault: CaptureFault | null = null
  private needsMirror: string | null = null
  private nextCommand = 1
  private mounted = false
  private stopping = false
  private ended = false
  private closing: Promise<void> | null = null

  constructor(
    readonly path: string,
    private readonly options: CaptureOptions,
    private readonly kept: KeptFolder | null
  ) {
    this.rootFd = kept?.root ?? openFolder(path)
  }

  get underlyingDirectory(): string {
    return `/proc/self/fd/${this.rootFd}`
  }

  async start(): Promise<void> {
    this.fuseFd = this.kept?.fuse ?? openFuse(this.path)
    this.tableFd = this.kept?.table ?? this.keepFolder()
    await Promise.all([...Array.from({ length: SLOW_THREADS }, () => this.startSlowThread()), this.startCaptureThread()])
    const initialised = this.news('initialised')
    if (this.kept === null) mountFuse(this.path, this.fuseFd)
    this.mounted = true
    this.command({ id: 0, do: 'serve' })
    await initialised
    if (this.fault !== null) throw captureError('E_CAPTURE_FAILED', { folder: this.path, why: this.fault.message })
  }

  /** Before it is mounted, so that there is never a mount that the keeper does not hold. -1: there is none. */
  private keepFolder(): number {
    const { keeper } = this.options
    const folder = slotOf(this.options)
    if (!keeper || keeper.gone) return -1
    const table = Cells.memoryFile(`mirrorpair ${folder}`)
    const held = table >= 0 && keep(folderLabel(folder, 'root'), this.rootFd) && keep(folderLabel(folder, 'table'), table)
    if (!held || !keep(folderLabel(folder, 'fuse'), this.fuseFd)) keeper.hopeless(`the keeper does not hold ${this.path}`)
    return table
  }

  private startSlowThread(): Promise<void> {
    const workerData = { fuseFd: this.fuseFd, queue: this.queue.shared, waiters: this.options.log.waiters?.shared ?? null }
    const worker = startThread('captureSlow', { workerData })
    this.addThread(worker)
    return new Promise((resolve, reject) => {
      worker.once('error', reject)
      worker.on('message', (message: { ready?: true; fault?: string }) => (message.ready ? resolve() : this.failed(message.fault ?? 'a slow thread failed')))
    })
  }

  private oneMoreSlowThread(): void {
    // What goes wrong with it is heard as with the others.
    if (!this.stopping && !this.ended) void this.startSlowThread().catch(() => undefined)
  }

  private async startCaptureThread(): Promise<void> {
    const { port1, port2 } = new MessageChannel()
    this.commands = port1
    const given: CaptureGiven = {
      folder: this.options.folder,
      slot: slotOf(this.options),
      rootFd: this.rootFd,
      fuseFd: this.fuseFd,
      commandFd: this.commandFd,
      commands: port2,
      exclude: [...(this.options.exclude ?? [])],
      queue: this.queue.shared,
      slowMore: SLOW_THREADS_MAX - SLOW_THREADS,
      counters: this.counted.shared,
      log: this.options.log.shared,
      table: this.tableFd < 0 ? null : { descriptor: this.tableFd, bytes: fs.fstatSync(this.tableFd).size, restored: this.kept?.nodes ?? null },
      dirty: this.options.dirty
    }
    const ready = this.news('ready')
    const worker =
      this.options.threadFile === undefined
        ? startThread('capture', { workerData: given, transferList: [port2] })
        : new Worker(this.options.threadFile, { workerData: given, transferList: [port2] })
    this.addThread(worker)
    worker.on('message', (news: CaptureNews) => this.received(news))
    await ready
  }

  private addThread(worker: Worker): void {
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    worker.on('error', (error) => this.threadDied(error.message))
    this.threads.push({ worker, ended })
  }

  /** Resolves when the capture thread says so; or when it has ended, for then it says nothing more. */
  private news(name: string | number): Promise<void> {
    return this.ended ? Promise.resolve() : new Promise((resolve) => this.waiting.set(name, resolve))
  }

  private received(news: CaptureNews): void {
    if (news.kind === 'fault') this.failed(news.message)
    else if (news.kind === 'needsMirror') this.mirrorNeeded(news.why)
    else if (news.kind === 'slowWanted') this.oneMoreSlowThread()
    else if (news.kind === 'hopeless') this.options.keeper?.hopeless(news.why)
    else if (news.kind === 'restored') this.options.onRestored?.(news)
    else if (news.kind === 'ended') this.threadEnded(news.how)
    else this.resolveNews(news.kind === 'done' ? news.id : news.kind)
  }

  private resolveNews(name: string | number): void {
    this.waiting.get(name)?.()
    this.waiting.delete(name)
  }

  private threadDied(why: string): void {
    this.failed(why)
    this.threadEnded('failed')
  }

  private threadEnded(how: 'unmounted' | 'stopped' | 'failed'): void {
    if (this.ended) return
    this.ended = true
    for (const name of [...this.waiting.keys()]) this.resolveNews(name)
    if (this.stopping) return
    this.failed(how === 'unmounted' ? 'the mount was taken away' : 'the capture thread has ended')
    // Nobody answers any more: whoever waits in the folder gets an error instead of waiting for ever.
    void this.close()
  }

  private failed(why: string): void {
    this.fault ??= { code: 'E_CAPTURE_FAILED', message: captureError('E_CAPTURE_FAILED', { folder: this.path, why }).message }
    for (const call of this.faultCalls.splice(0)) call(this.fault)
  }

  private mirrorNeeded(why: string): void {
    this.needsMirror = why
    for (const call of this.mirrorCalls) call(why)
  }

  onFault(call: (fault: CaptureFault) => void): void {
    if (this.fault !== null) call(this.fault)
    else this.faultCalls.push(call)
  }

  onNeedsMirror(call: (why: string) => void): void {
    if (this.needsMirror !== null) call(this.needsMirror)
    this.mirrorCalls.push(call)
  }

  counters(): CounterValues {
    return this.counted.read()
  }

  async flushTimes(): Promise<void> {
    if (this.ended) return
    const id = this.nextCommand++
    const done = this.news(id)
    this.command({ id, do: 'flushTimes' })
    await done
  }

  private command(command: CaptureCommand): void {
    this.commands?.postMessage(command)
    libc.write(this.commandFd, COMMAND, COMMAND.length)
  }

  async detach(): Promise<void> {
    if (this.stopping) return
    await this.flushTimes()
    this.stopping = true
    const ended = Promise.all(this.threads.map((thread) => thread.ended))
    this.command({ id: 0, do: 'detach' })
    this.queue.close()
    await ended
  }

  async stop({ force = false }: { force?: boolean } = {}): Promise<void> {
    if (this.stopping) return
    await this.flushTimes()
    this.stopping = true
    try {
      if (this.mounted && !this.ended) await unmountFuse(this.path, { lazily: force })
    } catch (error) {
      this.stopping = false
      throw error
    }
    this.mounted = false
    if (force) this.command({ id: 0, do: 'stop' })
    await this.close()
  }

  /** After the mount is gone, or when starting failed: ends the threads, and gives all descriptors back. */
  close(): Promise<void> {
    return (this.closing ??= this.closeOnce())
  }

  private async closeOnce(): Promise<void> {
    if (this.mounted) await unmountFuse(this.path, { lazily: true }).catch(() => undefined)
    this.mounted = false
    this.stopping = true
    this.command({ id: 0, do: 'stop' })
    this.queue.close()
    await Promise.all(this.threads.splice(0).map(({ ended }) => ended))
    this.commands?.close()
    this.options.log.waiters?.abandon(this.fuseFd)
    // The last descriptor of the connection: requests that nobody answered fail now.
    for (const fd of [this.fuseFd, this.rootFd, this.commandFd, this.tableFd]) if (fd >= 0) libc.close(fd)
    this.fuseFd = -1
    if (this.tableFd >= 0) giveBackFolder(slotOf(this.options))
  }
}
