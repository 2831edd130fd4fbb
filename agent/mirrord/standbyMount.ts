import * as libc from '../native/libc'
import { EINVAL, EPERM } from '../native/libcErrors'
import { mounts, topMount } from '../native/mounts'

/**
 * The standby's copy may be changed by nobody but redo (product §5): its folder is mounted over itself, read-only. Redo opened the
 * folder before, and so writes below the mount. A mirrord that is killed leaves the mount behind, which is what one wants of it.
 */
const MS_RDONLY = 1
const MS_REMOUNT = 32
const MS_BIND = 4096
const MS_REC = 16384
/** What the file system was mounted with has to be said again when the mount over it becomes read-only. */
const KEPT_FLAGS: Record<string, number> = { nosuid: 2, nodev: 4, noexec: 8, noatime: 1024, nodiratime: 2048, relatime: 1 << 21 }
const NONE = libc.cString('')

const bytes = (folder: string): Buffer => libc.cString(libc.toByteString(folder))

/** False: this process may not mount (it is not root). Throws with the error number where it should have gone. */
export function makeReadOnly(folder: string): boolean {
  if (isReadOnlyMount(folder)) return true
  const bound = libc.mount(bytes(folder), bytes(folder), NONE, MS_BIND | MS_REC, NONE)
  if (bound === -EPERM) return false
  if (bound < 0) throw new Error(`mounting ${folder} over itself answers error ${-bound}`)
  const flags = topMount(folder)?.options.reduce((sum, option) => sum | (KEPT_FLAGS[option] ?? 0), 0) ?? 0
  const changed = libc.mount(NONE, bytes(folder), NONE, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NONE)
  if (changed === 0) return true
  libc.umount2(bytes(folder), libc.MNT_DETACH)
  throw new Error(`making ${folder} read-only answers error ${-changed}`)
}

/** Lazily: who reads in it goes on reading, and holds nothing up. */
export function makeWritable(folder: string): void {
  while (isReadOnlyMount(folder)) {
    const gone = libc.umount2(bytes(folder), libc.MNT_DETACH)
    if (gone < 0 && gone !== -EINVAL) throw new Error(`unmounting ${folder} answers error ${-gone}`)
  }
}

/** Is the topmost mount on this folder the folder itself, read-only? (The folder may be a mount point of its own: what is below is told by the parent.) */
export function isReadOnlyMount(folder: string): boolean {
  const all = mounts()
  const top = all.findLast(({ point }) => point === folder)
  const below = all.find(({ id }) => id === top?.parent)
  if (!top?.options.includes('ro') || below === undefined) return false
  return below.device === top.device && join(below.root, folder.slice(below.point.length)) === top.root
}

const join = (root: string, below: string): string => `${root}/${below}`.replace(/\/+/g, '/').replace(/(.)\/$/, '$1')
