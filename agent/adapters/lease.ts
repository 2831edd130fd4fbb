import type { JobConfig } from '../../src/model'
import type { ClockPort, DataPort, LeasePort, LogPort, Places, VipPort } from '../ports'
import { cgroupDirectory } from './applications/cgroup'
import { applicationFiles } from './applications/files'
import type { Guarded, GuardedApplication } from './guard/guarded'
import type { GuardDoor } from './heartbeat/port'

export interface LeaseDoors {
  clock: Pick<ClockPort, 'nowMs'>
  data: Pick<DataPort, 'lease'>
  vip: Pick<VipPort, 'extend'>
  guard: GuardDoor
  log: LogPort
}

/** A lease is told to the data program, to the guard and to the kernel: each obeys on its own, whatever becomes of the engine. */
export function createLeasePort(places: Places, doors: LeaseDoors): LeasePort {
  const { clock, data, vip, guard, log } = doors
  const extend = (job: JobConfig, untilMs: number | null): void => {
    for (const each of job.vips)
      vip
        .extend(each, untilMs)
        .catch((error: Error) => log.event('warning', `VIP ${each.name} could not be told the lease of ${job.name}: ${error.message}`, job.name))
  }
  const follow = (): void => {
    for (const job of Object.values(places.config.jobs)) {
      const told = guard.held(job.name)
      if (told !== null) guard.tell({ ...told, ...guarded(places, job) })
    }
  }
  guard.onKilled((job, what) => log.event('error', `The lease of ${job} is over and nobody had stopped it: the guard has ended ${what.join(', ')}.`, job))
  return {
    tell: (name, roleSequence, untilMs, killAtMs) => {
      const job = places.config.jobs[name]
      // The engine goes by the configuration of before for a moment yet, in which it may be renewed; it forgets the job then.
      if (job === undefined) return
      if (job.data !== null) data.lease(name, roleSequence, untilMs)
      guard.tell({ ...guarded(places, job), roleSequence, untilMs, killAtMs })
      extend(job, untilMs)
    },
    forget: (name) => {
      guard.forget(name)
      const job = places.config.jobs[name]
      if (job !== undefined) extend(job, null)
    },
    reconfigured: follow,
    known: async () => {
      await guard.known()
      // A file that was edited by hand may have changed meanwhile.
      follow()
    },
    untilMs: (job) => guard.held(job)?.untilMs ?? null,
    runs: (job, roleSequence) => {
      const lease = guard.held(job)
      return lease !== null && lease.roleSequence === roleSequence && clock.nowMs() < lease.killAtMs
    }
  }
}

function guarded(places: Places, job: JobConfig): Pick<Guarded, 'job' | 'applications' | 'vips'> {
  const applications = job.applications.map((application): GuardedApplication => {
    const { cgroupName, noteFile } = applicationFiles(places, job, application)
    const isOurs = application.kind !== 'service'
    return { name: application.name, cgroup: isOurs ? cgroupDirectory(cgroupName) : null, noteFile, unit: application.unit }
  })
  return { job: job.name, applications, vips: job.vips }
}
