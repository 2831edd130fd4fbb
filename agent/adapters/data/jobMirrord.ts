import { setTimeout as pause } from 'node:timers/promises'
import type { JobConfig } from '../../../src/model'
import { STILL_MS, type MirrordEvent, type MirrordStatus, type Upgraded } from '../../../src/wire'
import { ReportError } from '../../../src/report/report'
import { monotonicMs } from '../clock'
import { failure, plainReason } from '../failure'
import type { Places } from '../../ports'
import { MirrordClient, type MirrordOrder } from './client'
import { mirrordConfig } from './config'
import { type Command, DataProcesses } from './processes'

/** From its start to its socket. */
const START_TIMEOUT_MS = 15_000
const POLL_MS = 25
const CONFIGURE_TIMEOUT_MS = 10_000
const STATUS_TIMEOUT_MS = 5_000
const NOTE_TIMEOUT_MS = 5_000
/** It sends its status on change only; asked so often, it shows that it has not hung. */
const STATUS_POLL_MS = 5_000
/** So many questions without an answer, and it is taken for lost. */
const SILENT_POLLS_MAX = 3
/** The connection ended: a living mirrord takes a new one at once. */
const RECONNECT_TRIES = 4
const RECONNECT_GAP_MS = 30
/** One that its keeper starts again answers when it serves its folders again. */
const RETURN_TIMEOUT_MS = 60_000
const EXIT_TIMEOUT_MS = 10_000
/** The installed program is started once, and most of what waits is sent, before it hands over. */
const HAND_OVER_TIMEOUT_MS = 30_000
/** A command says how long the nodes were apart; one that takes longer than this is not waited for. */
const CONNECTED_AGAIN_MS = 10_000
const nothing = (): void => undefined
const KILL_WAIT_MS = 2_000

export interface MirrordEvents {
  status: (job: string, status: MirrordStatus) => void
  lost: (job: string, why: string) => void
  /** It had died, and another one goes on. */
  replaced: (job: string) => void
  /** It could not be told its lease. */
  unheard: (job: string, why: string) => void
}

/** What is found of a data program, or was just started. */
export interface Ensured {
  ran: boolean
  status: MirrordStatus
  differs?: true
}

interface Lease {
  roleSequence: number
  untilMs: number
}

/** One job's mirrord: started or adopted, with its keeper; connected to; its loss noticed. A death that the keeper makes good is none. */
export class JobMirrord {
  private client: MirrordClient | null = null
  /** The connection ended, and it is not known yet whether it comes back. */
  private returning: Promise<void> | null = null
  /** It ends because it hands over. */
  private handing = false
  private ending = false
  private pid: number | null = null
  private silentPolls = 0
  private leaseTold: Lease | null = null
  private poll: NodeJS.Timeout | undefined
  private readonly processes: DataProcesses
  private readonly at: { node: string; job: string }

  constructor(
    private readonly places: Places,
    command: Command,
    public job: JobConfig,
    private readonly events: MirrordEvents
  ) {
    this.at = { node: places.node, job: job.name }
    this.processes = new DataProcesses(places, command, job.name)
  }

  /** One that works goes on with what it cannot change meanwhile: `differs`. */
  async ensure(job: JobConfig): Promise<Ensured> {
    this.ending = false
    this.job = job
    await this.returning
    const connected = this.client !== null && !this.client.closed
    const adopted = connected ? this.client : await this.find()
    if (adopted === null) return this.configure(await this.startAnew(), job, false)
    try {
      return await this.configure(adopted, job, true)
    } catch (error) {
      // The socket of one that is just being killed takes a connection for a moment.
      if (this.processes.mayLive()) throw error
      return this.configure(await this.startAnew(), job, false)
    }
  }

