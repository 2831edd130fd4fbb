import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { nextData } from '../../../agent/mirrord/walk/sourceTree'

const BLOCK = 65_536
/** A descriptor that nobody has. */
const NO_FILE = 1_000_000

let directory: string
beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrord-test-'))))
afterEach(() => fs.rmSync(directory, { recursive: true }))

test('data and holes of a file, one after the other; behind the last data there is only a hole', () => {
  const file = fs.openSync(path.join(directory, 'sparse'), 'w+')
  fs.writeSync(file, Buffer.alloc(BLOCK, 1), 0, BLOCK, BLOCK)
  fs.ftruncateSync(file, 4 * BLOCK)
  expect(nextData(file, 0)).toEqual({ begin: BLOCK, end: 2 * BLOCK })
  expect(nextData(file, 2 * BLOCK)).toBeNull()
  expect(nextData(file, 9 * BLOCK)).toBeNull()
  fs.closeSync(file)
})

test('what the system cannot say is no hole', () => {
  expect(() => nextData(NO_FILE, 0)).toThrow('cannot say where the data of a file begins (error 9)')
})
