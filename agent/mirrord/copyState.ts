import fs from 'node:fs'
import * as z from 'zod'
import { dataError } from '../../src/wire/frame'
import { saveHardSync } from '../adapters/files'
import { checksum } from './stream/checksum'

/** How many role sequences a node remembers to have been source in. */
export const SOURCE_HISTORY_MAX = 64

const count = z.number().int().nonnegative()

const schema = z.strictObject({
  formatVersion: z.literal(2),
  role: z.enum(['none', 'source', 'target']),
  roleSequence: count,
  /** Source: always. Target: a full mirror has ended, and all since has been applied. */
  copyComplete: z.boolean(),
  /** Target: the stream whose frames its redo log holds. */
  session: z.string().nullable(),
  /** Made when a full mirror begins, and kept by both sides from then on: only copies of one lineage can be compared by what is marked dirty. */
  lineage: z.string().nullable(),
  /** Target: the checkpoint. All up to this LSN is hard in the folders; what follows is in the redo log. */
  appliedLsn: count,
  /** Source: no LSN up to this one is ever given out again. */
  lsnCeiling: count,
  safety: z.enum(['full', 'off']),
  safetySequence: count,
  /** Source: it went on without the target from this LSN on. Ends when both sides are equal again. */
  exposed: z.strictObject({ roleSequence: count, lsn: count }).nullable(),
  /** The last role ended in order: a source had been drained, a target had synced what it applied. */
  clean: z.boolean(),
  /** This node went on writing as source when the other one had taken over already. */
  diverged: z.boolean(),
  sourceOf: z.array(count).max(SOURCE_HISTORY_MAX)
})

/** What mirrord must not forget about its copy of a job's data: `<state>/<job>.copy.json`. */
export type CopyState = z.infer<typeof schema>

const NEW: CopyState = {
  formatVersion: 2,
  role: 'none',
  roleSequence: 0,
  copyComplete: false,
  session: null,
  lineage: null,
  appliedLsn: 0,
  lsnCeiling: 0,
  safety: 'off',
  safetySequence: 1,
  exposed: null,
  clean: true,
  diverged: false,
  sourceOf: []
}

/** The file is hard on the disk before `update` returns. */
export class CopyStateFile {
  private state: CopyState

  constructor(readonly file: string) {
    this.state = load(file)
  }

  get(): Readonly<CopyState> {
    return this.state
  }

  update(change: Partial<CopyState>): void {
    const next = { ...this.state, ...change }
    if (JSON.stringify(next) === JSON.stringify(this.state)) return
    try {
      saveHardSync(this.file, sealed(JSON.stringify(next)))
    } catch (error) {
      throw dataError('E_MIRRORD_STATE', { file: this.file, why: (error as Error).message })
    }
    this.state = next
  }
}

function load(file: string): CopyState {
  let text: string
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NEW
    throw dataError('E_MIRRORD_STATE', { file, why: (error as Error).message })
  }
  const json = text.slice(0, Math.max(0, text.indexOf('\n')))
  const parsed = schema.safeParse(parseJson(json))
  // One flipped bit in a number is still a number: only the checksum knows.
  if (!parsed.success || sealed(json) !== text) throw dataError('E_MIRRORD_STATE', { file, why: 'it is damaged' })
  return parsed.data
}

/** Two lines: the state, and the crc32c of the first. */
const sealed = (text: string): string => `${text}\n${checksum(Buffer.from(text)).toString(16).padStart(8, '0')}\n`

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
