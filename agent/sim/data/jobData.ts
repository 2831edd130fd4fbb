import type { JobConfig, Safety } from '../../../src/model'
import type { MirrorAction, MirrordStatus, VerifyReport } from '../../../src/wire'
import { dataError } from '../../../src/wire/frame'
import { newEnd, type SimEnd, statusOf, walks } from './end'

/** What the two ends of a job see of the world around them. */
export interface Around {
  nowMs(): number
  wallMs(): number
  after(delayMs: number, run: () => void): void
  /** The data links, best first; `up`: both nodes live and it is not cut. */
  links(): { name: string; up: boolean }[]
  /** Modes with quorum: this node has a lease that runs. Others: it lives. */
  maySource(node: string, job: string): boolean
  job(node: string): JobConfig | undefined
  tell(node: string, status: MirrordStatus): void
}

const CONNECT_MS = 200
const FLOW_MS = 200
/** A gigabit link's worth. */
const SPEED_BYTES = 110 * 1024 * 1024
/** What there is before anybody wrote anything. */
const FIRST_BYTES = 256 * 1024 * 1024
/** A comparison looks at more than it sends. */
const VERIFY_TIMES_FASTER = 4
const MS_A_SECOND = 1_000
const NO_REPORT = { startedAtMs: null, endedAtMs: null, total: 0, differences: [] }

/** The two data programs of one job and the stream between them: who has what, how much is on its way, and when they agree. No byte of it is real. */
export class JobData {
  private readonly ends: [SimEnd, SimEnd]
  private flowing = false

  constructor(
    readonly name: string,
    nodes: [string, string],
    safety: Safety,
    private readonly around: Around
  ) {
    const end = (node: string): SimEnd =>
      newEnd(node, {
        lsn: 0,
        bytes: FIRST_BYTES,
        copyComplete: false,
        safety,
        safetySequence: 0,
        wroteAlone: false,
        sourceSequence: 0,
        mapKnown: false,
        probe: null
      })
    this.ends = [end(nodes[0]), end(nodes[1])]
  }

  end(node: string): SimEnd {
    return this.ends[0].node === node ? this.ends[0] : this.ends[1]
  }

  private other(end: SimEnd): SimEnd {
    return end === this.ends[0] ? this.ends[1] : this.ends[0]
  }

  status(node: string): MirrordStatus {
    const end = this.end(node)
    const job = this.around.job(node)
    if (job === undefined) throw new Error(`${node} has no job ${this.name}`)
    return statusOf(end, this.other(end), job, this.around.links(), this.speed(end))
  }

  /** The node is gone, with all that was not on its disk; or its program is. */
  lost(node: string): void {
    const end = this.end(node)
    this.disconnect()
    Object.assign(end, newEnd(node, end))
  }

  ensure(node: string): { ran: boolean; status: MirrordStatus } {
    const end = this.end(node)
    const ran = end.running
    end.running = true
    return { ran, status: this.status(node) }
  }

  // ── what the engine asks for ────────────────────────────────────────────

  become(node: string, role: SimEnd['role'], roleSequence: number | null, peerCopyComplete = false): void {
    const end = this.end(node)
    const sequence = roleSequence ?? end.roleSequence
    if (end.role === role && end.roleSequence === sequence) return
    this.disconnect()
    // A folder that is an ordinary one meanwhile may be changed by anybody; a target that takes over knows what it has.
    if (end.role === 'none') end.folders = this.foldersAt(node)
    const continues = role === 'source' && (peerCopyComplete || (end.role === 'target' && end.copyComplete))
    end.mapKnown = role !== 'none' && (end.mapKnown || continues)
    Object.assign(end, { role, roleSequence: sequence, running: true, manually: false, selected: false, walk: null, paused: false, queuedBytes: 0 })
    if (role === 'source') {
      Object.assign(end, { peerCopyComplete, sourceSequence: sequence, copyComplete: true })
      this.close(end)
      if (end.safety === 'full' && !peerCopyComplete) end.exposure = 'wanted'
    }
    this.tell(end)
    this.connectLater()
  }

  private foldersAt(node: string): string {
    const { folders = [], capture = 'fuse' } = this.around.job(node)?.data ?? {}
    return JSON.stringify([folders, capture])
  }

  /** It goes on as it is configured now. What is known of the copy was known of other folders. */
  rebuild(node: string): MirrordStatus | null {
    const end = this.end(node)
    if (!end.running) return null
    this.disconnect()
    const folders = this.foldersAt(node)
    if (end.role !== 'none' && folders !== end.folders) Object.assign(end, { peerCopyComplete: false, mapKnown: false, copyComplete: end.role === 'source' })
    Object.assign(end, { folders, paused: false })
    this.tell(end)
    this.connectLater()
    return this.status(node)
  }

  /** Safety FULL: nothing is acknowledged without the target before that may be. */
  private close(end: SimEnd): void {
    end.exposure = end.safety === 'off' ? 'granted' : 'protected'
    end.exposedSinceMs = null
    const waits = ++end.waits
    this.around.after(this.around.job(end.node)?.data?.partnerTimeoutMs ?? 0, () => {
      if (end.waits !== waits || end.role !== 'source' || end.connected || end.exposure !== 'protected') return
      end.exposure = 'wanted'
      this.tell(end)
    })
  }

