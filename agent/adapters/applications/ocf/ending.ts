import { removeNote } from '../../files'
import { removeEmptied } from '../cgroup'
import { callAgent } from './call'
import { OCF } from './codes'
import { notedAgent } from './note'

const ending = new Set<string>()

/**
 * For the guard, whose lease is over and who has killed the processes: the agent takes away what is none, an address or a mount. As long as it has not
 * said that this is done, the application counts as there, and is asked to end again.
 */
export async function endAgent(noteFile: string): Promise<void> {
  const note = notedAgent(noteFile)
  if (note === null || ending.has(noteFile)) return
  ending.add(noteFile)
  const { code } = await callAgent(note, 'stop', { timeoutMs: note.stopTimeoutMs, intervalMs: 0, checkLevel: 0, logFile: null })
  ending.delete(noteFile)
  if (code !== OCF.success) return
  removeNote(noteFile)
  if (note.cgroup !== null) await removeEmptied(note.cgroup)
}
