import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import { isDeepStrictEqual } from 'node:util'
import { ReportError } from '../../../src/report/report'
import type { HeartbeatView } from '../../ports'
import { monotonicMs } from '../clock'
import { outliveLog } from '../standardError'
import { standStill } from '../standStill'
import { failure, plainReason } from '../failure'
import { type HeartbeatConfig, heartbeatConfigSchema, type HeartbeatLinkConfig } from './config'
import { type Door, openDoor } from './door'
import { Guards } from './guards'
import { HeartbeatLink, type LinkSurroundings } from './link'
import { HEARTBEAT_KEY_BYTES } from './packet'
import { PeerSight } from './peerSight'
import { COUNTERS_MS, type HeartbeatEvent, type HeartbeatRequest } from './wire'

/** A leaving node says so this often on each link before it is silent. */
const LEAVE_REPEATS = 4
const LEAVE_GAP_MS = 25
/** As often it is looked whether a drill may go on. */
const HOLD_LOOK_MS = 20
/** The heartbeat must get the processor before everything else of ours. */
const PRIORITY = -20

/**
 * `mirrorpair-agent heartbeat --config FILE`: a program of its own, so that neither a crash nor a garbage collection of the engine,
 * nor a busy data plane, ever looks like the death of this node. Started by the engine in a session of its own, found again by
 * the next engine through its socket, ended only on request. Its event loop does nothing else.
 */
export async function runHeartbeatProgram(argv: string[]): Promise<number> {
  outliveLog()
  try {
    const config = readConfig(argv)
    const key = readHeartbeatKey(config.keyFile, config.node)
    raisePriority()
    process.umask(0o077)
    process.on('SIGHUP', () => undefined)
    process.on('SIGINT', () => undefined)
    await new Promise<void>((resolve, reject) => new HeartbeatProgram(config, key, resolve).start().catch(reject))
    return 0
  } catch (error) {
    const text = error instanceof ReportError ? `${error.report.message} ${error.report.tryThis}` : plainReason(error)
    process.stderr.write(`mirrorpair-agent heartbeat: ${text}\n`)
    return error instanceof ReportError ? error.report.exitCode : 1
  }
}

function readConfig(argv: string[]): HeartbeatConfig {
  const [option, file] = argv
  if (option !== '--config' || file === undefined) throw new Error('it is started by the agent, as `mirrorpair-agent heartbeat --config FILE`')
  const config = heartbeatConfigSchema.safeParse(JSON.parse(fs.readFileSync(file, 'utf8')))
  if (!config.success) throw new Error(`${file} was written by another version of the agent`)
  return config.data
}

export function readHeartbeatKey(file: string, node: string): Buffer {
  let key: Buffer
  try {
    key = fs.readFileSync(file)
  } catch (error) {
    throw failure('E_HEARTBEAT_KEY', { node, file, why: plainReason(error) })
  }
  if (key.length !== HEARTBEAT_KEY_BYTES) throw failure('E_HEARTBEAT_KEY', { node, file, why: `it has ${key.length} bytes` })
  return key
}

/** So that an engine notices a changed key, without the key on the socket. */
export const keyFingerprint = (key: Buffer): string => createHash('sha256').update('mirrorpair heartbeat key').update(key).digest('hex').slice(0, 16)

function raisePriority(): void {
  try {
    os.setPriority(PRIORITY)
  } catch {
    // Without root it runs at the ordinary priority.
  }
}

class HeartbeatProgram {
  private readonly peer = new PeerSight()
  private links: HeartbeatLink[]
  private readonly around: LinkSurroundings
  private engineSeenMs = monotonicMs()
  private leaving = false
  private ending = false
  private door: Door | null = null
  private counters: NodeJS.Timeout | undefined
  private readonly guards: Guards

