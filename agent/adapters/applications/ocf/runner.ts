import { setTimeout as pause } from 'node:timers/promises'
import { agentName, invariant } from '../../../../src/model'
import { trimLog } from '../../boundedLog'
import { monotonicMs } from '../../clock'
import { failure } from '../../failure'
import { removeNote, writeNote } from '../../files'
import { cgroupMembers, makeCgroup, removeCgroup } from '../cgroup'
import { applicationFiles } from '../files'
import { notToBeCrashed, type Runner, type RunnerOptions } from '../runner'
import { CHECK_FAILURES_MAX, Watch } from '../watch'
import { type AgentAction, callAgent, type Ended } from './call'
import { isHopeless, isRunning, OCF } from './codes'
import { type AgentNote, agentNote, notedAgent } from './note'
import { whyNoAgent } from './places'
import { Crowd, killMembers, untilEmpty } from './processes'

/** Between two questions whether it has really started. */
const START_CHECK_GAP_MS = 200
/** The agent says that it has stopped; what its processes leave behind gets so long to follow. */
const LEFTOVER_MS = 1_000
/** The machine's first process reaps what was killed, soon. */
const REAP_WAIT_MS = 3_000
const REAP_GAP_MS = 200
/** What is not a process (an address, a mount) is taken away after the processes were killed. */
const CLEAN_TIMEOUT_MS = 10_000

/** An application of kind *agent*: an OCF resource agent starts, stops and checks it; what that means is the agent's business. */
export class AgentRunner implements Runner {
  private readonly noteFile: string
  private readonly logFile: string
  private readonly cgroupName: string
  private watch: Watch | null = null
  /** Calls off the check that runs. */
  private checks = new AbortController()
  private checking: Promise<unknown> = Promise.resolve()

  constructor(private readonly options: RunnerOptions) {
    const { noteFile, cgroupName, logFile } = applicationFiles(options.places, options.job, options.application)
    this.noteFile = noteFile
    this.cgroupName = cgroupName
    this.logFile = logFile
  }

  async start(abort: AbortSignal): Promise<void> {
    const missing = whyNoAgent(this.agent())
    if (missing !== null) throw this.refused(missing)
    const fresh = this.fresh()
    const found = await this.ask(fresh, 'monitor', this.options.application.checkTimeoutMs, { abort })
    if (isHopeless(found.code)) throw this.refused(found.why)
    if (!isRunning(found.code)) await this.startAnew(fresh, found, abort)
    else writeNote(this.noteFile, notedAgent(this.noteFile) ?? fresh)
    this.beginWatch(this.noted())
  }

  async adopt(): Promise<boolean> {
    if (whyNoAgent(this.agent()) !== null) return false
    const note = this.noted()
    for (let tries = 0; tries < CHECK_FAILURES_MAX; tries++) {
      const { code } = await this.ask(note, 'monitor', this.options.application.checkTimeoutMs)
      if (isRunning(code)) {
        this.beginWatch(note)
        return true
      }
      if (code === OCF.notRunning || isHopeless(code)) return false
    }
    return this.adoptFailed(note)
  }

  /** It answers with errors: what an engine has started here and not seen ended may be half there, and the watch, or a stop, decides. */
  private adoptFailed(note: AgentNote): boolean {
    if (notedAgent(this.noteFile) === null) return false
    this.beginWatch(note)
    return true
  }

  /** `kill`: its processes first, at once; then the agent takes away what is no process. */
  async stop(kill: boolean): Promise<void> {
    this.release()
    await this.checking
    const begun = notedAgent(this.noteFile)
    const note = begun ?? this.fresh()
    if (kill) await this.killAll(note)
    const ended = whyNoAgent(this.agent()) ?? (await this.askToStop(note, kill))
    await this.killAll(note)
    if (typeof ended === 'string' || ended.code !== OCF.success) await this.requireGone(note, begun !== null, ended)
    removeNote(this.noteFile)
    if (note.cgroup !== null) removeCgroup(note.cgroup)
  }

  async crash(): Promise<void> {
    const { cgroup } = this.noted()
    if (cgroup !== null && cgroupMembers(cgroup).length > 0) return void (await killMembers(cgroup))
    throw notToBeCrashed(this.options, 'its resource agent has started no process that is known')
  }

  release(): void {
    this.watch?.end()
    this.watch = null
    this.checks.abort()
  }

  private async startAnew(note: AgentNote, found: Ended, abort: AbortSignal): Promise<void> {
    const { startTimeoutMs } = this.options.application
    const untilMs = monotonicMs() + startTimeoutMs
    // What failed, and what an earlier run left behind, would stand in the way.
    if (found.code !== OCF.notRunning) await this.askToStop(note, false)
    await this.killAll(note)
    await trimLog(this.logFile)
    writeNote(this.noteFile, note)
    const ended = await this.ask(note, 'start', startTimeoutMs, { abort, logFile: this.logFile })
    const why = ended.code === OCF.success ? await this.untilReady(note, untilMs, abort) : ended
    if (why === null) return
    // Nothing was begun, so nothing has to be proved gone.
    if (isHopeless(ended.code)) removeNote(this.noteFile)
    await this.stop(false)
    throw isHopeless(why.code) ? this.refused(why.why) : this.notStarted(why.why)
  }

