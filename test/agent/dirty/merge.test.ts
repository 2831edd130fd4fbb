import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { encodeMark, Mark, type MarkRecord } from '../../../agent/mirrord/dirty/markRecord'
import { KEEPER_LIMITS, MarkKeeper } from '../../../agent/mirrord/dirty/markKeeper'
import { MarkRing } from '../../../agent/mirrord/dirty/markRing'
import { MarksFile } from '../../../agent/mirrord/dirty/marksFile'
import { readGenerations } from '../../../agent/mirrord/dirty/readGenerations'

const LINEAGE = '0b7c5c1e'
const OLDEST = 2
const GENERATION = OLDEST + KEEPER_LIMITS.generationsMax + 1
const nameOf = (generation: number): string => `changed in ${generation}`
const mark = (generation: number): MarkRecord => ({ kind: Mark.FILE, path: nameOf(generation), runs: [[0, 0]] })

describe('generations that nobody releases', () => {
  let directory: string
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'merge-'))
    for (let generation = OLDEST; generation < GENERATION; generation++) {
      const file = MarksFile.create(directory, { folder: 0, generation, oldest: OLDEST, beganTicks: 1, lineage: LINEAGE })
      file.append(encodeMark(mark(generation)))
      file.close()
    }
  })
  afterEach(() => {
    jest.restoreAllMocks()
    fs.rmSync(directory, { recursive: true, force: true })
  })

  /** Whoever reads now, or after a crash now; null: it is not known, so everything counts. */
  function missing(): string[] | null {
    const read = readGenerations(directory, 0, LINEAGE)
    if ('unknown' in read) return null
    const named = new Set(read.generations.flatMap(({ records }) => records.map((each) => ('path' in each ? each.path : ''))))
    return Array.from({ length: GENERATION - OLDEST }, (_, each) => nameOf(OLDEST + each)).filter((name) => !named.has(name))
  }

  test('become one, and at no moment a mark is missing', () => {
    const given = { ring: new MarkRing().shared, wakeFd: -1, directory, folder: 0, lineage: LINEAGE, generation: GENERATION, oldest: OLDEST }
    const told: string[] = []
    const keeper = new MarkKeeper(
      { ...given, unknownBefore: false, limits: KEEPER_LIMITS },
      new MarkRing(given.ring),
      (news) => told.push(news.kind),
      () => 0
    )
    keeper.start()
    const seen: (string[] | null)[] = []
    for (const step of ['writeSync', 'fsyncSync', 'fdatasyncSync', 'renameSync', 'rmSync'] as const) {
      const real = fs[step] as (...given: unknown[]) => unknown
      jest.spyOn(fs, step).mockImplementation(((...args: unknown[]) => {
        seen.push(missing())
        return real(...args)
      }) as never)
    }
    keeper.round()
    jest.restoreAllMocks()
    keeper.stop()
    expect(told).toContain('merged')
    expect(fs.readdirSync(directory)).toHaveLength(2)
    expect(seen.length).toBeGreaterThan(KEEPER_LIMITS.generationsMax)
    expect([...seen, missing()].flat()).toEqual([])
  })
})
