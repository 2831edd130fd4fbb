import { fold, joinRanges, parentOf, standsBelow, type DirtyFolder } from './dirtySet'
import { TO_END } from './extents'
import { encodeMark, Mark, type MarkRecord } from './markRecord'
import { type Generation, readGenerationRange } from './readGenerations'

/** A merged generation holds at most so many marks; then directories stand for what is in them. */
const MERGED_MARKS_MAX = 32_768
const BATCH_BYTES = 1 << 20

type NamesRecord = MarkRecord & { kind: Mark.NAMES }

/** What these generations say together, as one: in batches for a file. Throws when one of them cannot be read. */
export function mergeGenerations(directory: string, folder: number, oldest: number, newest: number): Merged {
  const read = readGenerationRange(directory, folder, oldest, newest)
  if ('unknown' in read) throw new Error(read.unknown)
  const records = mergeRecords(read.generations)
  const lineages = read.generations.map(({ header }) => header.lineage)
  // Marks of two lineages stay foreign to the newer one.
  const lineage = lineages.find((each) => each !== lineages.at(-1)) ?? lineages.at(-1)!
  return { lineage, beganTicks: read.generations[0]!.header.beganTicks, records, batches: inBatches(records) }
}

export interface Merged {
  lineage: string
  beganTicks: number
  records: MarkRecord[]
  batches: Buffer[]
}

function mergeRecords(generations: Generation[]): MarkRecord[] {
  const names = new Map<string, NamesRecord>()
  const set: DirtyFolder = { names: [], files: new Map(), subtrees: [] }
  for (const record of generations.flatMap((each) => each.records)) {
    if (record.kind === Mark.NAMES) addNames(names, record)
    if (record.kind === Mark.SUBTREE) set.subtrees.push(record.path)
    if (record.kind === Mark.FILE)
      set.files.set(record.path, joinRanges([...(set.files.get(record.path) ?? []), ...record.runs.map(([from, to]) => ({ from, to: to + 1 }))]))
  }
  set.names = [...names.keys()]
  const folded = fold(set, MERGED_MARKS_MAX)
  const tops = new Set(folded.subtrees)
  const kept = folded.names.map((path) => names.get(path)!).filter(({ path }) => !standsBelow(path, tops))
  return [
    ...kept,
    ...[...folded.files].map(
      ([path, ranges]): MarkRecord => ({ kind: Mark.FILE, path, runs: ranges.map(({ from, to }) => [from, to === TO_END ? to : to - 1]) })
    ),
    ...folded.subtrees.filter((path) => path === '' || !standsBelow(parentOf(path)!, tops)).map((path): MarkRecord => ({ kind: Mark.SUBTREE, path }))
  ]
}

function addNames(names: Map<string, NamesRecord>, record: NamesRecord): void {
  const known = names.get(record.path)
  names.set(record.path, known === undefined ? record : { ...record, since: Math.min(record.since, known.since), allFiles: record.allFiles || known.allFiles })
}

function inBatches(records: MarkRecord[]): Buffer[] {
  const batches: Buffer[] = []
  let batch: Buffer[] = []
  let bytes = 0
  for (const record of records) {
    const encoded = encodeMark(record)
    batch.push(encoded)
    bytes += encoded.length
    if (bytes < BATCH_BYTES) continue
    batches.push(Buffer.concat(batch))
    batch = []
    bytes = 0
  }
  return [...batches, Buffer.concat(batch)]
}
