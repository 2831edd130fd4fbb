import path from 'node:path'
import type { ApplicationConfig, JobConfig } from '../../../src/model'
import type { Places } from '../../ports'
import { fileWord } from '../files'

/** Where an application leaves its traces: its note, the name of its cgroup, and its log. */
export function applicationFiles(places: Pick<Places, 'node' | 'runDirectory' | 'stateDirectory'>, job: JobConfig, application: ApplicationConfig) {
  const name = `${fileWord(job.name)}.${fileWord(application.name)}`
  return {
    cgroupName: `${fileWord(places.node)}.${name}`,
    noteFile: path.join(places.runDirectory, 'applications', `${name}.json`),
    logFile: path.join(places.stateDirectory, 'log', `${name}.log`)
  }
}
