import type { Safety } from '../../src/model'
import { dataError } from '../../src/wire/frame'
import type { MirrordConfig, MirrordEvent, MirrordRequest, MirrordStatus, ProgramCommand, ProgramView, SessionView, VerifyReport } from '../../src/wire/mirrord'
import { monotonicMs } from '../adapters/clock'
import { standStill } from '../adapters/standStill'
import { programCommand } from '../native/programs'
import { removeDeadMounts } from './capture/mount'
import { parseRequest } from './control/requests'
import type { KeeperLink, Standing } from './keeper/keeperLink'
import { type Lease, Leases } from './leases'
import { checkSuccessor } from './keeper/successor'
import { isSame, liveOf } from './configuration'
import { CopyStateFile, SOURCE_HISTORY_MAX } from './copyState'
import { realPath } from './folderCapture'
import { readOwnMarks } from './ownMarks'
import type { Stopped } from './redolog/targetLog'
import { SourceSide, type SideHooks } from './sourceSide'
import { makeWritable } from './standbyMount'
import { Speed, idleStatus, sourceStatus, targetStatus } from './status'
import { TargetSide } from './targetSide'
import { readComparisonReport } from './walk/comparisonReport'

const SPEED_WINDOW_MS = 2_000

export interface MirrordHooks {
  version: string
  say(line: string): void
  tell(event: MirrordEvent): void
  /** Starts a successor when this process dies; null: nobody does. */
  keeper?: KeeperLink | null
  /** The process may end. `handedOver`: another one goes on. */
  exit(handedOver: boolean): void
}

/**
 * One job's data on this node: what it is (source, target, nothing) and the only place that changes it. Requests that
 * change the role wait for each other; `status` never waits.
 */
export class Mirrord {
  private config: MirrordConfig | null = null
  private source: SourceSide | null = null
  private target: TargetSide | null = null
  private turn: Promise<unknown> = Promise.resolve()
  private fault: MirrordStatus['fault'] = null
  private readonly speed = new Speed(SPEED_WINDOW_MS)
  private state: CopyStateFile
  /** It was the source and this very process has unmounted it: nobody had the time to change the folder. After a restart or a reboot that is not known. */
  private stoppedHere = false
  private safetyOfNextSource: { safety?: Safety; safetySequence?: number } = {}
  private readonly program: ProgramView
  private readonly leases = new Leases()
  private role: StandingRole | null = null

  constructor(
    private readonly job: string,
    private readonly node: string,
    private readonly stateFile: string,
    private readonly hooks: MirrordHooks
  ) {
    this.state = new CopyStateFile(stateFile)
    this.program = { version: hooks.version, pid: process.pid, pausedMs: null, insteadWhy: null }
  }

  answer(request: MirrordRequest): Promise<unknown> {
    switch (request.do) {
      case 'status':
        return Promise.resolve(this.status())
      // It waits for the target: other requests must not wait for it.
      case 'drain':
        return this.drain(request.timeoutMs)
      // Whatever is under way, it counts at once.
      case 'lease':
        return Promise.resolve(this.lease(request))
      case 'configure':
        return this.inTurn(() => this.configure(request.config))
      case 'source':
        return this.inTurn(() => this.becomeSource(request.roleSequence, request.peerCopyComplete))
      case 'target':
        return this.inTurn(() => this.becomeTarget(request.roleSequence))
      case 'stop':
        return this.inTurn(() => this.stop(request.force))
      case 'mirror':
        return this.inTurn(() => this.mirror(request.action))
      case 'handOver':
        return this.inTurn(() => this.handOver(request.command))
      case 'exit':
        return this.inTurn(() => this.end())
      case 'verify':
        return this.inTurn(async () => this.theSource().verify(request.action, request.mode))
      case 'verifyReport':
        return Promise.resolve(this.verifyReport(request.from, request.max))
      case 'transmit':
        return this.inTurn(async () => this.theSource().transmit(request.action))
      case 'bandwidth':
        return this.inTurn(async () => this.theSource().setBandwidth(request.bytesPerSecond))
      case 'safety':
        return this.inTurn(() => this.setSafety(request.safety, request.safetySequence))
      case 'expose':
        return this.inTurn(async () => this.expose(request.roleSequence))
      // Nothing that is under way is waited for: a machine that hangs does not either.
      case 'still':
        return Promise.resolve(this.hang(request.untilMs))
      case 'selectSource':
        return this.inTurn(async () => this.theSource().selectSource())
      default:
        return request satisfies never
    }
  }

