import * as z from 'zod'
import { readNote } from '../../files'
import { bootId } from '../../processes'

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

/** One of an earlier boot says nothing about this one. */
export function notedAgent(noteFile: string): AgentNote | null {
  const note = agentNoteSchema.safeParse(readNote(noteFile))
  return note.success && note.data.bootId === bootId() ? note.data : null
}
