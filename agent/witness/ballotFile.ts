import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import * as z from 'zod'
import type { Ballot } from '../../src/wire'
import { ballotSchema } from '../../src/wire/voteSchemas'
import { fileWord, saveHard } from '../adapters/files'

/** What the witness keeps of a job, in a file of its own: jobs do not wait for each other's disk writes. */
export interface KeptBallot {
  job: string
  ballot: Ballot
  /** The longest lease that was ever granted, and the drift with it: after a start nobody else gets one for so long. */
  leaseMs: number
  driftMs: number
  /** Since which version of the configuration this witness is the pair's. */
  since: number
}

const SUFFIX = '.json'

const schema = z.object({
  formatVersion: z.literal(1),
  sha256: z.string(),
  kept: z.object({ job: z.string(), ballot: ballotSchema, leaseMs: z.number().positive(), driftMs: z.number().positive(), since: z.int().min(0) })
})

const checksum = (kept: KeptBallot): string => createHash('sha256').update(JSON.stringify(kept)).digest('hex')

/** Hard when this returns. The directory is not made here: of a cluster that was left nothing is kept any more. */
export async function saveBallot(directory: string, kept: KeptBallot): Promise<void> {
  const file = path.join(directory, `${fileWord(kept.job)}${SUFFIX}`)
  await saveHard(file, `${JSON.stringify({ formatVersion: 1, sha256: checksum(kept), kept })}\n`)
}

/** A file that cannot be read is as good as none: the witness votes for that job when it has heard from both nodes what they hold. */
export function loadBallots(directory: string, damaged: (file: string, why: string) => void): KeptBallot[] {
  const files = fs.readdirSync(directory).filter((name) => name.endsWith(SUFFIX))
  return files.flatMap((name) => {
    const kept = read(path.join(directory, name))
    if (typeof kept !== 'string') return [kept]
    damaged(path.join(directory, name), kept)
    return []
  })
}

/** The ballot, or in a few words what is wrong with it. */
function read(file: string): KeptBallot | string {
  try {
    const { kept, sha256 } = schema.parse(JSON.parse(fs.readFileSync(file, 'utf8')))
    return checksum(kept) === sha256 ? kept : 'its checksum does not match'
  } catch (error) {
    return error instanceof z.ZodError ? 'it is not a ballot of this version' : 'it is not whole'
  }
}
