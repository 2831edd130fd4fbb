import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { decodeDirty, encodeDirty, type DirtySet, fold, joinFolders, WHOLE } from '../../../agent/mirrord/dirty/dirtySet'
import { EXTENT_BYTES, Extents, TO_END } from '../../../agent/mirrord/dirty/extents'
import { encodeMark, Mark, type MarkRecord } from '../../../agent/mirrord/dirty/markRecord'
import { MarksFile, type MarksHeader, marksFileName, readMarks } from '../../../agent/mirrord/dirty/marksFile'
import { readGenerations } from '../../../agent/mirrord/dirty/readGenerations'

const header: MarksHeader = { folder: 0, generation: 7, oldest: 7, beganTicks: 1, lineage: '0b7c5c1e' }
const first: MarkRecord[] = [
  { kind: Mark.NAMES, path: 'base/ä', since: 12_345_678_901, allFiles: false },
  {
    kind: Mark.FILE,
    path: `base/${'x'.repeat(700)}`,
    runs: [
      [0, 3],
      [9, TO_END]
    ]
  }
]
const second: MarkRecord[] = [{ kind: Mark.SUBTREE, path: '' }]
const SECTOR = 512

describe('a file of marks', () => {
  let directory: string
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'marks-'))
  })
  afterEach(() => fs.rmSync(directory, { recursive: true, force: true }))

  function write(...batches: MarkRecord[][]): Buffer {
    const file = MarksFile.create(directory, header)
    for (const batch of batches) file.append(Buffer.concat(batch.map(encodeMark)))
    file.close()
    return fs.readFileSync(path.join(directory, marksFileName(header.generation)))
  }

  test('says what was written', () => {
    expect(readMarks(write(first, second))).toEqual({ header, records: [...first, ...second], torn: false })
  })

  test('grows, and a file that is shorter than it says is damaged', () => {
    const many = Array.from({ length: 40 }, (_, each): MarkRecord[] => [{ kind: Mark.SUBTREE, path: String(each).repeat(5_000) }])
    const bytes = write(...many)
    const read = readMarks(bytes)
    expect('records' in read && read.records.filter((each) => each.kind === Mark.SUBTREE)).toEqual(many.flat())
    for (const length of [0, SECTOR, bytes.length - 1, bytes.length - SECTOR, bytes.length / 2])
      expect(readMarks(bytes.subarray(0, length))).toHaveProperty('damaged')
  })

  test('any damaged byte: the same answer, or none', () => {
    const bytes = write(first, second)
    const good = readMarks(bytes)
    const used = SECTOR * 6
    for (let at = 0; at < used; at++) {
      for (const flip of [0x01, 0xff]) {
        const damaged = Buffer.from(bytes)
        damaged[at]! ^= flip
        const read = readMarks(damaged)
        if (!('damaged' in read)) expect(read).toEqual(good)
      }
    }
  })

  test('a last batch that was not wholly written was never relied upon: the others count', () => {
    const bytes = write(second, first)
    for (const lost of [[2], [3], [2, 3]]) {
      const torn = Buffer.from(bytes)
      for (const sector of lost) torn.fill(0, sector * SECTOR, (sector + 1) * SECTOR)
      expect(readMarks(torn)).toEqual({ header, records: second, torn: lost.length === 1 })
    }
  })

  test('a batch that is gone before another one was hard once: damage', () => {
    const bytes = write(second, first)
    bytes.fill(0, SECTOR, 2 * SECTOR)
    expect(readMarks(bytes)).toHaveProperty('damaged')
  })

  test('missing, foreign and unfinished generations', () => {
    const known = (lineage = header.lineage): boolean => 'generations' in readGenerations(directory, 0, lineage)
    const make = (generation: number, oldest: number, records: MarkRecord[] = []): void => {
      const file = MarksFile.create(directory, { ...header, generation, oldest })
      file.append(Buffer.concat(records.map(encodeMark)))
      file.close()
    }
    const remove = (generation: number): void => fs.rmSync(path.join(directory, marksFileName(generation)))
    expect(known()).toBe(false)
    make(7, 7)
    expect(known()).toBe(true)
    expect(known('another')).toBe(false)
    make(8, 7)
    fs.writeFileSync(path.join(directory, `${marksFileName(9)}.new`), 'half')
    expect(known()).toBe(true)
    remove(7)
    expect(known()).toBe(false)
    make(7, 7, [{ kind: Mark.CONTINUED, generation: 8 }])
    expect(known()).toBe(true)
    remove(8)
    expect(known()).toBe(false)
    make(8, 7, [{ kind: Mark.RELEASED, generation: 8 }])
    remove(7)
    expect(known()).toBe(true)
  })
})

describe('a dirty set', () => {
  const set: DirtySet = [
    {
      names: ['', 'a'],
      files: new Map([
        ['a/f', [{ from: 0, to: EXTENT_BYTES }]],
        ['b', [WHOLE]],
        ['c', []]
      ]),
      subtrees: ['ä']
    },
    { names: [], files: new Map(), subtrees: [] }
  ]

  test('comes back from its chunks, and anything else is unknown', () => {
    const chunks = encodeDirty(set)
    expect(decodeDirty(chunks, 2)).toEqual(set)
    expect(decodeDirty(chunks, 1)).toBe('unknown')
    expect(decodeDirty(encodeDirty('unknown'), 2)).toBe('unknown')
    expect(decodeDirty([], 2)).toBe('unknown')
    for (let length = 0; length < chunks[0]!.length; length++) {
      const cut = decodeDirty([chunks[0]!.subarray(0, length)], 2)
      if (cut !== 'unknown') expect(joinFolders([cut[0]!, set[0]!])).toEqual(joinFolders([set[0]!]))
    }
  })

  test('folds into directories when it is too large, and names everything it named', () => {
    const files = new Map(Array.from({ length: 500 }, (_, each) => [`d${each % 5}/f${each}`, [WHOLE]]))
    expect(fold({ names: [], files, subtrees: [] }, 100)).toEqual({ names: [], files: new Map(), subtrees: ['d0', 'd1', 'd2', 'd3', 'd4'] })
    expect(fold({ names: [], files, subtrees: [] }, 3)).toEqual({ names: [], files: new Map(), subtrees: [''] })
  })
})

describe('extents', () => {
  test.each<[string, [number, number][], [number, number][]]>([
    ['one', [[3, 3]], [[3, 3]]],
    [
      'runs',
      [
        [0, 1],
        [2, 2],
        [40, 41]
      ],
      [
        [0, 2],
        [40, 41]
      ]
    ],
    [
      'to the end',
      [
        [1, 1],
        [5, TO_END],
        [9, 9]
      ],
      [
        [1, 1],
        [5, TO_END]
      ]
    ],
    ['far away', [[1 << 30, 1 << 30]], [[1 << 30, TO_END]]]
  ])('%s', (_, added, runs) => {
    const extents = new Extents()
    for (const [from, to] of added) extents.add(from, to)
    expect(extents.runs()).toEqual(runs)
    for (const [from, to] of added) expect(extents.has(from, to)).toBe(true)
    expect(extents.has(20, 21)).toBe(runs.some(([from, to]) => from <= 20 && to >= 21))
  })
})
