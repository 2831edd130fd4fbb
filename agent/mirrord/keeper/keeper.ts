import { type ChildProcess, spawn } from 'node:child_process'
import readline from 'node:readline'
import type { Duplex } from 'node:stream'
import { identify } from '../../adapters/processes'
import { writeNote } from '../../adapters/files'
import { descriptorSocketPair, receiveDescriptor } from '../../native/descriptorSocket'
import * as libc from '../../native/libc'
import type { ProgramCommand } from '../../../src/wire/mirrord'
import { EXIT_HANDED_OVER, type HandedOver, type KeeperNews, type Next, type Standing, type Welcome } from './keeperLink'
import { ALL_OF, CHANNEL_FD, GIVE_BACK } from './keptFolder'

/**
 * Lets mirrord die without anybody noticing: holds the descriptors without which its mounts would end (they hang instead, for a moment), starts it again
 * at once, and hands them over. It knows nothing of what they are for. It ends with mirrord when there is nothing to go on with.
 */
export interface KeeperGiven {
  /** Its first arguments; it gets these besides, whatever program it is. */
  command: ProgramCommand
  places: string[]
  /** Who is mirrord now: read by engines. */
  mirrordNote: string
  say(line: string): void
  /** mirrord is not started again. */
  end(how: Ending): void
}

export interface Ending {
  why: string
  code: number
}

/** A mirrord that dies more often than this is not helped by another start. */
const RESTARTS_MAX = 16
const RESTART_WINDOW_MS = 60_000
const NOTE_AGAIN_MS = 1_000
/** Successors that die before they serve: applications wait meanwhile. */
const UNREADY_MAX = 3

export class Keeper {
  private readonly held = new Map<string, number>()
  private standing: Standing | null = null
  private hopeless: string | null = null
  private ready = false
  private unready = 0
  private deathsMs: number[] = []
  private after: string | null = null
  private socket = -1
  private child: ChildProcess | null = null
  private stopped = false
  private command: ProgramCommand
  /** Told by the one that hands over; in force when it has ended for it. */
  private next: Next | null = null
  /** Nobody has gone on yet for one that handed over; `before`: the program that it was. */
  private handingOver: (HandedOver & { before: ProgramCommand | null }) | null = null

  constructor(private readonly given: KeeperGiven) {
    this.command = given.command
  }

  start(): void {
    const { file, args } = this.command
    const [ours, theirs] = descriptorSocketPair()
    this.socket = ours
    this.ready = false
    const labels = [...this.held.keys()]
    const child = spawn(file, [...args, ...this.given.places, '--keeper'], { stdio: ['ignore', 'inherit', 'inherit', 'pipe', theirs, ...this.held.values()] })
    libc.close(theirs)
    this.child = child
    child.once('error', (error) => this.died({ why: `could not be started: ${error.message}`, code: 1 }))
    child.once('close', (code, signal) => {
      if (child.pid !== undefined) this.died({ why: howEnded(code, signal), code: code ?? 1 })
    })
    if (child.pid === undefined) return
    this.note(child, child.pid)
    this.listen(child.stdio[CHANNEL_FD] as Duplex, { labels, standing: this.standing, after: this.after, handedOver: this.handedOver() })
  }

  /** A full disk is no reason to let go of the folders: it is tried again, as long as this one lives. */
  private note(child: ChildProcess, pid: number): void {
    if (this.child !== child) return
    const identity = identify(pid)
    try {
      if (identity !== null) writeNote(this.given.mirrordNote, identity)
    } catch (error) {
      this.given.say(`mirrord cannot be noted yet: ${(error as Error).message}`)
      setTimeout(() => this.note(child, pid), NOTE_AGAIN_MS)
    }
  }

  private handedOver(): HandedOver | null {
    return this.handingOver === null ? null : { atMs: this.handingOver.atMs, insteadWhy: this.handingOver.insteadWhy }
  }