  expose(node: string, roleSequence: number): void {
    const end = this.end(node)
    if (end.role !== 'source' || end.roleSequence !== roleSequence) throw dataError('E_ROLE', { job: this.name, role: end.role, wanted: 'the source' })
    if (end.exposure === 'wanted') {
      end.exposure = 'granted'
      end.exposedSinceMs = this.around.wallMs()
    }
    this.tell(end)
  }

  setSafety(node: string, safety: Safety, safetySequence: number): void {
    const end = this.end(node)
    Object.assign(end, { safety, safetySequence })
    if (end.role !== 'source') return
    if (!end.connected) this.close(end)
    else end.exposure = safety === 'off' ? 'granted' : end.peerCopyComplete ? 'protected' : 'wanted'
    const target = this.other(end)
    if (end.connected) Object.assign(target, { safety, safetySequence })
    this.tellBoth()
  }

  select(node: string): void {
    const end = this.end(node)
    if (end.role !== 'source') throw dataError('E_ROLE', { job: this.name, role: end.role, wanted: 'the source' })
    end.selected = true
    end.manually = false
    this.connectLater()
  }

  mirror(node: string, action: MirrorAction): void {
    const end = this.connectedSource(node)
    if (action === 'start') {
      end.peerCopyComplete = false
      this.other(end).copyComplete = false
      if (end.safety === 'full') end.exposure = 'wanted'
      this.walk(end, 'mirror', end.bytes)
    } else if (end.walk?.kind === 'mirror' && end.walk.endedAtMs === null) {
      end.walk.state = action === 'resume' ? 'walks' : action === 'pause' ? 'paused' : 'stopped'
      this.flow()
    }
    this.tellBoth()
  }

  verify(node: string, action: 'start' | 'stop', mode: 'full' | 'difference'): void {
    const end = this.connectedSource(node)
    if (action === 'start') this.walk(end, mode === 'full' ? 'verify' : 'difference', mode === 'full' ? end.bytes : end.dirtyBytes)
    else if (end.walk !== null && walks(end) && end.walk.kind !== 'mirror') end.walk.state = 'stopped'
    this.tellBoth()
  }

  report(node: string, from: number): VerifyReport {
    const { walk } = this.end(node)
    if (walk === null || walk.kind === 'mirror') return { mode: 'full', state: 'Idle', from, ...NO_REPORT }
    const { verify } = this.status(node)
    return { ...NO_REPORT, mode: verify.mode, state: verify.state, startedAtMs: walk.startedAtMs, endedAtMs: walk.endedAtMs, from }
  }

  transmit(node: string, action: 'pause' | 'resume'): void {
    const end = this.connectedSource(node)
    end.paused = action === 'pause'
    if (end.safety === 'full' && end.peerCopyComplete) end.exposure = end.paused ? 'wanted' : 'protected'
    this.flow()
    this.tellBoth()
  }

  limit(node: string, bytesPerSecond: number | null): void {
    this.end(node).bandwidth = bytesPerSecond
    this.tell(this.end(node))
  }

  private connectedSource(node: string): SimEnd {
    const end = this.end(node)
    if (end.role === 'source' && end.connected) return end
    throw dataError('E_VERIFY_IMPOSSIBLE', { job: this.name, why: 'the target is not connected' })
  }

  whyNotDrained(node: string): Error | null {
    const end = this.end(node)
    if (!end.connected) return dataError('E_DRAIN_IMPOSSIBLE', { job: this.name, why: `${this.other(end).node} is not connected` })
    if (!end.peerCopyComplete) return dataError('E_DRAIN_IMPOSSIBLE', { job: this.name, why: `the copy on ${this.other(end).node} is not complete` })
    return null
  }

  isDrained(node: string): boolean {
    return this.end(node).queuedBytes === 0
  }

  // ── what the application does ───────────────────────────────────────────

  /** An application has written so much and asks whether it is durable. Answers whether it was told so. */
  write(node: string, bytes: number): boolean {
    const end = this.end(node)
    if (end.role !== 'source' || !this.around.maySource(node, this.name)) return false
    const receives = end.connected && !end.paused && end.peerCopyComplete
    if (!receives && end.exposure !== 'granted') return false
    end.lsn += 1
    end.bytes += bytes
    if (end.connected) end.queuedBytes += bytes
    else end.dirtyBytes += bytes
    if (!end.connected) end.wroteAlone = true
    // The application is told when the target has it.
    if (receives && end.safety === 'full') this.arrive(end, bytes)
    this.flow()
    this.tell(end)
    return true
  }

  /** A drill's number, as any other write; null: it was not acknowledged. */
  writeProbe(node: string, sequence: number | null): { before: number | null } | null {
    const end = this.end(node)
    const before = end.probe
    end.probe = sequence
    if (this.write(node, 1)) return { before }
    end.probe = before
    return null
  }

  // ── the stream ──────────────────────────────────────────────────────────

  connectLater(): void {
    this.around.after(CONNECT_MS, () => this.connect())
  }