  private inTurn<T>(use: () => Promise<T>): Promise<T> {
    const next = this.turn.then(use)
    this.turn = next.catch(() => undefined)
    return next
  }

  status(): MirrordStatus {
    const base = { ...idleStatus(this.config, this.state.get()), fault: this.fault }
    const { source, target } = this
    const bytes = source?.view?.sentBytes ?? target?.view?.receivedBytes ?? 0
    const speed = this.speed.add(bytes, performance.now())
    const status = source !== null ? sourceStatus(base, source, speed) : target !== null ? targetStatus(base, target, speed) : base
    return { ...status, fault: this.fault ?? status.fault, program: this.program }
  }

  private configured(): MirrordConfig {
    if (this.config === null) throw dataError('E_MIRRORD_NOT_CONFIGURED', { job: this.job })
    return this.config
  }

  private async configure(config: MirrordConfig): Promise<void> {
    const refused = (why: string): never => {
      throw dataError('E_MIRRORD_CONFIG', { job: this.job, why })
    }
    if (config.job !== this.job || config.node !== this.node) refused(`it is that of ${config.job} on ${config.node}`)
    const side = this.source ?? this.target
    if (side !== null && !isSame({ ...config, ...liveOf(this.configured()) }, this.config)) refused('it differs from the one in use')
    if (side !== null && !isSame(config, this.config)) side.reconfigure(liveOf(config))
    this.config = config
    this.leases.need(config.leased === true)
    if (this.role !== null) this.stand(this.role)
    if (this.source === null) await this.releaseFolders(config)
  }

  /** A mirrord that died has left mounts: read-only ones, or some that answer nobody. One that answers is somebody else's. */
  private async releaseFolders(config: MirrordConfig): Promise<void> {
    for (const [folder, { path }] of config.folders.entries()) {
      // Looking at one that waits to be served again would wait for ourselves.
      if (this.keeper?.hasFolder(folder)) continue
      makeWritable(realPath(path))
      await removeDeadMounts(realPath(path))
    }
  }

  private get keeper(): KeeperLink | null {
    return this.hooks.keeper ?? null
  }

  /** A successor begins with these requests. */
  private stand(role: StandingRole): void {
    this.role = role
    const line = (request: object): string => JSON.stringify({ id: 0, ...request })
    const { told } = this.leases
    const lease = told === null ? {} : { lease: line({ do: 'lease', ...told }) }
    this.keeper?.stand({ configure: line({ do: 'configure', config: this.config }), role: line(role), ...lease })
  }

  private standDown(): void {
    this.role = null
    this.keeper?.stand(null)
  }

  private lease({ roleSequence, untilMs }: Lease): void {
    if (this.leases.tell({ roleSequence, untilMs }) && this.role?.do === 'source') this.stand(this.role)
  }

  /** Goes on with what a dead process was. Rejects when it cannot. */
  async resume({ configure, role, lease }: Standing): Promise<void> {
    for (const line of [configure, ...(lease === undefined ? [] : [lease]), role]) {
      const parsed = parseRequest(line)
      if ('error' in parsed) throw parsed.error
      await this.answer(parsed.request)
    }
    const everythingSent = this.source?.beganEqual === true
    this.hooks.say(`goes on where the process before it ended${everythingSent ? '' : '; a comparison of what may differ follows'}`)
    this.tellPause()
  }

  private tellPause(): void {
    const handedOver = this.keeper?.welcome.handedOver ?? null
    if (handedOver === null) return
    this.program.pausedMs = Math.max(0, Math.round(monotonicMs() - handedOver.atMs))
    this.program.insteadWhy = handedOver.insteadWhy
    this.hooks.say(`it was handed over to: ${this.program.pausedMs} ms passed in between`)
  }

  private get sideHooks(): SideHooks {
    return { say: this.hooks.say, fault: (code, message) => this.failed(code, message), keeper: this.keeper, leases: this.leases }
  }

  failed(code: string, message: string): void {
    this.fault = { code, message }
    this.hooks.say(message)
    this.hooks.tell({ event: 'fault', code, message })
  }

  private refuseOld(asked: number): void {
    const known = Math.max(this.state.get().roleSequence, this.target?.view?.roleSequence ?? 0)
    if (asked < known) throw dataError('E_ROLE_SEQUENCE_OLD', { job: this.job, asked, known })
  }

