import fs from 'node:fs'
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import * as libc from '../../native/libc'
import { EAGAIN, EINTR, ELOOP, ENOENT, ENOSPC, ENOTDIR } from '../../native/libcErrors'
import type { OrderedLog } from '../order/orderedLog'
import type { RevisitQueue } from '../order/revisitQueue'
import type { Exclude } from './exclude'

/** inotify(7). */
const IN_MODIFY = 0x2
const IN_ATTRIB = 0x4
const IN_CLOSE_WRITE = 0x8
const IN_MOVED_FROM = 0x40
const IN_MOVED_TO = 0x80
const IN_CREATE = 0x100
const IN_DELETE = 0x200
const IN_Q_OVERFLOW = 0x4000
const IN_IGNORED = 0x8000
const IN_ONLYDIR = 0x0100_0000
const IN_ISDIR = 0x4000_0000
const WATCHED = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR
const NAMES_CHANGED = IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE
const EVENT_BYTES = 16
const EVENTS_BYTES = 256 << 10

export interface WatcherOptions {
  folder: number
  /** As a byte string. */
  path: string
  log: OrderedLog & { readonly revisits: Pick<RevisitQueue, 'addAll'> }
  exclude: Exclude
  onFault(why: string): void
}

/** Marks what changes in a folder. A directory is watched before it is listed, so that nothing in a new one is missed. */
export class Watcher {
  readonly fd = libc.inotifyInit(libc.EFD_NONBLOCK_CLOEXEC)
  private readonly directories = new Map<number, string>()
  private readonly events = Buffer.allocUnsafeSlow(EVENTS_BYTES)

  constructor(private readonly options: WatcherOptions) {
    this.watchTree('')
  }

  private absolute(path: string): string {
    return path === '' ? this.options.path : `${this.options.path}/${path}`
  }

  /**
   * Watches the directory and those below. `marks`: it is new to us, and what was made in it before the watch was told to nobody, so all of it is marked: the
   * watch comes first and the listing after, so nothing falls between. Its name may have been another directory's before, whose names the target still has:
   * the slash says that they are to be compared.
   */
  private watchTree(path: string, marks: Set<string> | null = null): void {
    if (this.options.exclude(path)) return
    const watch = libc.inotifyAdd(this.fd, libc.cString(this.absolute(path)), WATCHED)
    if (watch < 0) return this.refused(path, -watch)
    this.directories.set(watch, path)
    marks?.add(path).add(`${path}/`)
    for (const entry of this.entries(path)) {
      const child = path === '' ? entry.name.toString('latin1') : `${path}/${entry.name.toString('latin1')}`
      if (entry.isDirectory()) this.watchTree(child, marks)
      else if (!this.options.exclude(child)) marks?.add(child)
    }
  }

  /** What is gone again already its parent tells of; for anything else we would be blind. */
  private refused(path: string, error: number): void {
    if (path !== '' && GONE.has(error)) return
    const name = path === '' ? 'the folder' : path
    if (error === ENOSPC) this.options.onFault(`no watch is left for ${name} (raise fs.inotify.max_user_watches)`)
    else this.options.onFault(`${name} cannot be watched (error ${error})`)
  }

  private entries(path: string): fs.Dirent<Buffer<ArrayBuffer>>[] {
    try {
      return fs.readdirSync(Buffer.from(this.absolute(path), 'latin1'), { withFileTypes: true, encoding: 'buffer' })
    } catch (error) {
      const { errno, code } = error as NodeJS.ErrnoException
      if (!GONE.has(-(errno ?? 0))) this.options.onFault(`${path === '' ? 'the folder' : path} cannot be listed (${code})`)
      return []
    }
  }

  /** Marks all that inotify has to say now. */
  drain(): void {
    let bytes = this.read()
    for (; bytes > 0; bytes = this.read()) {
      const marks = new Set<string>()
      for (let at = 0; at < bytes; at += EVENT_BYTES + this.events.readUInt32LE(at + 12)) this.event(at, marks)
      this.mark(marks)
    }
    if (bytes !== -EAGAIN) this.options.onFault(`what has changed cannot be read (error ${-bytes})`)
  }

  private read(): number {
    let bytes = libc.read(this.fd, this.events, EVENTS_BYTES)
    while (bytes === -EINTR) bytes = libc.read(this.fd, this.events, EVENTS_BYTES)
    return bytes
  }

  private event(at: number, marks: Set<string>): void {
    const watch = this.events.readInt32LE(at)
    const mask = this.events.readUInt32LE(at + 4)
    if ((mask & IN_Q_OVERFLOW) !== 0) {
      // Nobody knows what was missed: the walk compares everything, and new directories are watched first.
      this.watchTree('')
      this.markAll()
      return
    }
    const directory = this.directories.get(watch)
    if ((mask & IN_IGNORED) !== 0) this.directories.delete(watch)
    if (directory === undefined || (mask & IN_IGNORED) !== 0) return
    const length = this.events.readUInt32LE(at + 12)
    const name = this.events.toString('latin1', at + EVENT_BYTES, at + EVENT_BYTES + length).replace(/\0+$/, '')
    const path = name === '' ? directory : directory === '' ? name : `${directory}/${name}`
    if (this.options.exclude(path)) return
    // A new directory is watched before it is marked; a moved one gets its new names, for the system keeps one watch an inode.
    if ((mask & IN_ISDIR) !== 0 && (mask & (IN_CREATE | IN_MOVED_TO)) !== 0) this.watchTree(path, marks)
    marks.add(path)
    if ((mask & NAMES_CHANGED) !== 0) marks.add(directory)
  }

  private markAll(): void {
    const { log } = this.options
    log.lock()
    try {
      log.revisits.addAll()
    } finally {
      log.unlock()
    }
  }

  private mark(paths: Set<string>): void {
    if (paths.size === 0) return
    const { log, folder } = this.options
    log.lock()
    try {
      for (const path of paths) log.revisit(folder, path)
    } finally {
      log.unlock()
    }
  }
}

const GONE: ReadonlySet<number> = new Set([ENOENT, ENOTDIR, ELOOP])
const WAKE_BYTES = 8

/** Watches until a command says stop; every other command is answered when all that happened before it is marked. */
export function watchUntilStopped(watcher: Watcher, commandFd: number, commands: MessagePort, done: (id: number) => void): void {
  const waiting = libc.pollSet([watcher.fd, commandFd])
  const wake = Buffer.alloc(WAKE_BYTES)
  for (;;) {
    libc.poll(waiting, 2, -1)
    const commanded = libc.pollRevents(waiting, 1) !== 0
    watcher.drain()
    if (!commanded) continue
    libc.read(commandFd, wake, WAKE_BYTES)
    for (let received = receiveMessageOnPort(commands); received !== undefined; received = receiveMessageOnPort(commands)) {
      const command = received.message as { id: number; do: 'flush' | 'stop' }
      if (command.do === 'stop') return
      done(command.id)
    }
  }
}