  private source(): SimEnd | null {
    const [a, b] = this.ends
    const isPair = (from: SimEnd, to: SimEnd): boolean => from.role === 'source' && to.role === 'target' && from.roleSequence === to.roleSequence
    return isPair(a, b) ? a : isPair(b, a) ? b : null
  }

  /** Connected when both want it and a data link carries it; else not. */
  connect(): void {
    const from = this.source()
    if (from === null || !this.around.links().some(({ up }) => up) || !this.around.maySource(from.node, this.name)) return this.disconnect()
    const to = this.other(from)
    if (from.folders !== to.folders) return this.disconnect()
    if (from.connected) return
    if (to.wroteAlone && to.sourceSequence < from.roleSequence && !from.selected) return this.disagree(from, to)
    from.connected = to.connected = true
    from.manually = to.manually = false
    const known = from.peerCopyComplete || (from.mapKnown && to.copyComplete && !from.selected)
    if (from.peerCopyComplete && from.dirtyBytes === 0) this.whole(from)
    else if (known) this.walk(from, 'difference', from.dirtyBytes)
    else this.walk(from, 'mirror', from.bytes)
    Object.assign(to, { safety: from.safety, safetySequence: from.safetySequence })
    this.tellBoth()
  }

  /** The returning side holds what it acknowledged alone: nothing is overwritten before somebody has decided. */
  private disagree(from: SimEnd, to: SimEnd): void {
    if (from.manually) return
    from.manually = to.manually = true
    this.tellBoth()
  }

  disconnect(): void {
    for (const end of this.ends) {
      if (!end.connected) continue
      end.connected = false
      if (end.role === 'source') {
        end.dirtyBytes += end.queuedBytes
        Object.assign(end, { queuedBytes: 0, peerCopyComplete: false, walk: null })
        if (end.exposure !== 'granted' || end.safety === 'off') this.close(end)
        end.exposedSinceMs = end.exposure === 'granted' ? this.around.wallMs() : null
      }
      this.tell(end)
    }
  }

  private walk(end: SimEnd, kind: 'mirror' | 'verify' | 'difference', totalBytes: number): void {
    if (end.peerCopyComplete && kind === 'difference' && end.connected && end.dirtyBytes > 0) end.peerCopyComplete = false
    if (kind === 'mirror') this.other(end).copyComplete = false
    end.walk = { kind, state: 'walks', totalBytes, leftBytes: totalBytes, startedAtMs: this.around.wallMs(), endedAtMs: null }
    if (end.safety === 'full' && !end.peerCopyComplete && end.exposure === 'protected') end.exposure = 'wanted'
    this.flow()
  }

  private speed({ bandwidth }: SimEnd): number {
    return Math.min(bandwidth ?? SPEED_BYTES, SPEED_BYTES)
  }

  /** As long as something is left to move. */
  private flow(): void {
    if (this.flowing) return
    this.flowing = true
    this.around.after(FLOW_MS, () => {
      this.flowing = false
      const from = this.source()
      if (from?.connected && this.moveSome(from)) this.flow()
    })
  }

  private moveSome(from: SimEnd): boolean {
    if (from.paused) return false
    const budget = (this.speed(from) * FLOW_MS) / MS_A_SECOND
    const sent = Math.min(budget, from.queuedBytes)
    this.arrive(from, sent)
    if (from.walk !== null && walks(from)) {
      const pace = from.walk.kind === 'mirror' ? 1 : VERIFY_TIMES_FASTER
      from.walk.leftBytes = Math.max(0, from.walk.leftBytes - Math.round((budget - sent) * pace))
      if (from.walk.leftBytes === 0 && from.queuedBytes === 0) this.walked(from)
    }
    this.tellBoth()
    return from.queuedBytes > 0 || walks(from)
  }

  private arrive(from: SimEnd, bytes: number): void {
    from.queuedBytes -= Math.min(bytes, from.queuedBytes)
    from.sentBytes += bytes
    const to = this.other(from)
    if (from.queuedBytes === 0 && from.peerCopyComplete) Object.assign(to, { lsn: from.lsn, bytes: from.bytes, probe: from.probe })
  }

  private walked(from: SimEnd): void {
    if (from.walk !== null) from.walk.endedAtMs = this.around.wallMs()
    if (from.walk?.kind === 'mirror') from.walk = null
    this.whole(from)
  }

  /** The target has all of it. */
  private whole(from: SimEnd): void {
    const to = this.other(from)
    Object.assign(from, { peerCopyComplete: true, mapKnown: true, dirtyBytes: 0, wroteAlone: false, selected: false, exposedSinceMs: null })
    Object.assign(to, { copyComplete: true, wroteAlone: false, lsn: from.lsn, bytes: from.bytes, probe: from.probe, dirtyBytes: 0 })
    if (from.safety === 'full' && !from.paused) from.exposure = 'protected'
  }

  private tell(end: SimEnd): void {
    if (end.running && this.around.job(end.node) !== undefined) this.around.tell(end.node, this.status(end.node))
  }

  private tellBoth(): void {
    for (const end of this.ends) this.tell(end)
  }
}
