import { setTimeout as pause } from 'node:timers/promises'
import { logTail, trimLog } from '../boundedLog'
import { monotonicMs } from '../clock'
import { failure, plainReason } from '../failure'
import { removeNote, writeNote } from '../files'
import { identify, type ProcessIdentity, isAlive, isListed, signalProcess } from '../processes'
import { redact } from '../redact'
import { cgroupMembers, makeCgroup, removeCgroup } from './cgroup'
import { applicationFiles } from './files'
import { killNoted, killUntilGone, launchedMembers, notedLaunch, waitUntil } from './killing'
import { type Launch, type Launched, launch } from './launch'
import type { Runner, RunnerOptions } from './runner'
import { runShell, type Surroundings, surroundings } from './shell'
import { Watch } from './watch'

/** Between two tries of the check while it starts. */
const START_CHECK_GAP_MS = 50
/** Without a check: what still lives after this has started. */
const STILL_ALIVE_MS = 500
const POLL_MS = 20
/** The process itself has ended; what it left behind gets so long to follow. */
const LEFTOVER_MS = 1_000
/** An earlier engine's child is reaped by the machine's first process, soon; one that never reaps must not keep the service down. */
const REAP_WAIT_MS = 3_000
const OUTPUT_LINES = 5

/** An application of kind *process*: a command that stays in the foreground, started, watched and stopped here. */
export class ProcessRunner implements Runner {
  private readonly noteFile: string
  private readonly logFile: string
  /** Who belonged to it when its stop began. Outside of its cgroup a child with a session of its own is not found once its parent is gone. */
  private seen: ProcessIdentity[] = []
  private readonly cgroupName: string
  private watch: Watch | null = null
  private lastWords = 'its process ended'

  constructor(private readonly options: RunnerOptions) {
    const { noteFile, cgroupName, logFile } = applicationFiles(options.places, options.job, options.application)
    this.cgroupName = cgroupName
    this.noteFile = noteFile
    this.logFile = logFile
  }

  async start(abort: AbortSignal): Promise<void> {
    const { job, application, places } = this.options
    const around = await surroundings(places.node, job, application)
    const running = this.running()
    const started = running === null ? await this.launchAnew(around, abort) : { launched: running, logStart: 0 }
    const why = await this.untilReady(started.launched, around, abort)
    if (why !== null) {
      const output = redact(logTail(this.logFile, started.logStart, OUTPUT_LINES))
      await this.stop(true)
      throw failure('E_APPLICATION_START', { node: places.node, job: job.name, application: application.name, why, output, log: this.logFile })
    }
    this.beginWatch(started.launched, around)
  }

  async adopt(): Promise<boolean> {
    const running = this.running()
    if (running === null) return false
    const { job, application, places } = this.options
    this.beginWatch(running, await surroundings(places.node, job, application))
    return true
  }

  async stop(kill: boolean): Promise<void> {
    this.release()
    const launched = this.noted()
    this.seen = this.members(launched).flatMap((pid) => identify(pid) ?? [])
    if (launched !== null && isAlive(launched.identity) && !kill) await this.askToStop(launched)
    await this.killAll(launched)
    this.seen = []
    // The next start waits for one that is dead but not reaped yet: its note stays.
    if (launched === null || !isListed(launched.identity)) removeNote(this.noteFile)
  }

  async crash(): Promise<void> {
    killNoted(this.noteFile)
  }

  release(): void {
    this.watch?.end()
    this.watch = null
  }

  private running(): Launched | null {
    const launched = this.noted()
    return launched !== null && isAlive(launched.identity) ? launched : null
  }

  private noted(): Launched | null {
    return notedLaunch(this.noteFile)
  }

  private async launchAnew(around: Surroundings, abort: AbortSignal): Promise<Launch> {
    const { job, application, places } = this.options
    // What an earlier run left behind would stand in the way of the new one.
    const before = this.noted()
    await this.killAll(before)
    if (before !== null) await waitUntil(() => abort.aborted || !isListed(before.identity), monotonicMs() + REAP_WAIT_MS)
    try {
      const launched = await launch(application.start ?? 'false', around, this.cgroupName, this.logFile)
      await this.keepNote(launched.launched)
      launched.child.once('exit', (code, signal) => {
        this.lastWords = signal === null ? `its process ended with exit code ${code}` : `its process was ended by ${signal}`
        this.watch?.look()
      })
      return launched
    } catch (error) {
      throw failure('E_APPLICATION_START', {
        node: places.node,
        job: job.name,
        application: application.name,
        why: plainReason(error),
        output: '',
        log: this.logFile
      })
    }
  }

