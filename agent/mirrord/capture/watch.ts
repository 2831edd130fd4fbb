import fs from 'node:fs'
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import * as libc from '../../native/libc'
import { workerFile } from '../../native/programs'
import type { Capture, CaptureFault, CaptureOptions } from './capture'
import { captureError } from './captureReport'
import { Counters, type CounterValues } from './counters'

const WAKE = Buffer.alloc(8)
WAKE.writeBigUInt64LE(1n)

/** Where FUSE is not available: inotify only marks what changed (`log.revisit`), and the walk ships it. Needs no root. */
export async function startWatch(options: CaptureOptions): Promise<Capture> {
  if (!fs.statSync(options.path, { throwIfNoEntry: false })?.isDirectory())
    throw captureError('E_CAPTURE_FOLDER', { folder: options.path, why: 'it is not a directory' })
  const watch = new WatchCapture(fs.realpathSync(options.path), options)
  await watch.ready
  watch.throwIfFailed()
  return watch
}

class WatchCapture implements Capture {
  private readonly commandFd = libc.eventfd(0, libc.EFD_NONBLOCK_CLOEXEC)
  private readonly worker: Worker
  private readonly commands: MessagePort
  private readonly ended: Promise<void>
  private readonly waiting = new Map<number, () => void>()
  private readonly faultCalls: ((fault: CaptureFault) => void)[] = []
  private fault: CaptureFault | null = null
  private nextCommand = 1
  private stopped = false
  readonly ready: Promise<void>

  constructor(
    readonly path: string,
    options: CaptureOptions
  ) {
    const { port1, port2 } = new MessageChannel()
    this.commands = port1
    const workerData = {
      folder: options.folder,
      path,
      exclude: [...(options.exclude ?? [])],
      log: options.log.shared,
      commandFd: this.commandFd,
      commands: port2
    }
    this.ready = new Promise((resolve) => this.waiting.set(0, resolve))
    this.worker = new Worker(options.threadFile ?? workerFile('watch'), { workerData, transferList: [port2] })
    this.ended = new Promise((resolve) => this.worker.once('exit', () => resolve(this.threadEnded())))
    this.worker.on('error', (error) => this.failed(error.message))
    this.worker.on('message', (news: { done?: number; fault?: string }) => (news.fault === undefined ? this.resolve(news.done!) : this.failed(news.fault)))
  }

  /** Nothing is mounted: the folder itself. */
  get underlyingDirectory(): string {
    return this.path
  }

  private resolve(id: number): void {
    this.waiting.get(id)?.()
    this.waiting.delete(id)
  }

  private threadEnded(): void {
    for (const id of [...this.waiting.keys()]) this.resolve(id)
    if (!this.stopped) this.failed('the watching thread has ended')
    this.stopped = true
  }

  private failed(why: string): void {
    this.fault ??= { code: 'E_CAPTURE_FAILED', message: captureError('E_CAPTURE_FAILED', { folder: this.path, why }).message }
    for (const call of this.faultCalls.splice(0)) call(this.fault)
  }

  throwIfFailed(): void {
    if (this.fault !== null) throw captureError('E_CAPTURE_FAILED', { folder: this.path, why: this.fault.message })
  }

  onFault(call: (fault: CaptureFault) => void): void {
    if (this.fault !== null) call(this.fault)
    else this.faultCalls.push(call)
  }

  /** Never: the walk reads what is there. */
  onNeedsMirror(): void {}

  counters(): CounterValues {
    return new Counters().read()
  }

  /** Resolves when all that has changed until now is marked. */
  async flushTimes(): Promise<void> {
    if (this.stopped) return
    const id = this.nextCommand++
    const done = new Promise<void>((resolve) => this.waiting.set(id, resolve))
    this.command({ id, do: 'flush' })
    await done
  }

  private command(command: { id: number; do: 'flush' | 'stop' }): void {
    this.commands.postMessage(command)
    libc.write(this.commandFd, WAKE, WAKE.length)
  }

  /** Nobody waits for it: what changes meanwhile is found by the next one's walk. */
  detach(): Promise<void> {
    return this.stop()
  }

  async stop(): Promise<void> {
    if (this.stopped) return
    this.stopped = true
    this.command({ id: 0, do: 'stop' })
    await this.ended
    this.commands.close()
    libc.close(this.commandFd)
  }
}
