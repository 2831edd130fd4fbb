import * as z from 'zod'
import type { AgentConfig, ApplicationConfig, JobConfig } from '../../../../src/model'
import type { Places } from '../../../ports'
import { readNote } from '../../files'
import { bootId } from '../../processes'
import type { Cgroup } from '../cgroup'
import { agentEnvironment, secretsOf } from './environment'
import { agentFile } from './places'

/** How to stop what an agent has started, kept in the run directory: by the next engine, by the guard, and after the configuration has changed. */
export const agentNoteSchema = z.object({
  kind: z.literal('agent'),
  bootId: z.string(),
  file: z.string(),
  /** With the parameters that it was started with. */
  environment: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
  cgroup: z.object({ directory: z.string() }).nullable(),
  stopTimeoutMs: z.number()
})

export type AgentNote = z.infer<typeof agentNoteSchema>

/** As the configuration has it. `cgroup` null: nothing is to be left behind by it, or there are none here. */
export function agentNote(
  places: Pick<Places, 'node' | 'runDirectory'>,
  job: JobConfig,
  application: ApplicationConfig,
  agent: AgentConfig,
  cgroup: Cgroup | null
): AgentNote {
  const environment = agentEnvironment(places, job, application, agent)
  const { stopTimeoutMs } = application
  return { kind: 'agent', bootId: bootId(), file: agentFile(agent), environment, secrets: secretsOf(agent), cgroup, stopTimeoutMs }
}

/** One of an earlier boot says nothing about this one. */
export function notedAgent(noteFile: string): AgentNote | null {
  const note = agentNoteSchema.safeParse(readNote(noteFile))
  return note.success && note.data.bootId === bootId() ? note.data : null
}
