import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Config, FolderConfig } from '../../../src/model'
import { isInside, overlap } from '../../../src/model/places'
import type { FolderSeen } from '../../../src/wire'
import type { Places } from '../../ports'
import { runCommand } from '../command'
import { failure, plainReason } from '../failure'
import type { Findings } from './findings'

/** A file system that does not answer must not hold the engine up. */
const LOOK_MS = 3_000
/** A large tree is not counted to its end. */
const COUNT_MS = 5_000
/** Not of files: what is in them is made by the kernel. */
const OF_THE_KERNEL = ['/proc', '/sys', '/dev']

interface Place {
  job: string
  place: number
  path: string
  real: string
}

type FolderPlaces = Pick<Places, 'node' | 'stateDirectory' | 'runDirectory'>

/** Folders that are new in it: there, of nobody else, and how much is in them. */
export async function checkFolders(places: FolderPlaces, before: Config, next: Config, findings: Findings): Promise<void> {
  const all = await Promise.all(foldersOf(next))
  const own = await Promise.all([places.stateDirectory, places.runDirectory].map(realOf))
  for (const folder of all) {
    const known = before.jobs[folder.job]?.data?.folders.some(({ path: old }) => old === folder.path)
    if (known) continue
    const why = (await whyNotFolder(folder.path)) ?? whyNotHere(folder, all, own)
    if (why !== null) findings.refuse(failure('E_CONFIG_PATH', { node: places.node, path: folder.path, job: folder.job, why }))
    else await see(folder, findings)
  }
}

const foldersOf = ({ jobs }: Config): Promise<Place>[] =>
  Object.values(jobs).flatMap(({ name, data }) =>
    (data?.folders ?? []).map(async ({ path: folder }: FolderConfig, place) => ({ job: name, place, path: folder, real: await realOf(folder) }))
  )

/** Where it leads to; of what is not there, or does not answer, as it is written. */
const realOf = (folder: string): Promise<string> => answered(fs.promises.realpath(folder)).catch(() => folder)

async function whyNotFolder(folder: string): Promise<string | null> {
  try {
    return (await answered(fs.promises.stat(folder))).isDirectory() ? null : 'it is no folder'
  } catch (error) {
    const parent = path.dirname(folder)
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT' && !(await isThere(parent))
    return missing ? `it is not there, and neither is ${parent}` : plainReason(error)
  }
}

const isThere = (folder: string): Promise<boolean> =>
  answered(fs.promises.stat(folder)).then(
    () => true,
    () => false
  )

/** Links may lead one folder into another although their names say nothing of it. */
function whyNotHere({ job, place, real }: Place, all: Place[], own: string[]): string | null {
  const other = all.find((each) => (each.job !== job || each.place !== place) && overlap(real, each.real))
  if (other) return `it is ${other.real}${other.real === other.path ? '' : ` (${other.path})`} of ${other.job}, or in it, or around it`
  const of = own.find((each) => overlap(real, each))
  if (of) return `the agent keeps its own files in ${of}`
  return OF_THE_KERNEL.some((each) => isInside(each, real)) ? `${real} is of the kernel's own making` : null
}

async function see({ job, place, path: folder }: Place, findings: Findings): Promise<void> {
  try {
    const { bsize, bavail } = await answered(fs.promises.statfs(folder))
    const names = await answered(fs.promises.readdir(folder))
    const counted = names.length === 0 ? { bytes: 0, counted: true } : await count(folder)
    findings.folders.push({ job, place, path: folder, empty: names.every((name) => name === 'lost+found'), freeBytes: bsize * bavail, ...counted })
  } catch (error) {
    findings.warn(`it is not known how much is in ${folder} of ${job}: ${plainReason(error)}.`)
  }
}

/** In a process of its own: it may be slow, and is ended then. */
async function count(folder: string): Promise<Pick<FolderSeen, 'bytes' | 'counted'>> {
  const { exitCode, output } = await runCommand('du', ['--summarize', '--block-size=1', '--one-file-system', '--', folder], COUNT_MS)
  const bytes = Number.parseInt(output, 10)
  return { bytes: Number.isSafeInteger(bytes) ? bytes : 0, counted: exitCode !== null && Number.isSafeInteger(bytes) }
}

async function answered<T>(work: Promise<T>): Promise<T> {
  const late = new AbortController()
  const silent = pause(LOOK_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`its file system does not answer within ${LOOK_MS / 1_000} s`)
  })
  try {
    return await Promise.race([work, silent])
  } finally {
    late.abort()
    silent.catch(() => undefined)
  }
}
