import fs from 'node:fs'
import path from 'node:path'
import { Mark, type MarkRecord } from './markRecord'
import { generationOf, type MarksHeader, marksFileName, readMarks } from './marksFile'

export interface Generation {
  header: MarksHeader
  records: MarkRecord[]
}

/** The generations of a folder that are still needed, oldest first; or why nothing can be known. */
export type GenerationsRead = { generations: Generation[] } | { unknown: string }

export function generationsIn(directory: string): number[] {
  let names: string[]
  try {
    names = fs.readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return names
    .map(generationOf)
    .filter((each) => each !== null)
    .sort((one, other) => one - other)
}

/**
 * All that is still needed must be there: the newest generation says which one is the oldest, an older one says when there is a newer one. No file at all is
 * 'unknown', too: an empty map is a file that says so.
 */
export function readGenerations(directory: string, folder: number, lineage: string): GenerationsRead {
  try {
    const newest = generationsIn(directory).at(-1)
    return newest === undefined ? { unknown: 'there is no file of marks' } : readFrom(directory, newest, folder, lineage)
  } catch (error) {
    return { unknown: (error as Error).message }
  }
}

function readFrom(directory: string, newest: number, folder: number, lineage: string): GenerationsRead {
  const last = readGeneration(directory, newest, folder)
  if ('unknown' in last) return last
  const released = last.records.map((each) => (each.kind === Mark.RELEASED ? each.generation : 0))
  const read = readGenerationRange(directory, folder, Math.max(last.header.oldest, ...released), newest)
  if ('unknown' in read) return read
  const foreign = read.generations.find(({ header }) => header.lineage !== lineage)
  if (foreign !== undefined) return { unknown: `${marksFileName(foreign.header.generation)} belongs to another copy` }
  const continued = read.generations.flatMap((each) => each.records).map((each) => (each.kind === Mark.CONTINUED ? each.generation : 0))
  const furthest = Math.max(0, ...continued)
  return furthest > newest ? { unknown: `generation ${furthest} is gone` } : read
}

export function readGenerationRange(directory: string, folder: number, oldest: number, newest: number): GenerationsRead {
  const generations: Generation[] = []
  for (let generation = oldest; generation <= newest; generation++) {
    const read = readGeneration(directory, generation, folder)
    if ('unknown' in read) return read
    generations.push(read)
  }
  return { generations }
}

function readGeneration(directory: string, generation: number, folder: number): Generation | { unknown: string } {
  const name = marksFileName(generation)
  const read = readMarks(fs.readFileSync(path.join(directory, name)))
  if ('damaged' in read) return { unknown: `${name}: ${read.damaged}` }
  const { header, records } = read
  if (header.generation !== generation || header.folder !== folder) return { unknown: `${name} belongs to another place` }
  return { header, records }
}
