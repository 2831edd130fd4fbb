import { setTimeout as pause } from 'node:timers/promises'
import { monotonicMs } from '../clock'
import { type CommandResult, runCommand } from '../command'
import { failure } from '../failure'
import { machineGoesDown, orderStop } from '../systemd'
import { notToBeCrashed, type Runner, type RunnerOptions } from './runner'
import { runShell, surroundings } from './shell'
import { Watch } from './watch'

const POLL_MS = 200
/** What systemd calls a unit that runs; `reloading` serves on. */
const RUNNING = ['active', 'reloading']
/** It will not come back by itself. */
const ENDED = ['inactive', 'failed']
/** On its way: its processes may be there. */
const STARTING = 'activating'
const CHANGING = [STARTING, 'deactivating']
/** systemctl's exit code for a unit that systemd neither runs nor has a file of. */
const NO_SUCH_UNIT = 5

/** An application of kind *service*: a systemd unit. systemd owns its processes; the agent asks it to start, stop and tell. */
export class ServiceRunner implements Runner {
  private watch: Watch | null = null
  /** One that was found while it started has as long as any start. */
  private startsUntilMs = 0

  constructor(private readonly options: RunnerOptions) {}

  async start(abort: AbortSignal): Promise<void> {
    const { startTimeoutMs } = this.options.application
    const untilMs = monotonicMs() + startTimeoutMs
    // Who asks goes away; the stop that follows makes systemd give up the start as well.
    const result = await runCommand('systemctl', ['start', this.unit()], startTimeoutMs, abort)
    const why = abort.aborted ? 'it was called off' : result.exitCode === 0 ? await this.untilReady(untilMs, abort) : `systemctl start: ${result.problem}`
    if (why !== null) {
      await this.stop(false)
      throw this.failed('E_APPLICATION_START', why)
    }
    this.beginWatch()
  }

  /** Without an answer of systemd nobody may believe that it does not run. */
  async adopt(): Promise<boolean> {
    const { output, problem } = await this.isActive()
    const state = output.trim()
    if (state === '') throw this.failed('E_APPLICATION_UNSEEN', `systemctl is-active: ${problem}`)
    if (!RUNNING.includes(state) && !CHANGING.includes(state)) return false
    if (state === STARTING) this.startsUntilMs = monotonicMs() + this.options.application.startTimeoutMs
    this.beginWatch()
    return true
  }

  /** `kill`, or the stop timeout, kills its processes first; the stop that follows keeps systemd from starting it again. */
  async stop(kill: boolean): Promise<void> {
    this.release()
    const { stopTimeoutMs } = this.options.application
    // At a shutdown systemd has ordered the unit behind the hand-over, which would wait for this very stop. A kill does not wait for the answer.
    const now = machineGoesDown().then((goesDown) => (goesDown ? ['--job-mode=ignore-dependencies'] : []))
    if (!kill && isStopped(await this.systemctl(['stop', ...(await now), this.unit()], stopTimeoutMs))) return
    await this.systemctl(['kill', '--signal=SIGKILL', this.unit()], stopTimeoutMs)
    const result = await this.systemctl(['stop', ...(await now), this.unit()], stopTimeoutMs)
    if (!isStopped(result)) throw this.failed('E_APPLICATION_STOP', `systemctl stop: ${result.problem}`)
  }

  async crash(): Promise<void> {
    const result = await this.systemctl(['kill', '--signal=SIGKILL', this.unit()], this.options.application.stopTimeoutMs)
    if (result.exitCode !== 0) throw notToBeCrashed(this.options, `systemctl kill: ${result.problem}`)
  }

  release(): void {
    this.watch?.end()
    this.watch = null
  }

  private async untilReady(untilMs: number, abort: AbortSignal): Promise<string | null> {
    let why: string | null = 'it was not ready'
    while (monotonicMs() < untilMs) {
      if (abort.aborted) return 'it was called off'
      const problem = await this.problem(abort)
      if (problem === null) return null
      if (problem.certain) return problem.why
      why = problem.why
      await pause(POLL_MS)
    }
    return `${why} within ${this.options.application.startTimeoutMs} ms`
  }

  private beginWatch(): void {
    this.release()
    void orderStop(this.unit())
    const { checkIntervalMs } = this.options.application
    this.watch = new Watch({ death: () => null, check: (abort) => this.problem(abort), checkIntervalMs }, this.options.failed)
  }

  /** What systemd says of the unit, and the check command where there is one. */
  private async problem(abort?: AbortSignal): Promise<{ why: string; certain: boolean } | null> {
    const { job, application, places } = this.options
    const { output, problem } = await this.isActive()
    const answer = output.trim()
    const state = answer || `not known: ${problem}`
    if (state === STARTING && monotonicMs() < this.startsUntilMs) return null
    // A systemd that hangs says nothing of the service, which may be as well as ever: then its own check does.
    const isToldByCheck = answer === '' && application.check !== null
    if (!RUNNING.includes(state) && !isToldByCheck) return { why: `systemd says that ${this.unit()} is ${state}`, certain: ENDED.includes(state) }
    if (application.check === null) return null
    const around = await surroundings(places.node, job, application).catch(() => null)
    if (around === null) return { why: `its user ${application.user} is not known`, certain: false }
    const result = await runShell(application.check, around, application.checkTimeoutMs, abort)
    return result.ok ? null : { why: `its check failed: ${result.why}${result.output === '' ? '' : ` (${result.output})`}`, certain: false }
  }

  private isActive(): Promise<CommandResult> {
    return this.systemctl(['is-active', this.unit()], this.options.application.checkTimeoutMs)
  }

  private unit(): string {
    return this.options.application.unit ?? ''
  }

  private systemctl(args: string[], timeoutMs: number): Promise<CommandResult> {
    return runCommand('systemctl', args, timeoutMs)
  }

  private failed(code: 'E_APPLICATION_START' | 'E_APPLICATION_STOP' | 'E_APPLICATION_UNSEEN', why: string): Error {
    const { job, application, places } = this.options
    return failure(code, { node: places.node, job: job.name, application: application.name, why, output: '', log: null })
  }
}

/** A unit that is not installed here does not stand in the way of a job that goes to where it is. */
const isStopped = ({ exitCode }: CommandResult): boolean => exitCode === 0 || exitCode === NO_SUCH_UNIT
