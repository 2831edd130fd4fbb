import fs from 'node:fs'
import path from 'node:path'
import { ROW_BYTES, row } from './rows'

/**
 * A directory that goes through a fixed series of states, one small operation after the other, nothing ever fsynced. Whoever looks
 * at a copy of it can tell how many operations it has seen, or that it is a mixture that never was.
 */
const OPERATIONS = 6
const SLOTS = 50
const NAMES_KEPT = 20

/** How often the operation at this place of the round has been done after so many steps. */
const timesDone = (steps: number, place: number): number => Math.floor((steps + OPERATIONS - 1 - place) / OPERATIONS)

export class History {
  private readonly a: number
  private readonly b: number
  private readonly slots: number
  steps = 0

  private constructor(private readonly directory: string) {
    this.a = fs.openSync(path.join(directory, 'a'), 'a')
    this.b = fs.openSync(path.join(directory, 'b'), 'a')
    this.slots = fs.openSync(path.join(directory, 'slots'), 'r+')
  }

  /** A new one in the folder, in its first state; the ones before it go. */
  static begin(folder: string): History {
    const before = historiesIn(folder)
    const next = path.join(folder, `history-${(before.at(-1) ?? 0) + 1}`)
    const fresh = `${next}.new`
    fs.rmSync(fresh, { recursive: true, force: true })
    fs.mkdirSync(path.join(fresh, 'names'), { recursive: true })
    for (const name of ['a', 'b', 'slots', 'at-0']) fs.writeFileSync(path.join(fresh, name), '')
    fs.renameSync(fresh, next)
    for (const number of before) {
      fs.renameSync(path.join(folder, `history-${number}`), path.join(folder, `gone-${number}`))
      fs.rmSync(path.join(folder, `gone-${number}`), { recursive: true })
    }
    return new History(next)
  }

  step(): void {
    const round = Math.floor(this.steps / OPERATIONS)
    const at = (...names: string[]) => path.join(this.directory, ...names)
    const operations = [
      () => fs.writeSync(this.a, row(round)),
      () => fs.writeSync(this.b, row(round)),
      () => fs.writeSync(this.slots, row(round), 0, ROW_BYTES, (round % SLOTS) * ROW_BYTES),
      () => fs.renameSync(at(`at-${round}`), at(`at-${round + 1}`)),
      () => fs.closeSync(fs.openSync(at('names', String(round)), 'wx')),
      () => round >= NAMES_KEPT && fs.unlinkSync(at('names', String(round - NAMES_KEPT)))
    ]
    operations[this.steps % OPERATIONS]?.()
    this.steps += 1
  }
}

function historiesIn(folder: string): number[] {
  const found = fs.readdirSync(folder).map((name) => /^history-(\d+)$/.exec(name)?.[1])
  return found
    .filter((number) => number !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

export interface Found {
  /** How many steps this state has seen; null: there is no history, or this state never was. */
  steps: number | null
  problem: string | null
}

/** Which moment the newest history in the folder shows. */
export function inspect(folder: string): Found {
  const newest = historiesIn(folder).at(-1)
  if (newest === undefined) return { steps: null, problem: null }
  const directory = path.join(folder, `history-${newest}`)
  const places = fs.readdirSync(directory).filter((name) => name.startsWith('at-'))
  if (places.length !== 1) return { steps: null, problem: `${places.length} places: ${places.join(' ')}` }
  const renames = Number(places[0]?.slice('at-'.length))
  const problems: string[] = []
  for (let steps = Math.max(0, (renames - 1) * OPERATIONS + 4); steps <= renames * OPERATIONS + 3; steps += 1) {
    const problem = differsFrom(directory, steps)
    if (problem === null) return { steps, problem: null }
    problems.push(`not after ${steps} steps: ${problem}`)
  }
  return { steps: null, problem: problems.join('; ') }
}

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index)

/** The contents of `slots` after so many writes. */
function slotsAfter(writes: number): Buffer {
  const rows = range(0, Math.min(writes, SLOTS)).map((slot) => row(slot + Math.floor((writes - 1 - slot) / SLOTS) * SLOTS))
  return Buffer.concat(rows)
}

function differsFrom(directory: string, steps: number): string | null {
  const read = (name: string) => fs.readFileSync(path.join(directory, name))
  for (const [place, name] of ['a', 'b'].entries()) {
    const rows = timesDone(steps, place)
    const bytes = read(name)
    if (bytes.length !== rows * ROW_BYTES) return `${name} has ${bytes.length / ROW_BYTES} rows, not ${rows}`
    const wrong = range(0, rows).find((number) => !row(number).equals(bytes.subarray(number * ROW_BYTES, (number + 1) * ROW_BYTES)))
    if (wrong !== undefined) return `row ${wrong} of ${name} is damaged`
  }
  if (!slotsAfter(timesDone(steps, 2)).equals(read('slots'))) return 'slots has other contents'
  const wanted = range(Math.max(0, timesDone(steps, 5) - NAMES_KEPT), timesDone(steps, 4)).join(' ')
  const names = fs.readdirSync(path.join(directory, 'names'))
  const seen = names
    .map(Number)
    .sort((x, y) => x - y)
    .join(' ')
  return seen === wanted ? null : `names are ${seen}, not ${wanted}`
}