  constructor(
    private config: HeartbeatConfig,
    private readonly key: Buffer,
    private readonly ended: () => void
  ) {
    this.around = {
      config,
      key,
      incarnation: drawIncarnation(),
      peer: this.peer,
      engineSilentMs: () => monotonicMs() - this.engineSeenMs,
      leaving: () => this.leaving,
      changed: () => this.tellView()
    }
    this.links = config.links.map((link) => new HeartbeatLink(link, this.around))
    const say = (line: string): void => void process.stderr.write(`${new Date().toISOString()} guard: ${line}\n`)
    this.guards = new Guards(config, {
      say,
      killed: (job, what) => {
        say(`the lease of ${job} is over, and these were ended: ${what.join(', ')}`)
        this.door?.toAll({ event: 'killed', job, what })
      }
    })
  }

  async start(): Promise<void> {
    this.door = await openDoor(
      this.config.socketFile,
      () => [this.hello(), { event: 'guards', guarded: this.guards.all() }, { event: 'view', view: this.view() }],
      (request) => this.receive(request)
    )
    process.on('SIGTERM', () => this.end())
    for (const link of this.links) link.start()
    this.counters = setInterval(() => this.tellView(), COUNTERS_MS)
  }

  private hello(): HeartbeatEvent {
    return { event: 'hello', pid: process.pid, config: this.config, keyFingerprint: keyFingerprint(this.key), leaving: this.leaving }
  }

  private view(): HeartbeatView {
    const peerAlive = this.links.some((link) => link.up)
    const peerEngineSilentMs = peerAlive ? this.peer.engineSilentMs() : 0
    return { links: this.links.map((link) => link.view()), peerAlive, peerEngineSilentMs, peerLeaving: this.peer.leaving }
  }

  private tellView(): void {
    this.door?.toAll({ event: 'view', view: this.view() })
  }

  private receive(request: HeartbeatRequest): void {
    if (request.do === 'ping') this.engineSeenMs = monotonicMs()
    else if (request.do === 'links') this.relink(request.links)
    else if (request.do === 'guard') this.guards.tell(request.guarded)
    else if (request.do === 'forget') this.guards.forget(request.job)
    else if (request.do === 'hold') this.hold(request.link, request.forMs)
    else if (request.do === 'still') standStill(request.untilMs)
    else if (request.do === 'leaving') this.announce()
    else if (request.do === 'end') this.end()
    else if (!this.ending) this.leave(LEAVE_REPEATS)
  }

  private relink(wanted: HeartbeatLinkConfig[]): void {
    const kept = (link: HeartbeatLinkConfig): HeartbeatLink | undefined => this.links.find(({ config }) => isDeepStrictEqual(config, link))
    const next = wanted.map((link) => kept(link) ?? new HeartbeatLink(link, this.around))
    const [gone, fresh] = [this.links.filter((link) => !next.includes(link)), next.filter((link) => !this.links.includes(link))]
    // First, because a new one may want the address of one that goes.
    for (const link of gone) link.close()
    this.links = next
    this.config = { ...this.config, links: wanted }
    for (const link of fresh) link.start()
    this.door?.toAll(this.hello())
    this.tellView()
  }

  /** It ends by itself, and at once when the other links alone would not do: a drill must never be what makes a node look dead. */
  private hold(name: string, forMs: number): void {
    const held = this.links.find(({ config }) => config.name === name)
    const look = (): void => {
      if (held === undefined || !held.isHeld || this.ending) return
      if (this.links.some((link) => link !== held && link.up && !link.isHeld && !link.isLate)) return void setTimeout(look, HOLD_LOOK_MS)
      held.hold(0)
      held.sendNow()
    }
    held?.hold(forMs)
    look()
  }

  /** Each packet from now on says so. */
  private announce(): void {
    this.leaving = true
    for (const link of this.links) link.sendNow()
  }

  /** Several times, because one datagram may be lost. */
  private leave(repeats: number): void {
    this.ending = true
    if (repeats === 0) return this.end()
    this.announce()
    setTimeout(() => this.leave(repeats - 1), LEAVE_GAP_MS)
  }

  private end(): void {
    clearInterval(this.counters)
    for (const link of this.links) link.close()
    void this.guards.end().then(() => {
      this.door?.close()
      this.ended()
    })
  }
}

function drawIncarnation(): bigint {
  return randomBytes(8).readBigUInt64LE(0) || 1n
}
