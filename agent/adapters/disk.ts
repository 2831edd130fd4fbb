import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import * as z from 'zod'
import { KEPT_FORMAT_MAX, type KeptState, readKept } from '../../src/wire/keptState'
import type { DiskPort, Places } from '../ports'
import { failure, plainReason } from './failure'
import { syncDirectory, writeFlushed } from './files'

const FILE_MODE = 0o600

const fileSchema = z.object({ generation: z.int().min(1), sha256: z.string(), state: z.unknown() })

/**
 * `engine.json` holds the newest state, `engine.previous.json` the one before, for a person to look at.
 * The previous one is never used by itself: it may say that this node owns a job which it has handed over since.
 */
export function createDiskPort(places: Pick<Places, 'stateDirectory' | 'node'>): DiskPort {
  const file = path.join(places.stateDirectory, 'engine.json')
  const previous = path.join(places.stateDirectory, 'engine.previous.json')
  let generation = 0
  let last: Promise<void> = Promise.resolve()

  const load = async (): Promise<KeptState | null> => {
    const text = await readOrNull(file, previous, places.node)
    if (text === null) return null
    const read = parseState(text)
    if (typeof read === 'number') throw failure('E_STATE_NEWER', { node: places.node, file, found: read, known: KEPT_FORMAT_MAX })
    if (typeof read === 'string') throw failure('E_STATE_DAMAGED', { node: places.node, file, previous, why: read })
    if (read.state.node !== places.node) throw failure('E_STATE_FOREIGN', { node: places.node, file, other: read.state.node })
    generation = read.generation
    return read.state
  }

  /** One after the other, in the order asked for: a later state never hides behind an earlier one. */
  const save = (state: KeptState): Promise<void> => {
    const text = stateText(state, ++generation)
    const saved = last.then(() => replace(places.stateDirectory, file, previous, text))
    last = saved.catch(() => undefined)
    return saved.catch((error: unknown) => Promise.reject(failure('E_STATE_NOT_SAVED', { node: places.node, file, why: plainReason(error) })))
  }

  return { load, save }
}

/** A newest file that is gone while the previous one is there is damage too: every save leaves both. */
async function readOrNull(file: string, previous: string, node: string): Promise<string | null> {
  try {
    return await fs.promises.readFile(file, 'utf8')
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (missing && !fs.existsSync(previous)) return null
    throw failure('E_STATE_DAMAGED', { node, file, previous, why: missing ? 'it is missing, and there is a previous one' : plainReason(error) })
  }
}

const checksum = (generation: number, state: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([generation, state]))
    .digest('hex')

function stateText(state: KeptState, generation: number): string {
  return `${JSON.stringify({ generation, sha256: checksum(generation, state), state }, null, 2)}\n`
}

/** The state, or in a few words what is wrong with it, or the number of a format that is newer than this version. */
function parseState(text: string): { generation: number; state: KeptState } | string | number {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return 'it is not whole JSON'
  }
  const file = fileSchema.safeParse(json)
  if (!file.success) return 'it is not a state file'
  if (file.data.sha256 !== checksum(file.data.generation, file.data.state)) return 'its checksum does not match'
  const read = readKept(file.data.state)
  if (read.is === 'newer') return read.formatVersion
  return read.is === 'damaged' ? `it was written by another version: ${read.why}` : { generation: file.data.generation, state: read.state }
}

/** The name `engine.json` always leads to a whole file: the old one gets its second name before the new one takes its place. */
async function replace(directory: string, file: string, previous: string, text: string): Promise<void> {
  await fs.promises.mkdir(directory, { recursive: true, mode: 0o700 })
  await writeFlushed(`${file}.new`, text, FILE_MODE)
  await fs.promises.rm(`${previous}.new`, { force: true })
  const hadOne = await fs.promises.link(file, `${previous}.new`).then(() => true, isMissing)
  if (hadOne) await fs.promises.rename(`${previous}.new`, previous)
  await fs.promises.rename(`${file}.new`, file)
  await syncDirectory(directory)
}

function isMissing(error: NodeJS.ErrnoException): false {
  if (error.code === 'ENOENT') return false
  throw error
}
