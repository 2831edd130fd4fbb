import { setTimeout as delay } from 'node:timers/promises'
import { dataError } from '../../src/wire/frame'
import type { MirrordConfig } from '../../src/wire/mirrord'
import { type FolderCapture, realPath } from './folderCapture'
import { deviceAt, mounts } from '../native/mounts'
import { type FolderUser, usersOf } from './users'

/** What another configuration means for the folders that are mounted now. */
export interface Regrouping {
  /** The keeper's number of each folder of the next configuration. */
  slots: number[]
  /** Mounted for it before this process hands over, so that nothing that is written there from then on is unseen. */
  added: { place: number; slot: number; path: string; exclude: string[] }[]
  /** Places of those that are unmounted. */
  gone: number[]
}

export function regrouping(before: MirrordConfig, slots: readonly number[], next: MirrordConfig): Regrouping {
  const mounted = before.capture === 'fuse' ? before.folders.map(({ path }) => path) : []
  const wanted = next.capture === 'fuse' ? next.folders.map(({ path }) => path) : []
  const used = new Set(slots)
  const added: Regrouping['added'] = []
  const nextSlots = next.folders.map(({ path, exclude }, place) => {
    const was = wanted.includes(path) ? mounted.indexOf(path) : -1
    if (was >= 0) return slots[was] as number
    const slot = firstFree(used)
    used.add(slot)
    if (wanted.includes(path)) added.push({ place, slot, path, exclude })
    return slot
  })
  return { slots: nextSlots, added, gone: mounted.flatMap((path, place) => (wanted.includes(path) ? [] : [place])) }
}

function firstFree(used: ReadonlySet<number>): number {
  let slot = 0
  while (used.has(slot)) slot++
  return slot
}

const USERS_NAMED_MAX = 3
/** Whoever came in the moment in which it was mounted gets so long to leave. */
const UNDO_MS = 2_000
const UNDO_POLL_MS = 50
/** This process, and the keeper that has started it. */
const ours = (): number[] => [process.pid, process.ppid]

/**
 * Files that are open in a folder stay what they are, whatever is mounted over it or unmounted: what an application writes to them would be seen by nobody, or
 * it could not be unmounted. Answers on which file systems the folders are that are to be captured.
 */
export function refuseUsed(job: string, captures: readonly FolderCapture[], { added, gone }: Regrouping): (string | null)[] {
  const known = mounts()
  for (const place of gone) {
    const folder = captures[place]?.path ?? ''
    refuse(job, folder, 'let go of', usersAt(folder, deviceAt(folder, known)))
  }
  return added.map(({ path }) => {
    const folder = realPath(path)
    const device = deviceAt(folder, known)
    refuse(job, folder, 'captured', usersAt(folder, device))
    return device
  })
}

const usersAt = (folder: string, device: string | null, standing = device): FolderUser[] =>
  device === null ? [] : usersOf(folder, ours(), device, standing ?? device)

/** It is mounted now: whoever has opened something in it since is seen, whoever had before is not. */
export const refuseEarlier = (job: string, folder: string, device: string | null): void =>
  refuse(job, folder, 'captured', usersAt(folder, device, deviceAt(folder, mounts())))

function refuse(job: string, folder: string, what: 'let go of' | 'captured', users: FolderUser[]): void {
  if (users.length === 0) return
  const named = users.slice(0, USERS_NAMED_MAX).map(({ name, pid }) => `${name} (process ${pid})`)
  const more = users.length > USERS_NAMED_MAX ? [`${users.length - USERS_NAMED_MAX} more`] : []
  throw dataError('E_FOLDER_USED', { job, folder, what, users: [...named, ...more].join(', ') })
}

/** What was mounted for nothing. */
export async function undo(captures: FolderCapture[]): Promise<void> {
  for (const capture of captures) {
    const deadline = performance.now() + UNDO_MS
    while (!(await ends(capture)) && performance.now() < deadline) await delay(UNDO_POLL_MS)
    await capture.stop({ force: true })
  }
}

const ends = (capture: FolderCapture): Promise<boolean> =>
  capture.stop().then(
    () => true,
    () => false
  )
