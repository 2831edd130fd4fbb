import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { MessageChannel, type Worker } from 'node:worker_threads'
import * as libc from '../../native/libc'
import { startThread } from '../../native/programs'
import { O_CLOEXEC, O_DIRECTORY } from '../capture/protocol'
import type { DirtyFolder } from './dirtySet'
import type { DirtyMarksData } from './dirtyMarks.worker'
import { KEEPER_LIMITS, type KeeperLimits, type KeeperNews, type KeeperOrder } from './markKeeper'
import { type DirtyForCapture, MarkRing } from './markRing'
import { syncDirectorySync } from '../../adapters/files'
import { generationsIn, readGenerations } from './readGenerations'
import { resolveMarks } from './resolve'

/** Files come and go while they are read: a second look finds them whole. */
const READ_TRIES = 5
const READ_PAUSE_MS = 40

export interface DirtyLimits extends KeeperLimits {
  /** A generation that has ended is made hard in the folder after this time: by then most of it is. */
  localSyncMs: number
}

export const DIRTY_LIMITS: DirtyLimits = { ...KEEPER_LIMITS, localSyncMs: 20_000 }

export interface FolderMapOptions {
  directory: string
  folder: number
  lineage: string
  keep: boolean
  lsn(): number
  limits: DirtyLimits
}

/** A generation that is still needed. */
interface Kept {
  generation: number
  /** All that was done while it counted has an LSN up to this one; null: it counts now. */
  lsn: number | null
  /** And is hard in the folder here. */
  durable: boolean
  bytes: number
}

/** What is marked in one folder: `root` reaches its real files. */
export async function readFolder(directory: string, folder: number, lineage: string, root: string): Promise<DirtyFolder | 'unknown'> {
  for (let tries = 1; ; tries++) {
    const read = readGenerations(directory, folder, lineage)
    const records = 'generations' in read ? read.generations.flatMap((each) => each.records) : null
    if (records !== null) return resolveMarks(records, root)
    if (tries === READ_TRIES) return 'unknown'
    await delay(READ_PAUSE_MS)
  }
}

/** The dirty map of one folder: its thread, and which generations are needed. */
export class FolderMap {
  private readonly ring = new MarkRing()
  private readonly wakeFd = libc.eventfd(0, libc.EFD_NONBLOCK_CLOEXEC)
  private readonly directory: string
  private lineage: string
  private readonly kept: Kept[] = []
  private worker: Worker | null = null
  private ended: Promise<void> = Promise.resolve()
  private readonly orders = new MessageChannel()
  private readonly waiting = new Map<number, () => void>()
  private readonly lostCalls: ((why: string, stuck: boolean) => void)[] = []
  private readonly timers = new Set<NodeJS.Timeout>()
  private rootFd = -1
  private root: string | null = null
  private syncing: Promise<unknown> = Promise.resolve()
  private hardLsn = -1
  private unknownUpTo = 0
  private lost: string | null = null
  private nextId = 1
  private closed = false

  constructor(private readonly options: FolderMapOptions) {
    this.directory = path.join(options.directory, String(options.folder))
    this.lineage = options.lineage
  }

  /** What earlier runs have left counts, or goes; then the thread begins a generation. */
  async start(): Promise<void> {
    fs.mkdirSync(this.directory, { recursive: true, mode: 0o700 })
    const { generation, oldest, unknownBefore } = this.takeOver()
    const { folder, lineage, limits } = this.options
    const workerData: DirtyMarksData = {
      ring: this.ring.shared,
      wakeFd: this.wakeFd,
      directory: this.directory,
      folder,
      lineage,
      generation,
      oldest,
      unknownBefore,
      limits,
      orders: this.orders.port2
    }
    const worker = startThread('dirtyMarks', { workerData, transferList: [this.orders.port2] })
    this.worker = worker
    this.ended = new Promise((resolve) => worker.once('exit', () => resolve()))
    const ready = new Promise<void>((resolve, reject) => {
      this.waiting.set(0, resolve)
      worker.once('error', reject)
    })
    worker.on('message', (news: KeeperNews) => this.received(news))
    worker.on('error', (error) => this.threadFailed(error.message))
    await ready
    if (!this.options.keep) this.removeOlder(generation)
  }

  private takeOver(): { generation: number; oldest: number; unknownBefore: boolean } {
    // The first file is that of generation 2, so that there is one before it that can be missing.
    const newest = generationsIn(this.directory).at(-1) ?? 1
    const generation = newest + 1
    this.kept.push({ generation, lsn: null, durable: false, bytes: 0 })
    if (!this.options.keep) return { generation, oldest: generation, unknownBefore: false }
    const read = readGenerations(this.directory, this.options.folder, this.options.lineage)
    this.kept.unshift({ generation: newest, lsn: this.options.lsn(), durable: false, bytes: 0 })
    if ('generations' in read) return { generation, oldest: read.generations[0]!.header.generation, unknownBefore: false }
    // Nothing may be read from them again, as if they said all.
    this.removeOlder(generation)
    this.unknownUpTo = newest
    return { generation, oldest: newest, unknownBefore: true }
  }

  private removeOlder(than: number): void {
    for (const name of fs.readdirSync(this.directory)) {
      if (Number.parseInt(name, 10) < than) fs.rmSync(path.join(this.directory, name), { force: true })
    }
    syncDirectorySync(this.directory)
  }

