import type { ApplicationConfig, JobConfig } from '../model'
import { DRAIN_TIMEOUT_MS, type Task } from './state'

/** Applications in levels: those of a level need only those of earlier levels, and start side by side. */
export function levels(applications: ApplicationConfig[]): string[][] {
  const done = new Set<string>()
  const result: string[][] = []
  let rest = applications
  while (rest.length > 0) {
    const level = rest.filter((application) => application.dependsOn.every((name) => done.has(name)))
    // A circle is refused by the configuration; should one come here, the rest starts together.
    const names = (level.length > 0 ? level : rest).map((application) => application.name)
    for (const name of names) done.add(name)
    result.push(names)
    rest = rest.filter((application) => !done.has(application.name))
  }
  return result
}

/** The applications that stop when one of `names` does, with these, in the order of the file. */
export function withDependants(applications: ApplicationConfig[], names: string[]): string[] {
  const affected = new Set(names)
  for (let before = -1; before !== affected.size; ) {
    before = affected.size
    for (const { name, dependsOn } of applications) if (dependsOn.some((other) => affected.has(other))) affected.add(name)
  }
  return applications.map(({ name }) => name).filter((name) => affected.has(name))
}

/** Data becomes source → VIPs → applications, dependencies first. */
export function startStages(config: JobConfig, peerCopyComplete: boolean): Task[][] {
  const data: Task[][] = config.data ? [[{ do: 'source', peerCopyComplete }]] : []
  const vips: Task[] = config.vips.map((vip) => ({ do: 'raise', vip }))
  return nonEmpty([...data, vips, ...startApplications(config, null)])
}

export function startApplications(config: JobConfig, only: string[] | null): Task[][] {
  return nonEmpty(
    levels(config.applications).map((names) =>
      names.filter((name) => only === null || only.includes(name)).map((application): Task => ({ do: 'start', application }))
    )
  )
}

export function stopApplications(config: JobConfig, only: string[] | null, kill: boolean): Task[][] {
  return nonEmpty(
    levels(config.applications)
      .reverse()
      .map((names) => names.filter((name) => only === null || only.includes(name)).map((application): Task => ({ do: 'stop', application, kill })))
  )
}

export const dropVips = (config: JobConfig): Task[] => config.vips.map((vip) => ({ do: 'drop', vip }))

/** The reverse of the start, in peace. */
export function stopStages(config: JobConfig, drain: boolean): Task[][] {
  const data: Task[][] = config.data ? [...(drain ? [drainStage()] : []), [{ do: 'stopData', force: false }]] : []
  return nonEmpty([...stopApplications(config, null, false), dropVips(config), ...data])
}

export const drainStage = (): Task[] => [{ do: 'drain', timeoutMs: DRAIN_TIMEOUT_MS }]

/** Ownership is lost: nobody may reach this side any more, before anything else; then nothing may write. */
export function standDownStages(config: JobConfig): Task[][] {
  const kills = config.applications.map(({ name }): Task => ({ do: 'stop', application: name, kill: true }))
  return nonEmpty([dropVips(config), kills, config.data ? [{ do: 'stopData', force: true }] : []])
}

/** Data can no longer be trusted: all of it stops at once and starts again here. */
export const recoverStages = (config: JobConfig): Task[][] => [...standDownStages(config), ...startStages(config, false)]

export const nonEmpty = (stages: Task[][]): Task[][] => stages.filter((stage) => stage.length > 0)
