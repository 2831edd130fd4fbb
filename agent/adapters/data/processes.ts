import type { ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { keeperNoteFile, mirrordNoteFile } from '../../mirrord/keeper/notes'
import { programCommand } from '../../native/programs'
import type { Places } from '../../ports'
import { identitySchema } from '../applications/note'
import { logTail, trimLog } from '../boundedLog'
import { monotonicMs } from '../clock'
import { fileWord, readNote, removeNote } from '../files'
import { isAlive, isOfThisBoot, type ProcessIdentity, signalProcess } from '../processes'
import { spawnDetached } from '../spawnDetached'

const POLL_MS = 25
const OUTPUT_LINES = 5

export interface Command {
  file: string
  args: string[]
}

/** A started keeper, while this engine is its parent. */
export interface Started {
  /** How it ended at once; null: it runs. */
  failure(): string | null
  kill(): void
}

/** The two processes of a job's data: the keeper, and the mirrord that it starts again when that dies. */
export class DataProcesses {
  readonly socketFile: string
  readonly logFile: string
  private readonly mirrordNote: string
  private readonly keeperNote: string

  constructor(
    private readonly places: Places,
    private readonly mirrordCommand: Command,
    private readonly job: string
  ) {
    this.socketFile = path.join(places.runDirectory, `${job}.mirrord.sock`)
    this.logFile = path.join(places.stateDirectory, 'log', `${fileWord(job)}.mirrord.log`)
    this.mirrordNote = mirrordNoteFile(places.runDirectory, job)
    this.keeperNote = keeperNoteFile(places.runDirectory, job)
  }

  async start(): Promise<Started> {
    const { stateDirectory, runDirectory, node } = this.places
    await fs.promises.mkdir(runDirectory, { recursive: true, mode: 0o700 })
    // Left by one that was killed: nobody listens behind it.
    await fs.promises.rm(this.socketFile, { force: true })
    const keeper = programCommand('keeper')
    const { file, args } = this.mirrordCommand
    const places = ['--job', this.job, '--node', node, '--run', runDirectory, '--state', stateDirectory]
    const logStart = await this.logBytes()
    const child = await spawnDetached({ file: keeper.file, args: [...keeper.args, ...places, '--', file, ...args] }, this.logFile, process.env)
    return { failure: () => this.failureOf(child, logStart), kill: () => this.kill() }
  }

  private logBytes(): Promise<number> {
    return fs.promises.stat(this.logFile).then(
      ({ size }) => size,
      () => 0
    )
  }

  private failureOf({ exitCode, signalCode }: ChildProcess, logStart: number): string | null {
    if (exitCode === null && signalCode === null) return null
    const said = logTail(this.logFile, logStart, OUTPUT_LINES)
    return `it ended at once with ${signalCode ?? `exit code ${exitCode}`}${said === '' ? '' : ` (${said})`}`
  }

  trimLog(): void {
    void trimLog(this.logFile)
  }

  /** mirrord is started again when it dies. */
  isKept(): boolean {
    const keeper = this.noted(this.keeperNote)
    return keeper !== null && isAlive(keeper)
  }

  /** Without a note nobody knows: then it may. */
  mayLive(): boolean {
    const mirrord = this.noted(this.mirrordNote)
    return this.isKept() || mirrord === null || isAlive(mirrord)
  }

  mirrordPid(): number | null {
    return this.noted(this.mirrordNote)?.pid ?? null
  }

  /** As the keeper has said it at its end. */
  lastWords(): string {
    const ended = (readNote(this.keeperNote) as { ended?: unknown } | null)?.ended
    return typeof ended === 'string' ? `its process ${ended}` : 'its process ended'
  }

  /** It hangs: the keeper starts another one. */
  killMirrord(): void {
    killNoted(this.noted(this.mirrordNote))
  }

  /** The keeper first, or it would start another one. */
  kill(): void {
    killNoted(this.noted(this.keeperNote))
    this.killMirrord()
  }

  /** `unnoted`: what to believe of one that has left no note. */
  async waitForEnd(timeoutMs: number, unnoted: () => boolean = () => false): Promise<void> {
    const untilMs = monotonicMs() + timeoutMs
    const runs = (): boolean => {
      const mirrord = this.noted(this.mirrordNote)
      return this.isKept() || (mirrord === null ? unnoted() : isAlive(mirrord))
    }
    while (runs() && monotonicMs() < untilMs) await pause(POLL_MS)
  }

  forget(): void {
    removeNote(this.mirrordNote)
    removeNote(this.keeperNote)
  }

  private noted(file: string): ProcessIdentity | null {
    const note = identitySchema.safeParse(readNote(file))
    return note.success && isOfThisBoot(note.data) ? note.data : null
  }
}

function killNoted(identity: ProcessIdentity | null): void {
  if (identity !== null && isAlive(identity)) signalProcess(identity.pid, 'SIGKILL')
}
