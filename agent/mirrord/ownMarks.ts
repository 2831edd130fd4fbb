import fs from 'node:fs'
import type { MirrordConfig } from '../../src/wire/mirrord'
import type { CopyState } from './copyState'
import { dirtyDirectory, readDirtyMap, removeDirtyMap } from './dirty/dirtyMap'
import { encodeDirty } from './dirty/dirtySet'
import { realPath } from './folderCapture'

/** What this node marked as a source and nobody has compared since, as `dirty` frames carry it; null: nothing. */
export async function readOwnMarks(config: MirrordConfig, { role, lineage }: Readonly<CopyState>): Promise<Uint8Array[] | null> {
  const directory = dirtyDirectory(config.dataDirectory)
  if (!fs.existsSync(directory)) return null
  // After an orderly stop anybody may have changed the folder.
  if (role === 'none' || lineage === null) return encodeDirty('unknown')
  return encodeDirty(await readDirtyMap({ directory, lineage, roots: config.folders.map((folder) => realPath(folder.path)) }))
}

/** The copy is equal to the source's. */
export function removeOwnMarks(config: MirrordConfig): void {
  removeDirtyMap(dirtyDirectory(config.dataDirectory))
}
