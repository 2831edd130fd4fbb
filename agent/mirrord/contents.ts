import fs from 'node:fs'
import path from 'node:path'
import * as z from 'zod'
import { dataError } from '../../src/wire/frame'
import type { MirrordConfig } from '../../src/wire/mirrord'
import { saveHardSync } from '../adapters/files'
import type { CopyStateFile } from './copyState'
import { dirtyDirectory, removeDirtyMap } from './dirty/dirtyMap'

type Folders = { path: string; exclude: string[] }[]

const schema = z.strictObject({ formatVersion: z.literal(1), folders: z.array(z.strictObject({ path: z.string(), exclude: z.array(z.string()) })) })

const fileOf = ({ dataDirectory }: MirrordConfig): string => path.join(dataDirectory, 'contents.json')

/**
 * Of which folders this node's copy is one: redo log and dirty map name them by their places. When the configuration names others, nothing that is known of
 * the copy counts any more. Beside the state file, which other versions have to read. null: it was never kept.
 */
function readContents(config: MirrordConfig): Folders | null {
  const file = fileOf(config)
  try {
    return schema.parse(JSON.parse(fs.readFileSync(file, 'utf8'))).folders
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    // Whatever it was of: not of these.
    return []
  }
}

function saveContents(config: MirrordConfig): void {
  const file = fileOf(config)
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    saveHardSync(file, `${JSON.stringify({ formatVersion: 1, folders: bare(config.folders) })}\n`)
  } catch (error) {
    throw dataError('E_MIRRORD_STATE', { file, why: (error as Error).message })
  }
}

export interface ContentsHands {
  say(line: string): void
  /** What a target's redo log holds goes to the folders that it is of. */
  applyRest(before: MirrordConfig): Promise<unknown>
  /** Nobody serves these any more. */
  release(gone: MirrordConfig): Promise<void>
  state(): CopyStateFile
}

/** Before a role begins. True: these are other folders than those that this copy is of, and nothing that was known of it counts any more. */
export async function followContents(config: MirrordConfig, { say, applyRest, release, state }: ContentsHands): Promise<boolean> {
  const before = readContents(config)
  if (before !== null && sameContents(before, config.folders)) return false
  if (before !== null) {
    say('other folders are replicated now, or others of their files: nothing that was known of this copy counts any more')
    if (before.length > 0) await applyRest({ ...config, folders: before })
    await release({ ...config, folders: before.filter(({ path: old }) => !config.folders.some((each) => each.path === old)) })
    state().update({ copyComplete: false, lineage: null, session: null })
    // Its marks name other folders by these places.
    removeDirtyMap(dirtyDirectory(config.dataDirectory))
  }
  saveContents(config)
  return before !== null
}

export const sameContents = (one: Folders, other: Folders): boolean => JSON.stringify(bare(one)) === JSON.stringify(bare(other))

const bare = (folders: Folders): Folders => folders.map(({ path: folder, exclude }) => ({ path: folder, exclude }))