  private received(news: KeeperNews): void {
    switch (news.kind) {
      case 'ready':
        return this.resolve(0)
      case 'lineage':
        return this.resolve(news.id)
      case 'ended':
        return this.generationEnded(news)
      case 'merged':
        return this.merged(news)
      case 'marked':
        return this.noteBytes(news)
      case 'lost':
        this.unknownUpTo = Math.max(this.unknownUpTo, news.generation)
        return this.sayLost(news.why, false)
      case 'failed':
        return this.sayLost(news.why, true)
      default:
        return news satisfies never
    }
  }

  private resolve(id: number): void {
    this.waiting.get(id)?.()
    this.waiting.delete(id)
  }

  private noteBytes({ generation, bytes, carriedBytes }: { generation: number; bytes: number; carriedBytes: number }): void {
    const current = this.kept.at(-1)!
    // Places in use are marked in each generation again: they count once, in the newest.
    if (generation === current.generation) current.bytes = bytes + carriedBytes
  }

  private generationEnded({ next, lsn, coveredBytes }: { next: number; lsn: number; coveredBytes: number }): void {
    this.lost = null
    const ended = this.kept.at(-1)!
    Object.assign(ended, { generation: next - 1, lsn, bytes: ended.bytes + coveredBytes })
    this.kept.push({ generation: next, lsn: null, durable: false, bytes: 0 })
    this.later(this.options.limits.localSyncMs, () => void this.syncLocally())
  }

  private merged({ upTo, bytes, known }: { upTo: number; bytes: number; known: boolean }): void {
    const gone = this.kept.filter((each) => each.generation <= upTo)
    const rest = this.kept.filter((each) => each.generation > upTo)
    const durable = gone.every((each) => each.durable)
    const lsn = Math.max(...gone.map((each) => each.lsn ?? 0))
    this.kept.splice(0, this.kept.length, { generation: upTo, lsn, durable, bytes }, ...rest)
    if (!known) this.unknownUpTo = upTo
  }

  private sayLost(why: string, stuck: boolean): void {
    if (this.lost === why) return
    this.lost = why
    for (const call of this.lostCalls) call(why, stuck)
  }

  private threadFailed(why: string): void {
    if (!this.closed) this.sayLost(`its thread failed: ${why}`, true)
  }

  onLost(call: (why: string, stuck: boolean) => void): void {
    this.lostCalls.push(call)
  }

  forCapture(): DirtyForCapture {
    return { shared: this.ring.shared, wakeFd: this.wakeFd }
  }

  serve(root: string): void {
    this.root = root
    this.rootFd = libc.open(libc.cString(libc.toByteString(root)), O_DIRECTORY | O_CLOEXEC, 0)
    if (this.rootFd < 0) throw new Error(`${root} cannot be opened (error ${-this.rootFd})`)
    void this.syncLocally().then(() => this.ring.setSettled())
  }

  private later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      work()
    }, ms)
    timer.unref()
    this.timers.add(timer)
  }

  /** What has ended by now is hard in the folder then: after a power cut this side has lost nothing of it. */
  private syncLocally(): Promise<unknown> {
    this.syncing = this.syncing.then(async () => {
      const ended = this.kept.filter((each) => each.lsn !== null).map((each) => each.generation)
      if (this.closed || this.rootFd < 0 || (await libc.syncfsAsync(this.rootFd)) !== 0) return
      for (const each of this.kept) if (ended.includes(each.generation)) each.durable = true
      this.release()
    })
    return this.syncing
  }

  releaseUpTo(lsn: number): void {
    if (lsn <= this.hardLsn) return
    this.hardLsn = lsn
    this.ring.noteFollowed()
    this.release()
  }

  private release(): void {
    const count = this.kept.findIndex(({ lsn, durable }) => lsn === null || lsn > this.hardLsn || !durable)
    if (count <= 0) return
    const upTo = this.kept.splice(0, count).at(-1)!.generation
    if (upTo >= this.unknownUpTo) this.unknownUpTo = 0
    this.order({ do: 'release', upTo })
  }

  private order(order: KeeperOrder): void {
    if (this.worker === null) return
    this.orders.port1.postMessage(order)
    this.ring.signal()
  }

  async snapshot(): Promise<DirtyFolder | 'unknown'> {
    if (this.root === null || this.isUnknown()) return 'unknown'
    return readFolder(this.directory, this.options.folder, this.lineage, this.root)
  }

  private isUnknown(): boolean {
    return this.unknownUpTo > 0 || this.lost !== null
  }

  estimate(): number | null {
    return this.isUnknown() ? null : this.kept.reduce((sum, each) => sum + each.bytes, this.ring.coveredBytes())
  }

  async beginLineage(lineage: string): Promise<void> {
    this.lineage = lineage
    const id = this.nextId++
    const done = new Promise<void>((resolve) => this.waiting.set(id, resolve))
    this.order({ do: 'lineage', lineage, id })
    await done
  }

  async close(): Promise<void> {
    this.closed = true
    for (const timer of this.timers) clearTimeout(timer)
    this.order({ do: 'stop' })
    await this.ended
    this.worker = null
    for (const id of [...this.waiting.keys()]) this.resolve(id)
    await this.syncing
    this.orders.port1.close()
    for (const fd of [this.rootFd, this.wakeFd]) if (fd >= 0) libc.close(fd)
  }
}
