import path from 'node:path'
import type { ApplicationConfig, JobConfig } from '../../../src/model'
import type { Places } from '../../ports'
import { fileWord } from '../files'

/** Where an application of kind *process* leaves its traces: its note, and the name of its cgroup. */
export function applicationFiles({ node, runDirectory }: Pick<Places, 'node' | 'runDirectory'>, job: JobConfig, application: ApplicationConfig) {
  const name = `${fileWord(job.name)}.${fileWord(application.name)}`
  return { name, cgroupName: `${fileWord(node)}.${name}`, noteFile: path.join(runDirectory, 'applications', `${name}.json`) }
}
