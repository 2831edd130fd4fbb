import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { JobConfig } from '../../../src/model'
import type { MirrordEvent, MirrordStatus } from '../../../src/wire'
import { identitySchema } from '../applications/note'
import { logTail, trimLog } from '../boundedLog'
import { monotonicMs } from '../clock'
import { failure, plainReason } from '../failure'
import { fileWord, readNote, removeNote, writeNote } from '../files'
import { identify, isAlive, isOfThisBoot, type ProcessIdentity, signalProcess } from '../processes'
import type { Places } from '../../ports'
import { spawnDetached } from '../spawnDetached'
import { MirrordClient, type MirrordOrder } from './client'
import { mirrordConfig } from './config'

/** From its start to its socket. */
const START_TIMEOUT_MS = 15_000
const POLL_MS = 25
const CONFIGURE_TIMEOUT_MS = 10_000
const STATUS_TIMEOUT_MS = 5_000
/** It sends its status on change only; asked so often, it shows that it has not hung. */
const STATUS_POLL_MS = 5_000
/** So many questions without an answer, and it is taken for lost. */
const SILENT_POLLS_MAX = 3
/** The connection ended: a living mirrord takes a new one at once. */
const RECONNECT_TRIES = 4
const RECONNECT_GAP_MS = 30
const EXIT_TIMEOUT_MS = 10_000
const KILL_WAIT_MS = 2_000
const OUTPUT_LINES = 5

export interface KeeperEvents {
  status: (job: string, status: MirrordStatus) => void
  lost: (job: string, why: string) => void
}

/** Keeps one job's mirrord: starts or adopts it, stays connected, notices its death. */
export class MirrordKeeper {
  private client: MirrordClient | null = null
  private ending = false
  private silentPolls = 0
  private lastWords = 'its process ended'
  private poll: NodeJS.Timeout | undefined
  private readonly socketFile: string
  private readonly noteFile: string
  private readonly logFile: string
  private readonly at: { node: string; job: string }

  constructor(
    private readonly places: Places,
    private readonly command: { file: string; args: string[] },
    readonly job: JobConfig,
    private readonly events: KeeperEvents
  ) {
    this.at = { node: places.node, job: job.name }
    this.socketFile = path.join(places.runDirectory, `${job.name}.mirrord.sock`)
    this.noteFile = path.join(places.runDirectory, `${fileWord(job.name)}.mirrord.json`)
    this.logFile = path.join(places.stateDirectory, 'log', `${fileWord(job.name)}.mirrord.log`)
  }

  async ensure(job: JobConfig): Promise<{ ran: boolean; status: MirrordStatus }> {
    this.ending = false
    const connected = this.client !== null && !this.client.closed
    const adopted = connected ? this.client : await MirrordClient.open(this.socketFile, this.at)
    if (adopted === null) return this.configure(await this.startAnew(), job, false)
    try {
      return await this.configure(adopted, job, true)
    } catch (error) {
      // The socket of one that is just being killed takes a connection for a moment.
      if (this.lives()) throw error
      return this.configure(await this.startAnew(), job, false)
    }
  }

  private async configure(client: MirrordClient, job: JobConfig, ran: boolean): Promise<{ ran: boolean; status: MirrordStatus }> {
    try {
      await client.request({ do: 'configure', config: mirrordConfig(this.places, job) }, CONFIGURE_TIMEOUT_MS)
      const status = (await client.request({ do: 'status' }, STATUS_TIMEOUT_MS)) as MirrordStatus
      if (client !== this.client) this.use(client)
      return { ran, status }
    } catch (error) {
      if (client !== this.client) client.close()
      throw error
    }
  }

  async request(order: MirrordOrder, timeoutMs: number): Promise<void> {
    await this.ask(order, timeoutMs)
  }

  async ask(order: MirrordOrder, timeoutMs: number): Promise<unknown> {
    if (this.client === null) throw failure('E_MIRRORD_LOST', { ...this.at, request: order.do, why: 'it does not run' })
    return await this.client.request(order, timeoutMs)
  }

  /** Asks it to end, and sees to it. */
  async end(): Promise<void> {
    this.ending = true
    const client = this.client ?? (await MirrordClient.open(this.socketFile, this.at))
    await client?.request({ do: 'exit' }, EXIT_TIMEOUT_MS).catch(() => undefined)
    await this.waitForEnd(client, EXIT_TIMEOUT_MS)
    this.killLeft()
    await this.waitForEnd(client, KILL_WAIT_MS)
    this.release()
    client?.close()
    removeNote(this.noteFile)
  }

  /** Stops looking after it; it goes on. */
  release(): void {
    clearInterval(this.poll)
    this.client?.close()
    this.client = null
  }