  private async configure(client: MirrordClient, job: JobConfig, ran: boolean): Promise<Ensured> {
    try {
      const refused = await this.tellConfig(client, job)
      const status = (await client.request({ do: 'status' }, STATUS_TIMEOUT_MS)) as MirrordStatus
      if (refused !== null && status.role === 'none') throw refused
      if (client !== this.client) this.use(client)
      this.tellLease(client)
      return { ran, status, ...(refused === null ? {} : { differs: true as const }) }
    } catch (error) {
      if (client !== this.client) client.close()
      throw error
    }
  }

  /** What it can take on it has, also of one that it refuses. */
  private async tellConfig(client: MirrordClient, job: JobConfig): Promise<ReportError | null> {
    const whole = mirrordConfig(this.places, job)
    // A version that knows no names of folders takes them for a difference.
    const bare = { ...whole, folders: whole.folders.map(({ name: _, ...folder }) => folder) }
    let refused: ReportError | null = null
    for (const config of JSON.stringify(bare) === JSON.stringify(whole) ? [whole] : [whole, bare]) {
      refused = await refusedConfig(client.request({ do: 'configure', config }, CONFIGURE_TIMEOUT_MS))
      if (refused === null) return null
    }
    return refused
  }

  /** Not waited for: what it does not hear it does not have, and then it acknowledges nothing. */
  lease(lease: Lease): void {
    this.leaseTold = lease
    if (this.client !== null) this.tellLease(this.client)
  }

  private tellLease(client: MirrordClient): void {
    if (this.leaseTold === null) return
    client.request({ do: 'lease', ...this.leaseTold }, NOTE_TIMEOUT_MS).catch((error: Error) => this.events.unheard(this.job.name, error.message))
  }

  /** One that does not run has nothing to take on. */
  async reconfigure(job: JobConfig): Promise<void> {
    this.job = job
    await this.returning
    if (this.client !== null) await this.tellConfig(this.client, job)
  }

  /** Rejects with what stands in the way. One that does not run has nothing that could. */
  async lookRebuild(job: JobConfig): Promise<void> {
    await this.returning
    await this.client?.request({ do: 'rebuild', config: mirrordConfig(this.places, job), look: true }, HAND_OVER_TIMEOUT_MS)
  }

  /** It goes on with what it could not change while it worked. null: it does not run. */
  async rebuild(job: JobConfig): Promise<MirrordStatus | null> {
    this.job = job
    await this.returning
    const { client } = this
    if (client === null) return null
    if (job.data === null) return await this.end().then(() => null)
    this.handing = true
    const rebuilding = this.rebuildBy(client, job)
    this.returning = rebuilding.then(nothing, nothing).finally(() => {
      this.handing = false
      this.returning = null
    })
    return await rebuilding
  }

  private async rebuildBy(client: MirrordClient, job: JobConfig): Promise<MirrordStatus> {
    const order: MirrordOrder = { do: 'rebuild', config: mirrordConfig(this.places, job) }
    const { handsOver } = await this.leave(client, order, (result) => (result as { handsOver: boolean }).handsOver)
    const now = await this.statusNow()
    if (handsOver && now.role !== 'source') throw failure('E_MIRRORD_LOST', { ...this.at, request: order.do, why: this.processes.lastWords() })
    return now
  }

  /** It is asked for something after which another one goes on, which is waited for. */
  private async leave(client: MirrordClient, order: MirrordOrder, leaves: (result: unknown) => boolean): Promise<{ handsOver: boolean }> {
    let handsOver: boolean
    try {
      handsOver = leaves(await client.request(order, HAND_OVER_TIMEOUT_MS))
    } catch (error) {
      // It died of it, or of something else: that is made good as any death is.
      if (client.closed) await this.comeBack()
      throw error
    }
    if (!handsOver) return { handsOver }
    await Promise.race([client.ended(), pause(EXIT_TIMEOUT_MS, undefined, { ref: false })])
    if (!client.closed) this.processes.killMirrord()
    await client.ended()
    await this.comeBack()
    return { handsOver }
  }

