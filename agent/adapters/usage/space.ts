import fs from 'node:fs'
import { type Mount, mounts } from '../../native/mounts'
import { percentOf } from './proc'

/** A file system that answers later than that (a network share whose server is away) cannot be read. */
export const SPACE_TIMEOUT_MS = 2_000

export interface Space {
  usedPercent: number
  freeBytes: number
  /** null: this kind of file system does not count them. */
  inodesPercent: number | null
}

/** Still waited for by a thread that nobody can wake: never asked again before it has answered. */
const hanging = new Set<string>()

export async function spaceOf(path: string): Promise<Space | null> {
  if (hanging.has(path)) return null
  hanging.add(path)
  const asked = fs.promises.statfs(path).then(spaceFrom, () => null)
  void asked.finally(() => hanging.delete(path))
  const { promise: late, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(() => resolve(null), SPACE_TIMEOUT_MS)
  const space = await Promise.race([asked, late])
  clearTimeout(timer)
  return space
}

/** As df counts: what is kept for root is neither used nor free. */
function spaceFrom({ bsize, blocks, bfree, bavail, files, ffree }: fs.StatsFs): Space {
  const used = blocks - bfree
  return { usedPercent: percentOf(used, used + bavail), freeBytes: bavail * bsize, inodesPercent: files === 0 ? null : percentOf(files - ffree, files) }
}

/** File systems that hold files of this machine: those of the kernel itself, and of other machines, are not asked without being named. */
const OF_DISKS = /^(ext[234]|xfs|btrfs|f2fs|zfs|vfat|ntfs3?|tmpfs|overlay)$/
const PLACES_MAX = 32

/** Where they are mounted, one place each. */
export function mountedPlaces(): string[] {
  const seen = new Set<string>()
  const places: string[] = []
  for (const { root, type, device, point } of readMounts()) {
    if (root !== '/' || !OF_DISKS.test(type) || seen.has(device) || /^\/(proc|sys|dev|run)(\/|$)/.test(point)) continue
    seen.add(device)
    places.push(point)
  }
  return places.slice(0, PLACES_MAX)
}

/** None: /proc is not there, or not for us. */
function readMounts(): Mount[] {
  try {
    return mounts()
  } catch {
    return []
  }
}
