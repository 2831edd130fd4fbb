import fs from 'node:fs'
import net from 'node:net'
import readline from 'node:readline'
import type { ProgramCommand } from '../../../src/wire/mirrord'
import * as libc from '../../native/libc'
import { EAGAIN } from '../../native/libcErrors'
import { CHANNEL_FD, giveBack, giveBackFolder, keptFolders, type KeptFolder } from './keptFolder'

/** What a successor begins with: the requests that made this mirrord what it is, as lines of its control socket. */
export interface Standing {
  configure: string
  role: string
  /** The newest lease, where the job's mode has a quorum. */
  lease?: string
  /** By which numbers the descriptors of its folders are kept; absent: by their places. */
  slots?: number[]
}

/** The keeper's first line to a mirrord. */
export interface Welcome {
  /** Of the descriptors it inherits, from KEPT_FD on. */
  labels: string[]
  standing: Standing | null
  /** How the one before it ended; null: it is the first. */
  after: string | null
  /** Another one has handed over, and nobody has gone on yet. Absent: a keeper of before. */
  handedOver?: HandedOver | null
}

export interface HandedOver {
  /** Since then nobody serves (CLOCK_BOOTTIME). */
  atMs: number
  /** Why the program that was to go on does not. */
  insteadWhy: string | null
}

/** What is to be started next, once this mirrord has handed over. */
export interface Next {
  command: ProgramCommand
  atMs: number
}

/** A line of mirrord to its keeper. */
export interface KeeperNews {
  standing?: Standing | null
  /** It serves what was handed to it. */
  ready?: true
  /** Why its death cannot be made good: the keeper gives up at once then. */
  hopeless?: string
  next?: Next
}

/** How a mirrord ends that wants another one to go on: no death that counts. */
export const EXIT_HANDED_OVER = 75
const WELCOME_TIMEOUT_MS = 10_000
const CHANNEL_WAIT_MS = 1_000

/** mirrord's side of its keeper. */
export class KeeperLink {
  gone = false
  /** Why nobody could go on for this process; null: its keeper starts another one. */
  private whyNobody: string | null = null
  onGone: () => void = () => undefined

  private constructor(
    readonly welcome: Welcome,
    private readonly folders: ReturnType<typeof keptFolders>
  ) {}

  static open(): Promise<KeeperLink> {
    const channel = new net.Socket({ fd: CHANNEL_FD, readable: true, writable: false })
    channel.on('error', () => channel.destroy())
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the keeper said nothing for ${WELCOME_TIMEOUT_MS} ms`)), WELCOME_TIMEOUT_MS)
      const lines = readline.createInterface({ input: channel }).on('error', () => channel.destroy())
      lines.once('line', (line) => {
        clearTimeout(timer)
        const welcome = JSON.parse(line) as Welcome
        const link = new KeeperLink(welcome, keptFolders(welcome.labels))
        channel.on('close', () => link.ended())
        channel.unref()
        resolve(link)
      })
    })
  }

  whyNoSuccessor(): string | null {
    return this.gone ? 'its keeper is gone' : this.whyNobody
  }

  /** What was kept of this folder, once; null: nothing, or not all of it. */
  takeFolder(folder: number): KeptFolder | null {
    const kept = this.folders.get(folder)
    this.folders.delete(folder)
    if (kept?.root === undefined || kept.fuse === undefined || kept.table === undefined) return null
    return kept as KeptFolder
  }

  hasFolder(folder: number): boolean {
    return this.folders.has(folder)
  }

  /** Nobody serves them any more: what was mounted for a configuration that did not come, or is of one that went. Answers their mounts' places. */
  dropFolders(): string[] {
    const left = [...this.folders.entries()]
    this.folders.clear()
    return left.map(([folder, { root, fuse, table, nodes }]) => {
      const place = root === undefined ? '' : fs.readlinkSync(`/proc/self/fd/${root}`)
      giveBackFolder(folder)
      for (const fd of [root, fuse, table, ...nodes.map(([, each]) => each)]) if (fd !== undefined) libc.close(fd)
      return place
    })
  }

  /** null: nothing would be lost with this process. */
  stand(standing: Standing | null): void {
    this.tell({ standing })
    if (standing !== null) return
    this.whyNobody = null
    giveBack('*')
  }

  ready(): void {
    this.tell({ ready: true })
  }

  hopeless(why: string): void {
    this.whyNobody = why
    this.tell({ hopeless: why })
  }

  next(next: Next): void {
    this.tell({ next })
  }

  /** At once: what was told counts even if this process is killed in the next moment. */
  private tell(news: KeeperNews): void {
    const line = Buffer.from(`${JSON.stringify(news)}\n`)
    for (let sent = 0; sent < line.length && !this.gone; ) {
      const bytes = libc.write(CHANNEL_FD, line.subarray(sent), line.length - sent)
      if (bytes >= 0) sent += bytes
      else if (bytes !== -EAGAIN || libc.poll(libc.pollOut(CHANNEL_FD), 1, CHANNEL_WAIT_MS) === 0) return
    }
  }

  private ended(): void {
    this.gone = true
    this.onGone()
  }
}