  /** A drill: it hangs until then. One that does not run has nothing that could. */
  async standStill(untilMs: number): Promise<void> {
    await this.client?.request({ do: 'still', untilMs }, STILL_MS.max + NOTE_TIMEOUT_MS)
  }

  /** One that is just being started again is waited for. */
  async request(order: MirrordOrder, timeoutMs: number): Promise<void> {
    await this.ask(order, timeoutMs)
  }

  async ask(order: MirrordOrder, timeoutMs: number): Promise<unknown> {
    await this.returning
    if (this.client === null) throw failure('E_MIRRORD_LOST', { ...this.at, request: order.do, why: 'it does not run' })
    return await this.client.request(order, timeoutMs)
  }

  /** Asks it to end, and sees to it. */
  async end(): Promise<void> {
    this.ending = true
    await this.returning
    const client = this.client ?? (await this.open())
    await client?.request({ do: 'exit' }, EXIT_TIMEOUT_MS).catch(() => undefined)
    const connected = (): boolean => client !== null && !client.closed
    await this.processes.waitForEnd(EXIT_TIMEOUT_MS, connected)
    this.processes.kill()
    await this.processes.waitForEnd(KILL_WAIT_MS, connected)
    this.release()
    client?.close()
    this.processes.forget()
  }

  /** Stops looking after it; it goes on. */
  close(): void {
    this.ending = true
    this.release()
  }

  private release(): void {
    clearInterval(this.poll)
    this.client?.close()
    this.client = null
  }

  private open(): Promise<MirrordClient | null> {
    return MirrordClient.open(this.processes.socketFile, this.at)
  }

  /** The socket of one that is just ending takes a connection for a moment: only what answers, or hangs, is there. */
  private async openLiving(): Promise<MirrordClient | null> {
    const client = await this.open()
    await client?.request({ do: 'status' }, STATUS_TIMEOUT_MS).catch(() => undefined)
    return client?.closed === false ? client : null
  }

  /** null: there is none. */
  private async find(): Promise<MirrordClient | null> {
    const untilMs = monotonicMs() + RETURN_TIMEOUT_MS
    let found = await this.openLiving()
    while (found === null && this.processes.isKept() && monotonicMs() < untilMs) {
      await pause(POLL_MS)
      found = await this.openLiving()
    }
    return found
  }

  /** Another one goes on in the place of this one; whoever asks for anything meanwhile waits. */
  async handOver(command: Command): Promise<Upgraded> {
    await this.returning
    const { client } = this
    if (client === null) throw failure('E_MIRRORD_LOST', { ...this.at, request: 'handOver', why: 'it does not run' })
    this.handing = true
    const handing = this.handOverBy(client, command)
    this.returning = handing.then(nothing, nothing).finally(() => {
      this.handing = false
      this.returning = null
    })
    return await handing
  }

  private async handOverBy(client: MirrordClient, command: Command): Promise<Upgraded> {
    const before = (await client.request({ do: 'status' }, STATUS_TIMEOUT_MS)) as MirrordStatus
    let sinceMs = monotonicMs()
    await this.leave(client, { do: 'handOver', command }, () => {
      sinceMs = monotonicMs()
      return true
    })
    const now = await this.statusNow()
    const why = now.program?.insteadWhy ?? null
    if (why !== null) throw failure('E_MIRRORD_INSTEAD', { ...this.at, why })
    const silentMs = before.connected ? await this.connectedAgain(sinceMs) : null
    const { version = null, pausedMs = null } = now.program ?? {}
    return { version, pausedMs: now.role === 'source' ? pausedMs : null, silentMs }
  }

  private async statusNow(): Promise<MirrordStatus> {
    const { client } = this
    if (client === null) throw failure('E_MIRRORD_LOST', { ...this.at, request: 'handOver', why: this.processes.lastWords() })
    const status = (await client.request({ do: 'status' }, STATUS_TIMEOUT_MS)) as MirrordStatus
    this.see({ event: 'status', status })
    return status
  }