  private async becomeSource(roleSequence: number, peerCopyComplete: boolean): Promise<void> {
    const config = this.configured()
    this.refuseOld(roleSequence)
    if (this.source?.roleSequence === roleSequence) return
    const served = this.source !== null
    const rest = (await this.stopSides(false)) ?? (await this.applyRest(config))
    await this.releaseFolders(config)
    const before = this.state.get()
    // What was acknowledged and cannot be applied would be missing from what serves. A copy that is not whole has no such promise.
    if (rest !== null && !rest.drained && before.copyComplete) throw dataError('E_REDO_LEFT', { job: this.job, why: rest.why ?? 'redo has ended' })
    // A source that crashed may have written what the target never got, whatever the engine remembers.
    const crashed = before.role === 'source' && !before.clean
    if (!before.copyComplete && before.role !== 'none') this.hooks.say('this copy is not complete, and becomes the source all the same')
    const sourceOf = [...before.sourceOf.filter((each) => each !== roleSequence), roleSequence].slice(-SOURCE_HISTORY_MAX)
    // A folder that nobody captured for a while may have been changed by anybody: no dirty map knows that.
    const lineage = (before.role === 'none' && !served) || !before.copyComplete ? null : before.lineage
    this.state.update({
      role: 'source',
      roleSequence,
      copyComplete: true,
      clean: false,
      diverged: false,
      session: null,
      lineage,
      sourceOf,
      ...this.safetyOfNextSource
    })
    this.safetyOfNextSource = {}
    const side = new SourceSide(config, roleSequence, peerCopyComplete, this.state, this.sideHooks)
    try {
      // What a target has not got as such, its source has marked.
      await side.start(peerCopyComplete && !crashed, before.role === 'source' || served)
    } catch (error) {
      this.state.update({ role: before.role, clean: before.clean })
      throw error
    }
    this.fault = null
    this.source = side
    this.stand({ do: 'source', roleSequence, peerCopyComplete: false })
    this.hooks.say(`source, role sequence ${roleSequence}${peerCopyComplete && !crashed ? ', the target has all' : ''}`)
  }

  /** A target whose mirrord died: what it had acknowledged is in its redo log. */
  private async applyRest(config: MirrordConfig): Promise<Stopped | null> {
    const { role, session, clean } = this.state.get()
    if (role !== 'target' || session === null || clean) return null
    const rest = await TargetSide.applyRest(config, this.stateFile, this.sideHooks)
    this.state = new CopyStateFile(this.stateFile)
    return rest
  }

  private async becomeTarget(roleSequence: number): Promise<void> {
    const config = this.configured()
    this.refuseOld(roleSequence)
    if (this.target !== null && this.target.view?.roleSequence === roleSequence) return
    const served = this.source !== null
    await this.stopSides(false)
    await this.releaseFolders(config)
    const before = this.state.get()
    const role = served ? 'source' : before.role
    const ownMarks = await readOwnMarks(config, { ...before, role })
    const lineage = role === 'none' ? null : before.lineage
    // After whatever end of a target its redo log says how to go on exactly; if it cannot, the target itself gives the copy up.
    const session = before.role === 'target' ? before.session : null
    const untouched = before.role === 'target' || (before.clean && (before.role !== 'none' || this.stoppedHere))
    // An orderly stop with changes that the target never got, and then another owner: both sides have changes of their own.
    const ownChanges = before.role === 'none' && !before.clean && roleSequence > before.roleSequence
    // With a quorum and safety FULL nobody was ever told that they are durable; what was acknowledged without the target is another matter (`exposed`).
    const promised = config.leased !== true || before.safety === 'off'
    const diverged = before.diverged || (ownChanges && promised)
    this.state.update({ role: 'target', roleSequence, clean: false, copyComplete: before.copyComplete && untouched, session, lineage, diverged })
    const side = new TargetSide(config, this.stateFile, this.sideHooks, { listen: true, ownMarks })
    await side.start()
    this.fault = null
    this.target = side
    this.stand({ do: 'target', roleSequence })
    this.hooks.say(`target, role sequence ${roleSequence}`)
  }

