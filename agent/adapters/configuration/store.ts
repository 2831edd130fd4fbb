import fs from 'node:fs'
import path from 'node:path'
import * as z from 'zod'
import type { ConfigVersion } from '../../../src/wire'
import type { KeptConfig, Places } from '../../ports'
import { failure, plainReason } from '../failure'
import { saveHard } from '../files'

const version: z.ZodType<ConfigVersion> = z.looseObject({
  version: z.int().min(0),
  hash: z.string(),
  text: z.string(),
  by: z.string(),
  why: z.string().nullable(),
  node: z.string(),
  wallMs: z.number(),
  witnessSince: z.int().min(0),
  jobsSince: z.record(z.string(), z.int().min(0)).optional(),
  id: z.string()
})

const keptSchema = z.object({
  formatVersion: z.literal(1),
  agreed: version,
  isAgreed: z.boolean(),
  prepared: version.nullable(),
  before: version.nullable(),
  history: z.array(version),
  fileWritten: z.boolean()
})

export const keptFile = ({ stateDirectory }: Pick<Places, 'stateDirectory'>): string => path.join(stateDirectory, 'config.json')

/** null: this node has never kept one. */
export function loadKept(places: Pick<Places, 'stateDirectory' | 'node'>): KeptConfig | null {
  const file = keptFile(places)
  let text: string
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw failure('E_CONFIG_KEPT', { node: places.node, file, why: plainReason(error) })
  }
  const read = parseKept(text)
  if (typeof read === 'string') throw failure('E_CONFIG_KEPT', { node: places.node, file, why: read })
  return read
}

function parseKept(text: string): KeptConfig | string {
  try {
    const kept = keptSchema.safeParse(JSON.parse(text))
    return kept.success ? kept.data : `it was written by another version: ${kept.error.issues[0]?.path.join('.')} ${kept.error.issues[0]?.message}`
  } catch {
    return 'it is not whole JSON'
  }
}

export async function saveKept(places: Pick<Places, 'stateDirectory'>, kept: KeptConfig): Promise<void> {
  await saveHard(keptFile(places), `${JSON.stringify({ formatVersion: 1, ...kept }, null, 2)}\n`)
}

/** A link to the real place of the file stays one, and its rights stay what they were. */
export async function writeConfigFile(file: string, text: string): Promise<void> {
  const real = await fs.promises.realpath(file).catch(() => file)
  const mode = await fs.promises.stat(real).then(
    (stat) => stat.mode & 0o777,
    () => 0o644
  )
  await saveHard(real, text, mode)
}