  private async connectedAgain(sinceMs: number): Promise<number | null> {
    while (monotonicMs() - sinceMs < CONNECTED_AGAIN_MS) {
      if ((await this.statusNow()).connected) return Math.round(monotonicMs() - sinceMs)
      await pause(RECONNECT_GAP_MS)
    }
    return null
  }

  private async startAnew(): Promise<MirrordClient> {
    // One that hangs so that its socket does not answer must not work on the folders beside a new one.
    this.processes.kill()
    await this.processes.waitForEnd(KILL_WAIT_MS)
    try {
      return await this.start()
    } catch (error) {
      throw failure('E_MIRRORD_START', { ...this.at, why: plainReason(error), log: this.processes.logFile })
    }
  }

  private async start(): Promise<MirrordClient> {
    const started = await this.processes.start()
    const untilMs = monotonicMs() + START_TIMEOUT_MS
    while (monotonicMs() < untilMs) {
      const client = await this.open()
      if (client !== null) return client
      const why = started.failure()
      if (why !== null) throw new Error(why)
      await pause(POLL_MS)
    }
    started.kill()
    throw new Error(`its socket did not appear within ${START_TIMEOUT_MS} ms`)
  }

  private use(client: MirrordClient): void {
    this.release()
    this.client = client
    this.pid = this.processes.mirrordPid()
    this.silentPolls = 0
    client.onEvent = (event) => this.see(event)
    client.onClose = () => this.disconnected(client)
    this.poll = setInterval(() => void this.askStatus(client), STATUS_POLL_MS)
    if (client.closed) this.disconnected(client)
  }

  private see(event: MirrordEvent): void {
    this.silentPolls = 0
    if (event.event === 'status') this.events.status(this.job.name, event.status)
    else this.events.lost(this.job.name, `${event.message} (${event.code})`)
  }

  private async askStatus(client: MirrordClient): Promise<void> {
    this.processes.trimLog()
    try {
      const status = await client.request({ do: 'status' }, STATUS_TIMEOUT_MS)
      if (client === this.client) this.see({ event: 'status', status: status as MirrordStatus })
    } catch {
      if (client === this.client && !this.ending && ++this.silentPolls === SILENT_POLLS_MAX) this.hangs()
    }
  }

  /** Whoever waits in its folder waits in the kernel, beyond any signal, until it has ended. */
  private hangs(): void {
    const kept = this.processes.isKept()
    this.processes.killMirrord()
    if (!kept) this.events.lost(this.job.name, `it has not answered for ${(SILENT_POLLS_MAX * STATUS_POLL_MS) / 1_000} s`)
  }

  /** It died, or only the connection did: a living one answers again at once, a kept one soon. */
  private disconnected(client: MirrordClient): void {
    if (this.client !== client) return
    this.release()
    if (this.handing) return
    this.returning = this.comeBack().finally(() => {
      this.returning = null
    })
  }

  private useAgain(client: MirrordClient): void {
    const before = this.pid
    this.use(client)
    this.tellLease(client)
    if (this.pid !== before && !this.handing) this.events.replaced(this.job.name)
  }

  private async comeBack(): Promise<void> {
    const untilMs = monotonicMs() + RETURN_TIMEOUT_MS
    for (let tries = 0; !this.ending && monotonicMs() < untilMs; tries++) {
      const again = await this.openLiving()
      if (again !== null) return this.ending ? again.close() : this.useAgain(again)
      if (!this.processes.isKept() && (tries >= RECONNECT_TRIES || !this.processes.mayLive())) break
      await pause(RECONNECT_GAP_MS)
    }
    if (!this.ending) this.events.lost(this.job.name, this.processes.lastWords())
  }
}

/** null: it takes all of it on. */
async function refusedConfig(asked: Promise<unknown>): Promise<ReportError | null> {
  try {
    await asked
    return null
  } catch (error) {
    if (error instanceof ReportError && error.report.code === 'E_MIRRORD_CONFIG') return error
    throw error
  }
}