  /** Without it no later engine, and no guard, would find what was started: it must not run then. */
  private async keepNote(launched: Launched): Promise<void> {
    try {
      writeNote(this.noteFile, launched)
    } catch (error) {
      await this.killAll(launched)
      throw error
    }
  }

  /** null when it is ready, else why it is not. */
  private async untilReady(launched: Launched, around: Surroundings, abort: AbortSignal): Promise<string | null> {
    const { check, startTimeoutMs, checkTimeoutMs } = this.options.application
    const startMs = monotonicMs()
    const untilMs = startMs + startTimeoutMs
    let why: string | null = null
    while (monotonicMs() < untilMs) {
      if (abort.aborted) return 'it was called off'
      if (!isAlive(launched.identity)) return this.deathWords()
      if (check === null && monotonicMs() - startMs >= STILL_ALIVE_MS) return null
      if (check !== null) {
        const leftMs = Math.ceil(untilMs - monotonicMs())
        const result = await runShell(check, around, Math.min(checkTimeoutMs, leftMs), abort)
        if (result.ok && isAlive(launched.identity)) return null
        // One that the end of the start has cut short says nothing of why; the one before it did.
        if (why === null || leftMs >= checkTimeoutMs || monotonicMs() < untilMs)
          why = `its check said: ${result.why}${result.output === '' ? '' : ` (${result.output})`}`
      }
      await pause(check === null ? POLL_MS : START_CHECK_GAP_MS)
    }
    return `it was not ready within ${startTimeoutMs} ms; ${why ?? 'it was not ready'}`
  }

  /** The exit code comes with an event of its own, a moment after /proc shows the death. */
  private async deathWords(): Promise<string> {
    await pause(POLL_MS)
    return this.lastWords
  }

  private beginWatch(launched: Launched, around: Surroundings): void {
    const { check, checkIntervalMs, checkTimeoutMs } = this.options.application
    const tryCheck = async (line: string, abort: AbortSignal): Promise<{ why: string; certain: boolean } | null> => {
      const result = await runShell(line, around, checkTimeoutMs, abort)
      return result.ok ? null : { why: `its check failed: ${result.why}${result.output === '' ? '' : ` (${result.output})`}`, certain: false }
    }
    this.release()
    const death = (): string | null => (isAlive(launched.identity) ? null : this.lastWords)
    const watched = {
      death,
      checkIntervalMs,
      care: () => trimLog(this.logFile),
      ...(check === null ? {} : { check: (abort: AbortSignal) => tryCheck(check, abort) })
    }
    this.watch = new Watch(watched, this.options.failed)
  }

  private async askToStop(launched: Launched): Promise<void> {
    const { stop, stopSignal, stopTimeoutMs } = this.options.application
    const untilMs = monotonicMs() + stopTimeoutMs
    if (stop === null || !(await this.runStopCommand(stop, stopTimeoutMs)))
      signalProcess(launched.alone ? launched.identity.pid : -launched.identity.pid, stopSignal)
    await waitUntil(() => !isAlive(launched.identity), untilMs)
    if (!isAlive(launched.identity)) await waitUntil(() => this.members(launched).length === 0, Math.min(untilMs, monotonicMs() + LEFTOVER_MS))
  }

  private async runStopCommand(line: string, timeoutMs: number): Promise<boolean> {
    const { job, application, places } = this.options
    const around = await surroundings(places.node, job, application).catch(() => null)
    return around !== null && (await runShell(line, around, timeoutMs)).ok
  }

  private async killAll(launched: Launched | null): Promise<void> {
    const cgroup = launched?.cgroup ?? makeCgroup(this.cgroupName)
    const left = await killUntilGone(() => this.members(launched), cgroup)
    if (cgroup !== null) removeCgroup(cgroup)
    if (left.length === 0) return
    const { job, application, places } = this.options
    const why = `after SIGKILL these processes are still there: ${left.slice(0, 10).join(' ')}`
    throw failure('E_APPLICATION_STOP', { node: places.node, job: job.name, application: application.name, why })
  }

  private members(launched: Launched | null): number[] {
    const cgroup = launched === null ? makeCgroup(this.cgroupName) : null
    const members = launched === null ? (cgroup === null ? [] : cgroupMembers(cgroup)) : launchedMembers(launched)
    const left = [...this.seen, ...(launched === null ? [] : [launched.identity])].filter(isAlive).map(({ pid }) => pid)
    // A cgroup does not name yet what has just been started, nor any longer what has begun to die, and in a folder that hangs that may take a while.
    return [...new Set([...members, ...left])]
  }
}
