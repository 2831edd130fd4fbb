import type { ApplicationConfig, JobConfig } from '../../../src/model'
import type { ApplicationPort, LogPort, Places } from '../../ports'
import { AgentRunner } from './ocf/runner'
import { ProcessRunner } from './process'
import type { Runner, RunnerOptions } from './runner'
import { ServiceRunner } from './service'

type Places3 = Pick<Places, 'stateDirectory' | 'runDirectory' | 'node'>

export function createApplicationPort(places: Places3, log: LogPort): ApplicationPort & { close(): void } {
  const port = new Applications(places, log)
  return {
    start: (job, application) => port.start(job, application),
    stop: (job, application, options) => port.stop(job, application, options.kill),
    adopt: (job, application) => port.adopt(job, application),
    crash: (job, application) => port.crash(job, application),
    onFailed: (call) => {
      port.failed = call
    },
    close: () => port.close()
  }
}

/** One application: its runner, and the calls to it one after the other. */
interface Entry {
  runner: Runner
  last: Promise<unknown>
  /** Calls off the start that runs now. */
  abort: AbortController
}

class Applications {
  /** At most one entry for each application of the configuration. */
  private readonly entries = new Map<string, Entry>()
  failed: (job: string, application: string, why: string) => void = () => undefined

  constructor(
    private readonly places: Places3,
    private readonly log: LogPort
  ) {}

  start(job: JobConfig, application: ApplicationConfig): Promise<void> {
    const abort = new AbortController()
    return this.next(job, application, abort, (runner) => runner.start(abort.signal))
  }

  adopt(job: JobConfig, application: ApplicationConfig): Promise<boolean> {
    return this.next(job, application, this.entries.get(keyOf(job, application))?.abort ?? new AbortController(), (runner) => runner.adopt())
  }

  /** Beside what goes on with it: an accident waits for nobody. */
  async crash(job: JobConfig, application: ApplicationConfig): Promise<void> {
    await this.runnerFor(job, application).crash()
  }

  /** A start that has not ended is called off first: a stop never waits for a start timeout. */
  stop(job: JobConfig, application: ApplicationConfig, kill: boolean): Promise<void> {
    this.entries.get(keyOf(job, application))?.abort.abort()
    return this.next(job, application, new AbortController(), (runner) => runner.stop(kill))
  }

  close(): void {
    for (const entry of this.entries.values()) entry.runner.release()
  }

  /** Every call has its own runner, because the configuration may have changed; what runs is in the note, not in the runner. */
  private next<Result>(job: JobConfig, application: ApplicationConfig, abort: AbortController, act: (runner: Runner) => Promise<Result>): Promise<Result> {
    const key = keyOf(job, application)
    const before = this.entries.get(key)
    const runner = this.runnerFor(job, application)
    const result = (before?.last ?? Promise.resolve()).then(() => {
      before?.runner.release()
      return act(runner)
    })
    this.entries.set(key, { runner, last: result.catch(() => undefined), abort })
    return result
  }

  private runnerFor(job: JobConfig, application: ApplicationConfig): Runner {
    const failed = (why: string): void => {
      this.log.event('error', `Application ${application.name} of ${job.name} failed: ${why}.`)
      this.failed(job.name, application.name, why)
    }
    return runnerOf({ places: this.places, job, application, failed })
  }
}

function runnerOf(options: RunnerOptions): Runner {
  switch (options.application.kind) {
    case 'service':
      return new ServiceRunner(options)
    case 'process':
      return new ProcessRunner(options)
    case 'agent':
      return new AgentRunner(options)
  }
}

const keyOf = (job: JobConfig, application: ApplicationConfig): string => `${job.name}\0${application.name}`
