import fs from 'node:fs'
import * as libc from '../native/libc'
import { EINVAL, EPERM } from '../native/libcErrors'

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

interface Mount {
  id: string
  /** The mount on which this one is mounted. */
  parent: string
  device: string
  /** Which directory of its file system it shows. */
  root: string
  point: string
  options: string[]
  /** Of the file system: `ext4`, `fuse.mirrorpair`. */
  type: string
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

/** What one sees there: the last of the mounts on this folder. */
export const topMount = (folder: string): Mount | null => mounts().findLast(({ point }) => point === folder) ?? null

/** proc_pid_mountinfo(5): `ID PARENT DEVICE ROOT POINT OPTIONS … - TYPE …`. */
function mounts(): Mount[] {
  return fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [id = '', parent = '', device = '', root = '', point = '', options = ''] = line.split(' ')
      return {
        id,
        parent,
        device,
        root: unescapeMount(root),
        point: unescapeMount(point),
        options: options.split(','),
        type: / - (\S+) /.exec(line)?.[1] ?? ''
      }
    })
}

/** mountinfo writes blanks and backslashes as octal numbers. */
const unescapeMount = (text: string): string =>
  Buffer.from(text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))).toString()
