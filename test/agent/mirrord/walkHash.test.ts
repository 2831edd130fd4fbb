import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Hasher } from '../../../agent/mirrord/walk/hasher'
import { HashPool } from '../../../agent/mirrord/walk/hashPool'
import { randomSource } from '../../kit/randomFiles'

const BYTES = 4 * 1024 * 1024
const MIB_PER_S_MIN = 100

let directory: string
beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hash-'))))
afterEach(() => fs.rmSync(directory, { recursive: true }))

test('several threads find the same hashes as one, for every length and at the end of the file, and are fast enough', () => {
  const random = randomSource(3)
  fs.writeFileSync(path.join(directory, 'file'), Buffer.from(Float64Array.from({ length: 3 * 131_072 }, random).buffer))
  const file = fs.openSync(path.join(directory, 'file'), 'r')
  const pool = new HashPool(BYTES, 3)
  const alone = new Hasher(BYTES)
  try {
    for (let round = 0; round < 40; round++) {
      const offset = Math.floor(random() * BYTES)
      const length = 1 + Math.floor(random() * BYTES)
      expect(pool.hash(file, offset, length)).toEqual(alone.hash(file, offset, length))
    }
    const begun = performance.now()
    for (let round = 0; round < 20; round++) alone.hash(file, 0, 3 * 1024 * 1024)
    expect((20 * 3 * 1_000) / (performance.now() - begun)).toBeGreaterThan(MIB_PER_S_MIN)
  } finally {
    pool.end()
    fs.closeSync(file)
  }
})