  private async startAnew(): Promise<MirrordClient> {
    // One that hangs so that its socket does not answer must not work on the folders beside a new one.
    this.killLeft()
    await this.waitForEnd(null, KILL_WAIT_MS)
    // Left by one that was killed: nobody listens behind it.
    await fs.promises.rm(this.socketFile, { force: true })
    const { stateDirectory, runDirectory, node } = this.places
    const args = [...this.command.args, '--job', this.job.name, '--node', node, '--run', runDirectory, '--state', stateDirectory]
    try {
      await fs.promises.mkdir(runDirectory, { recursive: true, mode: 0o700 })
      return await this.spawn({ file: this.command.file, args })
    } catch (error) {
      throw failure('E_MIRRORD_START', { ...this.at, why: plainReason(error), log: this.logFile })
    }
  }

  private async spawn(command: { file: string; args: string[] }): Promise<MirrordClient> {
    const child = await spawnDetached(command, this.logFile, process.env)
    const logStart = await fs.promises.stat(this.logFile).then(
      (stat) => stat.size,
      () => 0
    )
    const identity = identify(child.pid ?? 0)
    if (identity !== null) writeNote(this.noteFile, identity)
    child.once('exit', (code, signal) => {
      this.lastWords = signal === null ? `its process ended with exit code ${code}` : `its process was ended by ${signal}`
    })
    const untilMs = monotonicMs() + START_TIMEOUT_MS
    while (monotonicMs() < untilMs) {
      const client = await MirrordClient.open(this.socketFile, this.at)
      if (client !== null) return client
      if (child.exitCode !== null || child.signalCode !== null) {
        const said = logTail(this.logFile, logStart, OUTPUT_LINES)
        throw new Error(`it ended at once with ${child.signalCode ?? `exit code ${child.exitCode}`}${said === '' ? '' : ` (${said})`}`)
      }
      await pause(POLL_MS)
    }
    child.kill('SIGKILL')
    throw new Error(`its socket did not appear within ${START_TIMEOUT_MS} ms`)
  }

  private use(client: MirrordClient): void {
    this.release()
    this.client = client
    this.silentPolls = 0
    client.onEvent = (event) => this.see(event)
    client.onClose = () => void this.disconnected(client)
    this.poll = setInterval(() => void this.askStatus(client), STATUS_POLL_MS)
    if (client.closed) void this.disconnected(client)
  }

  private see(event: MirrordEvent): void {
    this.silentPolls = 0
    if (event.event === 'status') this.events.status(this.job.name, event.status)
    else this.events.lost(this.job.name, `${event.message} (${event.code})`)
  }

  private async askStatus(client: MirrordClient): Promise<void> {
    void trimLog(this.logFile)
    try {
      const status = await client.request({ do: 'status' }, STATUS_TIMEOUT_MS)
      if (client === this.client) this.see({ event: 'status', status: status as MirrordStatus })
    } catch {
      if (client !== this.client || this.ending || ++this.silentPolls !== SILENT_POLLS_MAX) return
      // Whoever waits in its folder waits in the kernel, beyond any signal, until it has ended.
      this.killLeft()
      this.events.lost(this.job.name, `it has not answered for ${(SILENT_POLLS_MAX * STATUS_POLL_MS) / 1_000} s`)
    }
  }

  /** It died, or only the connection did: a living one answers again at once. */
  private async disconnected(client: MirrordClient): Promise<void> {
    if (this.client !== client) return
    this.release()
    for (let tries = 0; tries < RECONNECT_TRIES && !this.ending && this.client === null && (tries === 0 || this.lives()); tries++) {
      const again = await MirrordClient.open(this.socketFile, this.at)
      if (again !== null) return this.ending ? again.close() : this.use(again)
      await pause(RECONNECT_GAP_MS)
    }
    if (!this.ending && this.client === null) this.events.lost(this.job.name, this.lastWords)
  }

  /** Without a note nobody knows: then it may. */
  private lives(): boolean {
    const identity = this.noted()
    return identity === null || isAlive(identity)
  }

  private async waitForEnd(client: MirrordClient | null, timeoutMs: number): Promise<void> {
    const untilMs = monotonicMs() + timeoutMs
    const runs = (): boolean => {
      const identity = this.noted()
      return identity === null ? client !== null && !client.closed : isAlive(identity)
    }
    while (runs() && monotonicMs() < untilMs) await pause(POLL_MS)
  }

  private killLeft(): void {
    const identity = this.noted()
    if (identity !== null && isAlive(identity)) signalProcess(identity.pid, 'SIGKILL')
  }

  private noted(): ProcessIdentity | null {
    const note = identitySchema.safeParse(readNote(this.noteFile))
    return note.success && isOfThisBoot(note.data) ? note.data : null
  }
}