  private listen(channel: Duplex, welcome: Welcome): void {
    // It ends with an error when mirrord is killed before it has read: its end is told by its exit.
    channel.on('error', () => channel.destroy())
    channel.write(`${JSON.stringify(welcome)}\n`)
    const lines = readline.createInterface({ input: channel })
    lines.on('error', () => channel.destroy()).on('line', (line) => this.heard(line))
  }

  /** Asked to end: so is mirrord, which ends in order or says why it goes on; it is not started again. */
  stop(): void {
    this.stopped = true
    this.child?.kill('SIGTERM')
  }

  private heard(line: string): void {
    if (line === '') return this.look()
    const news = JSON.parse(line) as KeeperNews
    if (news.standing !== undefined) this.standing = news.standing
    if (news.standing === null) this.hopeless = null
    if (news.hopeless !== undefined) this.hopeless = news.hopeless
    if (news.next !== undefined) this.next = news.next
    if (!news.ready) return
    this.ready = true
    this.handingOver = null
    this.unready = 0
  }

  /** Takes what waits at the socket. */
  private look(): void {
    for (let received = receiveDescriptor(this.socket); received !== null; received = receiveDescriptor(this.socket)) {
      const { text, descriptor } = received
      if (text.startsWith(GIVE_BACK)) this.drop(text.slice(GIVE_BACK.length))
      else if (descriptor !== null) this.hold(text, descriptor)
    }
  }

  private hold(label: string, descriptor: number): void {
    this.drop(label)
    this.held.set(label, descriptor)
  }

  private drop(label: string): void {
    const prefix = label.endsWith(ALL_OF) ? label.slice(0, -ALL_OF.length) : null
    for (const [each, descriptor] of this.held) {
      if (each !== label && (prefix === null || !each.startsWith(prefix))) continue
      libc.close(descriptor)
      this.held.delete(each)
    }
  }

  private died(ending: Ending): void {
    this.look()
    libc.close(this.socket)
    this.child = null
    this.choose(ending)
    const why = this.whyNotAgain(ending)
    if (why !== null) {
      if (this.standing !== null) this.given.say(`mirrord ${why}`)
      return this.given.end({ ...ending, why })
    }
    this.after = ending.why
    this.given.say(`mirrord ${ending.why}; another one goes on with ${this.held.size} descriptors`)
    this.start()
  }

  /** The program that goes on: the one that was named, or once more the one before, should that not get as far as serving. */
  private choose({ why, code }: Ending): void {
    const { next, handingOver } = this
    this.next = null
    if (code === EXIT_HANDED_OVER && next !== null) {
      this.handingOver = { atMs: next.atMs, insteadWhy: null, before: isSame(next.command, this.command) ? null : this.command }
      this.command = next.command
    } else if (handingOver !== null && handingOver.before !== null) {
      this.given.say(`mirrord ${why}; the program before it goes on`)
      this.handingOver = { atMs: handingOver.atMs, insteadWhy: this.hopeless ?? why, before: null }
      this.command = handingOver.before
      this.hopeless = null
    }
  }

  private whyNotAgain({ why, code }: Ending): string | null {
    if (code === EXIT_HANDED_OVER && this.standing !== null && !this.stopped) return null
    const nowMs = performance.now()
    this.deathsMs = [...this.deathsMs.filter((each) => each > nowMs - RESTART_WINDOW_MS), nowMs]
    if (!this.ready) this.unready++
    if (this.standing === null || this.stopped || code === 0) return why
    if (this.hopeless !== null) return `${why}, and cannot be replaced: ${this.hopeless}`
    if (this.unready >= UNREADY_MAX) return `${why}, and ${UNREADY_MAX} that followed could not go on`
    if (this.deathsMs.length > RESTARTS_MAX) return `${why}, the ${this.deathsMs.length}th time within ${RESTART_WINDOW_MS / 1_000} s`
    return null
  }
}

const isSame = (one: ProgramCommand, other: ProgramCommand): boolean => JSON.stringify(one) === JSON.stringify(other)

const howEnded = (code: number | null, signal: NodeJS.Signals | null): string => (signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`)
