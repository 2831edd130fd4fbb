import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { encodeMark, Mark, type MarkRecord } from '../../../agent/mirrord/dirty/markRecord'
import { marksFileName, MarksFile, readMarks } from '../../../agent/mirrord/dirty/marksFile'
import { readGenerations } from '../../../agent/mirrord/dirty/readGenerations'
import { damaged } from '../../kit/damage'
import { randomSource } from '../../kit/randomFiles'

const SEEDS = 250
const BATCHES = 12
const LINEAGE = 'one-lineage'

let directory: string
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-marks-'))
})
afterEach(() => fs.rmSync(directory, { recursive: true }))

function someRecords(random: () => number): MarkRecord[] {
  const name = () => `d${Math.floor(random() * 50)}/f${Math.floor(random() * 1e6)}${'x'.repeat(Math.floor(random() * 120))}`
  return Array.from({ length: 1 + Math.floor(random() * 9) }, (_, place): MarkRecord => {
    if (place % 3 === 0) return { kind: Mark.NAMES, path: name(), since: Math.floor(random() * 1e9), allFiles: random() < 0.5 }
    if (place % 3 === 1) return { kind: Mark.FILE, path: name(), runs: [[Math.floor(random() * 100), 100 + Math.floor(random() * 100)]] }
    return { kind: Mark.SUBTREE, path: name() }
  })
}

/** A file as a busy source leaves it: batch after batch, each hard. */
function makeFile(): { file: string; written: MarkRecord[] } {
  const random = randomSource(42)
  const marks = MarksFile.create(directory, { folder: 0, generation: 7, oldest: 7, beganTicks: 5, lineage: LINEAGE })
  const written: MarkRecord[] = []
  for (let batch = 0; batch < BATCHES; batch++) {
    const records = someRecords(random)
    marks.append(Buffer.concat(records.map(encodeMark)))
    written.push(...records)
  }
  marks.close()
  return { file: path.join(directory, marksFileName(7)), written }
}

test(`a file of marks that was damaged is unknown, or says all that it said: nothing that was marked is ever forgotten (${SEEDS} seeds)`, () => {
  const { file, written } = makeFile()
  const good = fs.readFileSync(file)
  expect(readMarks(good)).toMatchObject({ records: written, torn: false })
  // Where something stands: most of the file is zeros that wait for more.
  const used =
    good.length -
    (Buffer.from(good)
      .reverse()
      .findIndex((byte) => byte !== 0) ?? 0)
  let refused = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { bytes, what } = damaged(good.subarray(0, used), seed)
    const read = readMarks(bytes.length < used ? bytes : Buffer.concat([bytes, good.subarray(used)]))
    if ('damaged' in read) refused += 1
    else expect({ what, records: read.records }).toEqual({ what, records: written })
  }
  expect(refused).toBeGreaterThan(SEEDS * 0.8)
})

test('a file that is missing, of another copy, of another folder or under another name is unknown', () => {
  expect(readGenerations(directory, 0, LINEAGE)).toHaveProperty('unknown')
  const { file } = makeFile()
  expect(readGenerations(directory, 0, LINEAGE)).toHaveProperty('generations')
  expect(readGenerations(directory, 0, 'another-lineage')).toHaveProperty('unknown')
  expect(readGenerations(directory, 1, LINEAGE)).toHaveProperty('unknown')
  fs.renameSync(file, path.join(directory, marksFileName(9)))
  expect(readGenerations(directory, 0, LINEAGE)).toHaveProperty('unknown')
})
