import { createHash } from 'node:crypto'
import type { MirrordConfig } from '../../../src/wire/mirrord'

const IDENTITY_DIGITS = 16

/** Frames name a folder by its place: both must mean the same one there, and the same of its files. An older version says only the path. */
export const foldersSaid = ({ folders }: MirrordConfig): string[] =>
  folders.map(({ path, name = path, exclude }) => {
    const identity = createHash('sha256')
      .update(JSON.stringify([name, exclude]))
      .digest('hex')
      .slice(0, IDENTITY_DIGITS)
    return `${path}\0${identity}`
  })

/** null: that of an older version, which says only the path. */
export const identityOf = (folder: string): string | null => folder.split('\0')[1] ?? null