  /** A start that has succeeded is believed when a check says the same. */
  private async untilReady(note: AgentNote, untilMs: number, abort: AbortSignal): Promise<Ended | null> {
    for (;;) {
      const leftMs = Math.min(this.options.application.checkTimeoutMs, untilMs - monotonicMs())
      if (leftMs <= 0) return { code: null, why: 'its start succeeded, but not its check in time' }
      const seen = await this.ask(note, 'monitor', leftMs, { abort })
      if (isRunning(seen.code)) return null
      if (abort.aborted || seen.code === OCF.notRunning || isHopeless(seen.code))
        return { ...seen, why: `its start succeeded, but its check says: ${seen.why}` }
      await pause(START_CHECK_GAP_MS)
    }
  }

  private async askToStop(note: AgentNote, kill: boolean): Promise<Ended> {
    const { stopTimeoutMs } = this.options.application
    const ended = await this.ask(note, 'stop', kill ? Math.min(stopTimeoutMs, CLEAN_TIMEOUT_MS) : stopTimeoutMs, { logFile: this.logFile })
    if (ended.code === OCF.success) await untilEmpty(note.cgroup, LEFTOVER_MS)
    return ended
  }

  /** It could not be stopped in order, and its processes are dead. Is it gone? That is what its check says. */
  private async requireGone(note: AgentNote, begun: boolean, ended: Ended | string): Promise<void> {
    // Nobody has started it, and here it cannot even be asked.
    const never = !begun && (typeof ended === 'string' || isHopeless(ended.code))
    if (never) return
    const why = typeof ended === 'string' ? ended : `its stop: ${ended.why}`
    const seen = typeof ended === 'string' ? null : await this.whyThere(note)
    if (seen !== null || typeof ended === 'string') throw this.notStopped(seen === null ? why : `${why}; its check: ${seen}`)
  }

  /** A process that is dead and not reaped yet looks alive to many an agent. */
  private async whyThere(note: AgentNote): Promise<string | null> {
    const untilMs = monotonicMs() + REAP_WAIT_MS
    for (;;) {
      const { code, why } = await this.ask(note, 'monitor', this.options.application.checkTimeoutMs)
      if (code === OCF.notRunning || code === OCF.notInstalled) return null
      if (monotonicMs() > untilMs) return why
      await pause(REAP_GAP_MS)
    }
  }

  private async killAll({ cgroup }: AgentNote): Promise<void> {
    const left = await killMembers(cgroup)
    if (left.length > 0) throw this.notStopped(`after SIGKILL these processes are still there: ${left.slice(0, 10).join(' ')}`)
  }

  private beginWatch(note: AgentNote): void {
    this.release()
    this.checks = new AbortController()
    const { checkIntervalMs, checkTimeoutMs } = this.options.application
    const crowd = new Crowd(note.cgroup)
    const check = async (): Promise<{ why: string; certain: boolean } | null> => {
      const asked = this.ask(note, 'monitor', checkTimeoutMs, { abort: this.checks.signal, intervalMs: checkIntervalMs })
      this.checking = asked
      const { code, why } = await asked
      return isRunning(code) ? null : { why: `its check says: ${why}`, certain: code === OCF.notRunning || isHopeless(code) }
    }
    const watched = { death: () => null, isStirred: () => crowd.hasShrunk(), check, checkIntervalMs, care: () => trimLog(this.logFile) }
    this.watch = new Watch(watched, this.options.failed)
  }

  private ask(note: AgentNote, action: AgentAction, timeoutMs: number, more: { abort?: AbortSignal; logFile?: string; intervalMs?: number } = {}) {
    const checkLevel = action === 'monitor' ? this.agent().checkLevel : 0
    return callAgent(note, action, { timeoutMs, checkLevel, intervalMs: 0, logFile: null, ...more })
  }

  /** As it was started; else as the configuration has it. */
  private noted(): AgentNote {
    return notedAgent(this.noteFile) ?? this.fresh()
  }

  private fresh(): AgentNote {
    const { places, job, application } = this.options
    return agentNote(places, job, application, this.agent(), makeCgroup(this.cgroupName))
  }

  private agent() {
    const { agent } = this.options.application
    invariant(agent, 'an application of kind agent has an agent')
    return agent
  }

  private at() {
    const { places, job, application } = this.options
    return { node: places.node, job: job.name, application: application.name }
  }

  private refused(why: string): Error {
    return failure('E_APPLICATION_AGENT', { ...this.at(), agent: agentName(this.agent()), why })
  }

  private notStarted(why: string): Error {
    return failure('E_APPLICATION_START', { ...this.at(), why, output: '', log: this.logFile })
  }

  private notStopped(why: string): Error {
    return failure('E_APPLICATION_STOP', { ...this.at(), why })
  }
}
