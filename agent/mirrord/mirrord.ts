import type { Safety } from '../../src/model'
import { dataError } from '../../src/wire/frame'
import type { MirrordConfig, MirrordRequest, MirrordStatus, ProgramCommand, ProgramView } from '../../src/wire/mirrord'
import { monotonicMs } from '../adapters/clock'
import { standStill } from '../adapters/standStill'
import { programCommand } from '../native/programs'
import { parseRequest } from './control/requests'
import type { KeeperLink, Standing } from './keeper/keeperLink'
import { type Lease, Leases } from './leases'
import { canHandOver, checkSuccessor } from './keeper/successor'
import { isSame, liveOf, withLive } from './configuration'
import { CopyStateFile, SOURCE_HISTORY_MAX } from './copyState'
import { followContents } from './contents'
import type { MirrordHooks } from './mirrordHooks'
import { readOwnMarks } from './ownMarks'
import { handOverAs, whatChanges } from './rebuild'
import type { Stopped } from './redolog/targetLog'
import { SourceSide, type SideHooks } from './sourceSide'
import { Speed, idleStatus, sourceStatus, targetStatus } from './status'
import { StandingPlace } from './standing'
import { TargetSide } from './targetSide'
import { verifyReport } from './walk/comparisonReport'

const SPEED_WINDOW_MS = 2_000

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
  private readonly standing: StandingPlace

  constructor(
    private readonly job: string,
    private readonly node: string,
    private readonly stateFile: string,
    private readonly hooks: MirrordHooks
  ) {
    this.state = new CopyStateFile(stateFile)
    this.standing = new StandingPlace(hooks.keeper ?? null, this.leases)
    this.program = { version: hooks.version, pid: process.pid, pausedMs: null, insteadWhy: null }
  }

  answer(request: MirrordRequest): Promise<unknown> {
    switch (request.do) {
      case 'status':
        return Promise.resolve(this.status())
      // It waits for the target: other requests must not wait for it.
      case 'drain':
        return Promise.resolve().then(() => this.theSource().drain(request.timeoutMs))
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
      case 'rebuild':
        return this.inTurn(() => this.rebuild(request.config, request.look === true))
      case 'exit':
        return this.inTurn(() => this.end())
      case 'verify':
        return this.inTurn(async () => this.theSource().verify(request.action, request.mode))
      case 'verifyReport':
        return Promise.resolve(verifyReport(this.configured(), request, this.source?.walk.isComparing() ?? false))
      case 'transmit':
        return this.inTurn(async () => this.theSource().transmit(request.action))
      case 'bandwidth':
        return this.inTurn(async () => this.theSource().setBandwidth(request.bytesPerSecond))
      case 'safety':
        return this.inTurn(() => this.setSafety(request.safety, request.safetySequence))
      case 'expose':
        return this.inTurn(async () => this.theSource().expose(request.roleSequence))
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
    // It goes on with what it is, and takes on what it can.
    const used = side === null ? config : withLive(this.configured(), config)
    if (side !== null && !isSame(used, this.config)) side.reconfigure(liveOf(config))
    this.config = used
    this.leases.need(config.leased === true)
    if (this.standing.role !== null) this.standing.stand(this.standing.role, this.configured())
    if (!isSame(used, config)) refused('it differs from the one in use')
    // What a target has mounted keeps others from its copy.
    if (side === null) await this.standing.releaseFolders(config)
  }

  private get keeper(): KeeperLink | null {
    return this.hooks.keeper ?? null
  }

  private lease({ roleSequence, untilMs }: Lease): void {
    const { role } = this.standing
    if (this.leases.tell({ roleSequence, untilMs }) && role?.do === 'source') this.standing.stand(role, this.configured())
  }

  /** Goes on with what a dead process was. Rejects when it cannot. */
  async resume({ configure, role, lease }: Standing): Promise<void> {
    for (const line of [configure, ...(lease === undefined ? [] : [lease]), role]) {
      const parsed = parseRequest(line)
      if ('error' in parsed) throw parsed.error
      await this.answer(parsed.request)
    }
    const everythingSent = this.source?.beganEqual === true
    await this.standing.dropFolders(this.hooks.say)
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
    const slots = this.standing.slots(this.configured())
    return { slots, say: this.hooks.say, fault: (code, message) => this.failed(code, message), keeper: this.keeper, leases: this.leases }
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
    const stopped = await this.stopSides(false)
    const isOther = await this.followContents(config)
    const rest = stopped ?? (await this.applyRest(config))
    await this.standing.releaseFolders(config)
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
      await side.start(peerCopyComplete && !crashed && !isOther, before.role === 'source' || served)
    } catch (error) {
      this.state.update({ role: before.role, clean: before.clean })
      throw error
    }
    this.fault = null
    this.source = side
    this.standing.stand({ do: 'source', roleSequence, peerCopyComplete: false }, this.configured())
    this.hooks.say(`source, role sequence ${roleSequence}${peerCopyComplete && !crashed ? ', the target has all' : ''}`)
  }

  private followContents(config: MirrordConfig): Promise<boolean> {
    const { standing, hooks } = this
    return followContents(config, {
      say: hooks.say,
      applyRest: (old) => this.applyRest(old),
      release: (old) => standing.releaseFolders(old),
      state: () => this.state
    })
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
    await this.followContents(config)
    await this.standing.releaseFolders(config)
    // Stopped with something left in its redo log: that is applied first, and what stands in the folder then is no part of any stream.
    const rest = this.state.get().lineage === null ? await this.applyRest(config) : null
    const before = this.state.get()
    const role = served ? 'source' : before.role
    const ownMarks = await readOwnMarks(config, { ...before, role })
    const lineage = role === 'none' ? null : before.lineage
    // After whatever end of a target its redo log says how to go on exactly; if it cannot, the target itself gives the copy up.
    const session = before.role === 'target' && before.lineage !== null ? before.session : null
    const untouched = before.role === 'target' ? rest === null || rest.drained : before.clean && (before.role !== 'none' || this.stoppedHere)
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
    this.standing.stand({ do: 'target', roleSequence }, this.configured())
    this.hooks.say(`target, role sequence ${roleSequence}`)
  }

  /** Answers how a target ended; null: there was none. */
  private async stopSides(force: boolean): Promise<Stopped | null> {
    if (this.source !== null) {
      const clean = await this.source.stop(force)
      this.source = null
      this.standing.down()
      this.stoppedHere = true
      this.state.update({ role: 'none', clean })
      this.hooks.say(clean ? 'stopped, the target has everything' : 'stopped; the target does not have everything')
    }
    if (this.target !== null) {
      const stopped = await this.target.stop({ drain: true })
      this.target = null
      this.standing.down()
      // The receiver's thread has written the file.
      this.state = new CopyStateFile(this.stateFile)
      this.hooks.say('stopped receiving')
      return stopped
    }
    return null
  }

  private async stop(force: boolean): Promise<void> {
    await this.stopSides(force)
    const { role, clean, session } = this.state.get()
    // From now on anybody may change the folder, and neither a stream nor a dirty map knows what. What a target could not apply is in its redo log.
    this.state.update({ lineage: null, session: role === 'target' && !clean ? session : null })
    this.fault = null
  }

  private theSource(): SourceSide {
    if (this.source === null) throw dataError('E_ROLE', { job: this.job, role: this.target === null ? 'stopped' : 'the target', wanted: 'the source' })
    return this.source
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

  /** The answer leaves first. A source never hangs on purpose: applications wait for it. */
  private hang(untilMs: number): void {
    if (this.source !== null) throw dataError('E_ROLE', { job: this.job, role: 'the source', wanted: 'the target' })
    this.target?.standStill(untilMs)
    setImmediate(() => standStill(untilMs))
  }

  /** What cannot be changed while it works: a source hands over to itself, so that applications wait for a moment; a target receives again. */
  private async rebuild(config: MirrordConfig, look: boolean): Promise<{ handsOver: boolean }> {
    const { source, target } = this
    const differs = (source !== null || target !== null) && !isSame(config, this.config)
    if (differs && source !== null) return await this.rebuildSource(source, config, look)
    if (look) return { handsOver: false }
    if (differs) await this.stopSides(false)
    await this.configure(config)
    if (differs) await this.becomeTarget(target?.view?.roleSequence ?? this.state.get().roleSequence)
    return { handsOver: false }
  }

  private async rebuildSource(source: SourceSide, next: MirrordConfig, look: boolean): Promise<{ handsOver: boolean }> {
    const { job, standing, state, hooks } = this
    const rebuilding = {
      job,
      source,
      before: this.configured(),
      next,
      standing,
      state,
      keeper: canHandOver(this.job, this.keeper, this.source === null && this.target === null),
      say: hooks.say
    }
    if (look) await whatChanges(rebuilding)
    else await handOverAs(rebuilding, () => hooks.exit(true))
    return { handsOver: !look }
  }

  private async end(): Promise<void> {
    await this.stopSides(false)
    this.hooks.exit(false)
  }

  /** With the job online. A target just ends: its redo log says where to go on. */
  private async handOver(command: ProgramCommand = programCommand('mirrord')): Promise<void> {
    const keeper = canHandOver(this.job, this.keeper, this.source === null && this.target === null)
    const { version } = await checkSuccessor(this.job, command)
    this.hooks.say(`hands over to version ${version}: ${[command.file, ...command.args].join(' ')}`)
    await this.source?.catchUp()
    const atMs = monotonicMs()
    if (this.source !== null) {
      const { roleSequence } = this.source
      const clean = await this.source.handOver()
      this.state.update({ clean })
      this.standing.stand({ do: 'source', roleSequence, peerCopyComplete: clean }, this.configured())
    }
    keeper.next({ command, atMs })
    this.hooks.exit(true)
  }
}
