import path from 'node:path'
import { fileWord } from '../../adapters/files'

/** Notes in the run directory by which engines find a job's processes, whoever started them. */
export const mirrordNoteFile = (run: string, job: string): string => path.join(run, `${fileWord(job)}.mirrord.json`)
export const keeperNoteFile = (run: string, job: string): string => path.join(run, `${fileWord(job)}.keeper.json`)