  /** Answers how a target ended; null: there was none. */
  private async stopSides(force: boolean): Promise<Stopped | null> {
    if (this.source !== null) {
      const clean = await this.source.stop(force)
      this.source = null
      this.standDown()
      this.stoppedHere = true
      this.state.update({ role: 'none', clean })
      this.hooks.say(clean ? 'stopped, the target has everything' : 'stopped; the target does not have everything')
    }
    if (this.target !== null) {
      const stopped = await this.target.stop({ drain: true })
      this.target = null
      this.standDown()
      // The receiver's thread has written the file.
      this.state = new CopyStateFile(this.stateFile)
      this.hooks.say('stopped receiving')
      return stopped
    }
    return null
  }

  private async stop(force: boolean): Promise<void> {
    await this.stopSides(force)
    // From now on anybody may change the folder, and neither a stream nor a dirty map knows what.
    this.state.update({ lineage: null, session: null })
    this.fault = null
  }

  private theSource(): SourceSide {
    if (this.source === null) throw dataError('E_ROLE', { job: this.job, role: this.target === null ? 'stopped' : 'the target', wanted: 'the source' })
    return this.source
  }

  private async drain(timeoutMs: number): Promise<void> {
    await this.theSource().drain(timeoutMs)
  }

  private async mirror(action: 'start' | 'stop' | 'pause' | 'resume'): Promise<void> {
    const source = this.theSource()
    this.hooks.say(`mirror ${action}`)
    source.mirror(action)
  }

  /** On disk first, then in use: a source that restarts keeps the promise. */
  private async setSafety(safety: Safety, safetySequence: number): Promise<void> {
    const known = this.state.get().safetySequence
    if (safetySequence < known) throw dataError('E_MIRRORD_REQUEST', { why: `safety sequence ${safetySequence} is older than ${known}` })
    // The receiver's thread writes the file of a target, which hears of the safety from its source. What is said before a takeover counts from then on.
    this.safetyOfNextSource = this.target === null ? {} : { safety, safetySequence }
    if (this.target !== null) return
    this.state.update({ safety, safetySequence })
    this.source?.setSafety(safety)
    this.hooks.say(`safety ${safety}, sequence ${safetySequence}`)
  }

  private verifyReport(from: number, max: number): VerifyReport {
    const { dataDirectory } = this.configured()
    const report = readComparisonReport(dataDirectory, from, max, this.source?.walk.isComparing() ?? false)
    if (report === null) throw dataError('E_VERIFY_IMPOSSIBLE', { job: this.job, why: 'none has run on this node' })
    return report
  }

  private expose(roleSequence: number): { exposure: SessionView['exposure'] } {
    const source = this.theSource()
    if (roleSequence !== source.roleSequence) throw dataError('E_ROLE_SEQUENCE_OLD', { job: this.job, asked: roleSequence, known: source.roleSequence })
    return source.expose()
  }

  /** The answer leaves first. A source never hangs on purpose: applications wait for it. */
  private hang(untilMs: number): void {
    if (this.source !== null) throw dataError('E_ROLE', { job: this.job, role: 'the source', wanted: 'the target' })
    this.target?.standStill(untilMs)
    setImmediate(() => standStill(untilMs))
  }

  private async end(): Promise<void> {
    await this.stopSides(false)
    this.hooks.exit(false)
  }

  /** With the job online. A target just ends: its redo log says where to go on. */
  private async handOver(command: ProgramCommand = programCommand('mirrord')): Promise<void> {
    const keeper = this.canHandOver()
    const { version } = await checkSuccessor(this.job, command)
    this.hooks.say(`hands over to version ${version}: ${[command.file, ...command.args].join(' ')}`)
    await this.source?.catchUp()
    const atMs = monotonicMs()
    if (this.source !== null) {
      const { roleSequence } = this.source
      const clean = await this.source.handOver()
      this.state.update({ clean })
      this.stand({ do: 'source', roleSequence, peerCopyComplete: clean })
    }
    keeper.next({ command, atMs })
    this.hooks.exit(true)
  }

  private canHandOver(): KeeperLink {
    const { keeper, job } = this
    const idle = this.source === null && this.target === null
    const why = keeper === null ? 'no keeper would start another one' : idle ? 'it serves nothing that another one could go on with' : keeper.whyNoSuccessor()
    if (keeper === null || why !== null) throw dataError('E_HAND_OVER', { job, why: why ?? '' })
    return keeper
  }
}

type StandingRole = { do: 'source'; roleSequence: number; peerCopyComplete: boolean } | { do: 'target'; roleSequence: number }

/** Whether the job's mode has a quorum may change while it runs. */
