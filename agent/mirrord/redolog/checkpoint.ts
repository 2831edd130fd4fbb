import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import * as z from 'zod'
import { dataError } from '../../../src/wire/frame'
import { saveHardSync } from '../../adapters/files'
import { bootId } from '../../adapters/processes'
import { ID_BYTES, firstPosition } from './format'
import type { LogPoint } from './logReader'

const count = z.number().int().nonnegative()
const schema = z.strictObject({
  formatVersion: z.literal(1),
  /** Made when the log is begun anew: what belongs to an older one does not count. */
  logId: z.string().length(2 * ID_BYTES),
  /** All before it is hard in the folders. */
  point: z.strictObject({ batch: count, sequence: count, frame: count }),
  lsn: count,
  session: z.string().nullable(),
  /** What has to end before the copy is complete. */
  healing: z.enum(['mirror', 'verify', 'difference']).nullable(),
  /** The source only watches: changes that cannot be repeated are forgiven. */
  watched: z.boolean(),
  /** Nothing after the point was begun. */
  clean: z.boolean(),
  /** The boot of the machine in which redo last worked: without a restart of the machine nothing that was written is lost. */
  bootId: z.string()
})

/** How far redo is for good: `<dataDirectory>/redo/checkpoint.json`. */
export type Checkpoint = z.infer<typeof schema>
export type Healing = Checkpoint['healing']

const NAME = 'checkpoint.json'

export const newCheckpoint = (session: string | null, lsn: number, healing: Healing): Checkpoint => ({
  formatVersion: 1,
  logId: randomBytes(ID_BYTES).toString('hex'),
  point: startPoint(1),
  lsn,
  session,
  healing,
  watched: false,
  clean: true,
  bootId: bootId()
})

/** Before the first batch of a segment that is the first of its log. */
const startPoint = (segment: number): LogPoint => ({ batch: firstPosition(segment), sequence: 1, frame: firstPosition(segment) })

/** null: there is none, or none that can be read; then the log says nothing about the folder. */
export function loadCheckpoint(directory: string): Checkpoint | null {
  try {
    return schema.safeParse(JSON.parse(fs.readFileSync(path.join(directory, NAME), 'utf8'))).data ?? null
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw dataError('E_REDO_LOG', { directory, why: (error as Error).message })
  }
}

/** Hard when it returns; a crash leaves the old one or this one. Throws E_REDO_LOG_FULL where only room is missing: the old one counts then. */
export function saveCheckpoint(directory: string, checkpoint: Checkpoint): void {
  try {
    saveHardSync(path.join(directory, NAME), JSON.stringify(checkpoint))
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw dataError(NO_ROOM.includes(code) ? 'E_REDO_LOG_FULL' : 'E_REDO_LOG', { directory, why: message })
  }
}

const NO_ROOM = ['ENOSPC', 'EDQUOT']
