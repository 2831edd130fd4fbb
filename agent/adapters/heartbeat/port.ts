import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { setTimeout as pause } from 'node:timers/promises'
import { hasQuorum } from '../../../src/model'
import { programCommand } from '../../native/programs'
import type { HeartbeatPort, HeartbeatView, LogPort, Places } from '../../ports'
import { trimLog } from '../boundedLog'
import { monotonicMs } from '../clock'
import { type Guarded, isNewer, replaces } from '../guard/guarded'
import { failure, plainReason } from '../failure'
import { writeNote } from '../files'
import { spawnDetached } from '../spawnDetached'
import { type HeartbeatConfig, heartbeatConfig, silenceMs } from './config'
import { Connection } from './connection'
import { keyFingerprint, readHeartbeatKey } from './program'
import { ENGINE_PING_MS } from './wire'

const START_TIMEOUT_MS = 10_000
const START_POLL_MS = 20
const END_TIMEOUT_MS = 3_000
/** It answers a change of its links at once; one that does not is of an earlier version. */
const RELINK_TIMEOUT_MS = 2_000
const REVIVE_GAP_MS = 200
/** It sends a line each second; a program that is silent so long hangs, and is started anew. */
const PROGRAM_SILENT_MS = 10_000
/** It holds a few links and no data: a small heap keeps its collections short. */
const NODE_OPTIONS = '--max-old-space-size=64 --max-semi-space-size=2'

export interface HeartbeatOptions {
  /** How the program is started; tests hand over their own bundle. */
  command?: { file: string; args: string[] }
}

/** The guard in the heartbeat program: it outlives the engine, with what it was told. */
export interface GuardDoor {
  tell(guarded: Guarded): void
  /** Resolves when it is known what it was told before this engine. */
  known(): Promise<void>
  /** What needs no lease any more is not guarded. */
  forget(job: string): void
  /** What it was told, by this engine or an earlier one. */
  held(job: string): Guarded | null
  onKilled(call: (job: string, what: string[]) => void): void
}

export function createHeartbeatPort(
  places: Places,
  log: LogPort,
  options: HeartbeatOptions = {}
): HeartbeatPort & { guard: GuardDoor; standStill(untilMs: number): void } {
  const keeper = new HeartbeatKeeper(places, log, options.command ?? withWord(programCommand('agent')))
  return {
    start: (onChange) => keeper.start(onChange),
    reconfigure: () => keeper.reconfigure(),
    view: () => keeper.view(),
    hold: (link, forMs) => keeper.hold(link, forMs),
    standStill: (untilMs) => keeper.standStill(untilMs),
    leaving: () => keeper.leaving(),
    close: (end) => keeper.close(end),
    guard: keeper
  }
}

const withWord = (command: { file: string; args: string[] }): { file: string; args: string[] } => ({ ...command, args: [...command.args, 'heartbeat'] })

/** Keeps one heartbeat program running and connected, and hands its views on. */
class HeartbeatKeeper implements GuardDoor {
  private config: HeartbeatConfig
  private readonly configFile: string
  private readonly logFile: string
  private onChange: (view: HeartbeatView) => void = () => undefined
  private last: HeartbeatView
  private connection: Connection | null = null
  private ping: NodeJS.Timeout | undefined
  private graceUntilMs = 0
  private closed = false
  private announced = false
  private readonly connected = Promise.withResolvers<void>()
  private readonly guarded = new Map<string, Guarded>()
  private killed: (job: string, what: string[]) => void = () => undefined

  constructor(
    private readonly places: Places,
    private readonly log: LogPort,
    private readonly command: { file: string; args: string[] }
  ) {
    this.config = heartbeatConfig(places)
    this.configFile = path.join(places.runDirectory, 'heartbeat.json')
    this.logFile = path.join(places.stateDirectory, 'log', 'heartbeat.log')
    this.last = { links: [], peerAlive: false, peerEngineSilentMs: 0, peerLeaving: false }
  }

  async start(onChange: (view: HeartbeatView) => void): Promise<void> {
    this.onChange = onChange
    await this.connect()
    this.ping = setInterval(() => this.tick(), ENGINE_PING_MS)
  }

  /** The program that runs takes the links on; one of an earlier version is ended, and the next one begins with them. */
  async reconfigure(): Promise<void> {
    const config = heartbeatConfig(this.places)
    if (isDeepStrictEqual(config, this.config)) return
    this.config = config
    writeNote(this.configFile, config)
    const { connection } = this
    if (connection === null) return
    const wanted = this.identity()
    connection.send({ do: 'links', links: config.links })
    const untilMs = monotonicMs() + RELINK_TIMEOUT_MS
    while (connection.identity !== wanted && !connection.closed && monotonicMs() < untilMs) await pause(START_POLL_MS)
    if (connection.identity !== wanted) connection.send({ do: 'end' })
  }

  private identity(): string {
    return JSON.stringify([this.config, keyFingerprint(readHeartbeatKey(this.config.keyFile, this.places.node))])
  }

  view(): HeartbeatView {
    return this.last
  }

  tell(guarded: Guarded): void {
    if (!replaces(guarded, this.guarded.get(guarded.job))) return
    this.guarded.set(guarded.job, guarded)
    this.connection?.send({ do: 'guard', guarded })
  }

  known(): Promise<void> {
    return this.connected.promise
  }

  held(job: string): Guarded | null {
    return this.guarded.get(job) ?? null
  }

  onKilled(call: (job: string, what: string[]) => void): void {
    this.killed = call
  }

  forget(job: string): void {
    if (this.guarded.delete(job)) this.connection?.send({ do: 'forget', job })
  }

