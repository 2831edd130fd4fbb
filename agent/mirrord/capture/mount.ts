import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import * as libc from '../../native/libc'
import { EACCES, EBUSY, ENODEV, ENOENT, ENOTCONN, EPERM } from '../../native/libcErrors'
import { topMount } from '../../native/mounts'
import { captureError } from './captureReport'
import { IO_BYTES_MAX, O_CLOEXEC, O_DIRECTORY, O_NONBLOCK, O_RDWR } from './protocol'

const TYPE = 'fuse.mirrorpair'
const SOURCE = 'mirrorpair'
/** A mount whose process is gone answers at once; one that lives may be slow. */
const ALIVE_TIMEOUT_MS = 2_000

export function openFolder(folder: string): number {
  const fd = libc.open(libc.cString(libc.toByteString(folder)), O_DIRECTORY | O_CLOEXEC, 0)
  if (fd < 0)
    throw captureError('E_CAPTURE_FOLDER', { folder, why: fd === -ENOENT ? 'it does not exist' : `it cannot be opened as a directory (error ${-fd})` })
  return fd
}

export function openFuse(folder: string): number {
  const fd = libc.open(libc.cString('/dev/fuse'), O_RDWR | O_CLOEXEC | O_NONBLOCK, 0)
  if (fd >= 0) return fd
  const why =
    fd === -ENOENT || fd === -ENODEV
      ? '/dev/fuse is not there'
      : fd === -EPERM || fd === -EACCES
        ? '/dev/fuse may not be opened'
        : `/dev/fuse answers error ${-fd}`
  throw captureError('E_CAPTURE_UNAVAILABLE', { folder, why })
}

export function mountFuse(folder: string, fuseFd: number): void {
  const options = `fd=${fuseFd},rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other,max_read=${IO_BYTES_MAX}`
  const result = libc.mount(libc.cString(SOURCE), libc.cString(libc.toByteString(folder)), libc.cString(TYPE), 0, libc.cString(options))
  if (result < 0) throw captureError('E_CAPTURE_UNAVAILABLE', { folder, why: result === -EPERM ? 'mounting needs root' : `mount answers error ${-result}` })
}

/** Not on the event loop: unmounting flushes, and the flush is served by our own capture thread. */
export async function unmountFuse(folder: string, { lazily }: { lazily: boolean }): Promise<void> {
  const result = await libc.umount2Async(libc.cString(libc.toByteString(folder)), lazily ? libc.MNT_DETACH : 0)
  if (result === 0) return
  const why = libc.umount2(libc.cString(libc.toByteString(folder)), lazily ? libc.MNT_DETACH : 0)
  if (why < 0) throw captureError('E_CAPTURE_BUSY', { folder, why: why === -EBUSY ? 'files in it are open' : `umount answers error ${-why}` })
}

/** A mirrord that was killed leaves a mount that answers nobody: it is taken away. One that lives is respected. */
export async function removeDeadMounts(folder: string): Promise<void> {
  while (isCaptured(folder)) {
    const alive = await Promise.race([fs.promises.statfs(folder).then(() => true, isConnected), sleep(ALIVE_TIMEOUT_MS, true, { ref: false })])
    if (alive) throw captureError('E_CAPTURE_MOUNTED', { folder })
    await unmountFuse(folder, { lazily: true })
  }
}

const isConnected = (error: NodeJS.ErrnoException): boolean => error.errno !== -ENOTCONN

/** Is the topmost mount on this folder one of ours? */
export const isCaptured = (folder: string): boolean => topMount(folder)?.type === TYPE