  /** What one program guarded, the next one guards: an earlier engine may have told it. What has no quorum any more needs no guard. */
  private learnGuarded(connection: Connection): void {
    for (const guarded of connection.guarded) {
      const mode = this.places.config.jobs[guarded.job]?.mode
      if (mode === undefined || !hasQuorum(mode)) connection.send({ do: 'forget', job: guarded.job })
      else if (isNewer(guarded, this.guarded.get(guarded.job))) this.guarded.set(guarded.job, guarded)
    }
  }

  hold(link: string, forMs: number): void {
    this.connection?.send({ do: 'hold', link, forMs })
  }

  standStill(untilMs: number): void {
    this.connection?.send({ do: 'still', untilMs })
  }

  leaving(): void {
    this.announced = true
    this.connection?.send({ do: 'leaving' })
  }

  async close(end: boolean): Promise<void> {
    this.closed = true
    clearInterval(this.ping)
    const { connection } = this
    if (connection === null) return
    if (!end) return void connection.socket.destroy()
    connection.send({ do: 'leave' })
    await connection.gone(END_TIMEOUT_MS)
    connection.kill()
  }

  private tick(): void {
    this.connection?.send({ do: 'ping' })
    void trimLog(this.logFile)
    const { connection } = this
    // This process may have been paused itself: what waits in the socket is read first.
    setImmediate(() => {
      if (connection !== null && monotonicMs() - connection.heardAtMs > PROGRAM_SILENT_MS) connection.kill()
    })
  }

  /**
   * Adopts the program that runs with our configuration, else starts one. What an engine before this one said of leaving is taken back only by a new
   * program: the other node takes over from nobody who has shut down in order.
   */
  private async connect(): Promise<void> {
    const wanted = this.identity()
    const running = await Connection.open(this.config.socketFile)
    const fits = running?.identity === wanted && (!running.leaving || this.announced)
    const connection = fits ? running : await this.startAnew(running)
    this.use(connection)
  }

  private async startAnew(running: Connection | null): Promise<Connection> {
    if (running !== null) {
      this.learnGuarded(running)
      running.send({ do: 'end' })
      await running.gone(END_TIMEOUT_MS)
      running.kill()
    }
    try {
      mkdirSync(this.places.runDirectory, { recursive: true, mode: 0o700 })
      writeNote(this.configFile, this.config)
      return await this.spawn()
    } catch (error) {
      throw failure('E_HEARTBEAT_START', { node: this.places.node, why: plainReason(error), file: this.logFile })
    }
  }

  private async spawn(): Promise<Connection> {
    const command = { file: this.command.file, args: [...this.command.args, '--config', this.configFile] }
    const child = await spawnDetached(command, this.logFile, { PATH: process.env.PATH, NODE_OPTIONS, UV_THREADPOOL_SIZE: '1' })
    const untilMs = monotonicMs() + START_TIMEOUT_MS
    while (monotonicMs() < untilMs) {
      const connection = await Connection.open(this.config.socketFile)
      if (connection !== null) return connection
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended at once with ${child.signalCode ?? `exit code ${child.exitCode}`}`)
      await pause(START_POLL_MS)
    }
    child.kill('SIGKILL')
    throw new Error(`its socket did not appear within ${START_TIMEOUT_MS} ms`)
  }

  private use(connection: Connection): void {
    if (connection.closed) throw failure('E_HEARTBEAT_START', { node: this.places.node, why: 'it ended at once', file: this.logFile })
    this.connection = connection
    connection.onView = (view) => this.see(view)
    connection.onClose = () => void this.revive()
    connection.onKilled = (job, what) => this.killed(job, what)
    this.learnGuarded(connection)
    for (const guarded of this.guarded.values()) connection.send({ do: 'guard', guarded })
    connection.send({ do: 'ping' })
    if (this.announced) connection.send({ do: 'leaving' })
    if (connection.firstView !== null) this.see(connection.firstView, true)
    this.connected.resolve()
    if (this.closed) connection.socket.destroy()
  }

  /**
   * The program died under a running engine. Its successor has heard nothing yet, and that is no sign of the peer's death:
   * until it had the time to hear, what was known of each link stays.
   */
  private async revive(): Promise<void> {
    if (this.closed) return
    this.connection = null
    this.graceUntilMs = monotonicMs() + Math.max(0, ...this.config.links.map(silenceMs)) + START_TIMEOUT_MS
    this.log.event('error', 'The heartbeat program ended unexpectedly and is started again.')
    let said = ''
    while (!this.closed && this.connection === null) {
      try {
        await this.connect()
        this.graceUntilMs = monotonicMs() + Math.max(0, ...this.config.links.map(silenceMs))
      } catch (error) {
        // It is tried again and again, and said once.
        const why = plainReason(error)
        if (why !== said) this.log.event('error', why)
        said = why
        await pause(REVIVE_GAP_MS)
      }
    }
  }

  private see(reported: HeartbeatView, always = false): void {
    const view = monotonicMs() < this.graceUntilMs ? this.withGrace(reported) : reported
    const changed = always || essence(view) !== essence(this.last)
    this.last = view
    if (changed && !this.closed) this.onChange(view)
  }

  private withGrace(reported: HeartbeatView): HeartbeatView {
    const links = reported.links.map((link) => {
      const before = this.last.links.find((each) => each.name === link.name)
      return link.ageMs === null && before?.up === true ? { ...link, up: true, state: before.state, ageMs: before.ageMs } : link
    })
    return { ...reported, links, peerAlive: links.some((link) => link.up), peerLeaving: reported.peerLeaving || this.last.peerLeaving }
  }
}

/** What the engine must know at once; the counters beside it come with the view each second. */
function essence(view: HeartbeatView): string {
  const links = view.links.map((link) => [link.name, link.up, link.heardByPeer])
  return JSON.stringify([links, view.peerAlive, view.peerEngineSilentMs, view.peerLeaving])
}
