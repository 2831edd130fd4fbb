import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { emptyFolder, type DirtyFolder } from '../../../agent/mirrord/dirty/dirtySet'
import { ComparisonReport, readComparisonReport } from '../../../agent/mirrord/walk/comparisonReport'
import { timeSpecs } from '../../../agent/mirrord/redo/making'
import * as libc from '../../../agent/native/libc'
import { VERIFY_LIST_MAX } from '../../../src/wire/mirrord'
import { compareTrees } from '../../kit/compareTrees'
import { WalkedTree } from './walkedTree'

const LARGE_BYTES = 3 * 1024 * 1024
const BLOCK = 64 * 1024
let directory: string
let source: string
let target: string
let walked: WalkedTree
const there = (name: string): string => path.join(target, name)
const here = (name: string): string => path.join(source, name)

/** A mirrored tree with one of everything that a stranger can spoil. */
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'finds-'))
  ;[source, target] = ['source', 'target'].map((name) => path.join(directory, name)) as [string, string]
  for (const folder of [source, target, here('d'), here('d/e')]) fs.mkdirSync(folder)
  fs.writeFileSync(here('large'), Buffer.alloc(LARGE_BYTES, 'all work and no play '))
  for (const name of ['one', 'two', 'd/three', 'd/e/four']) fs.writeFileSync(here(name), `this is ${name}`)
  fs.linkSync(here('one'), here('d/one again'))
  fs.symlinkSync('two', here('link'))
  const long = new Date(Date.now() - 3_600_000)
  for (const name of ['large', 'one', 'two', 'd/three', 'd/e/four', 'd/e', 'd', '']) fs.utimesSync(here(name), long, long)
  walked = new WalkedTree(source, target)
  walked.mirror()
  walked.drain()
})
afterEach(() => {
  walked.redo.close()
  fs.rmSync(directory, { recursive: true })
})

function flip(file: string, at: number): void {
  const { mtimeNs } = fs.statSync(file, { bigint: true })
  const descriptor = fs.openSync(file, 'r+')
  const byte = Buffer.alloc(1)
  fs.readSync(descriptor, byte, 0, 1, at)
  fs.writeSync(descriptor, Buffer.of(byte[0]! ^ 1), 0, 1, at)
  fs.closeSync(descriptor)
  libc.utimensat(libc.AT_FDCWD, libc.cString(file), timeSpecs(null, mtimeNs), 0)
}

const told = (): string[] => [...new Set(walked.found.map(({ what, path: name }) => `${what} ${name}`))].sort()

test('equal sides have no differences, and a second look finds none either', () => {
  walked.compare()
  expect(told()).toEqual([])
})

test('a flipped byte is found in its block, and only this block is sent', () => {
  flip(there('large'), 10 * BLOCK + 5)
  const sent: number[] = []
  const { append } = walked.log
  walked.log.append = (operation) => {
    if (operation.kind === 'write') sent.push(operation.data.length)
    return append.call(walked.log, operation)
  }
  walked.compare()
  expect(walked.found).toEqual([{ folder: 0, path: 'large', what: 'content', offset: 10 * BLOCK, length: BLOCK }])
  expect(sent).toEqual([BLOCK])
  expect(compareTrees(source, target, {})).toEqual([])
})

const SPOILT: [string, () => void, string[]][] = [
  ['missing', () => fs.rmSync(there('d/e'), { recursive: true }), ['missing d/e']],
  ['too much', () => fs.mkdirSync(there('d/more/and/more'), { recursive: true }), ['extra d/more']],
  ['touched', () => fs.utimesSync(there('two'), 1, 1), ['attributes two']],
  ['of another mode', () => fs.chmodSync(there('d'), 0o711), ['attributes d']],
  ['longer', () => fs.appendFileSync(there('two'), 'and more'), ['attributes two', 'content two']],
  ['shorter', () => fs.truncateSync(there('two'), 3), ['attributes two', 'content two']],
  [
    'of another kind',
    () => {
      fs.rmSync(there('two'))
      fs.mkdirSync(there('two'))
    },
    ['kind two']
  ],
  [
    'a link to elsewhere',
    () => {
      fs.rmSync(there('link'))
      fs.symlinkSync('/etc/passwd', there('link'))
    },
    ['content link']
  ],
  [
    'no link any more',
    () => {
      fs.copyFileSync(there('one'), there('x'))
      fs.renameSync(there('x'), there('one'))
    },
    ['attributes one', 'links d/one again']
  ],
  [
    'a link that should be none',
    () => {
      fs.rmSync(there('two'))
      fs.linkSync(there('d/three'), there('two'))
    },
    ['links d/three', 'links two']
  ],
  ['with one attribute too many', () => libc.lsetxattr(libc.cString(there('two')), libc.cString('user.more'), Buffer.from('x'), 1, 0), ['xattrs two']]
]

test.each(SPOILT)('what is %s on the target is found, named and repaired', (_, spoil, expected) => {
  spoil()
  walked.compare()
  for (const each of expected) expect(told()).toContain(each)
  expect(compareTrees(source, target, {})).toEqual([])
  walked.compare()
  expect(told()).toEqual([])
})

test.each([0, 1, 2, 3])('a file with a name in each of four directories, of which only the one at place %i is left, gets all its names again', (left) => {
  const places = ['m', 'n', 'o', 'p']
  for (const place of places) fs.mkdirSync(here(place))
  fs.writeFileSync(here('m/0'), 'linked')
  for (const place of places.slice(1)) fs.linkSync(here('m/0'), here(`${place}/${place}`))
  walked.mirror()
  walked.drain()
  for (const [index, place] of places.entries()) if (index !== left) fs.rmSync(there(place), { recursive: true })
  walked.compare()
  expect(compareTrees(source, target, {})).toEqual([])
})

test('a comparison of what is marked costs what is marked, and nothing else is looked at', () => {
  flip(there('large'), 20 * BLOCK)
  flip(there('large'), 40 * BLOCK)
  fs.rmSync(there('d/e/four'))
  fs.writeFileSync(there('extra'), 'unmarked')
  const marked: DirtyFolder = { ...emptyFolder(), files: new Map([['large', [{ from: 16 * BLOCK, to: 32 * BLOCK }]]]), names: ['d/e'] }
  const before = walked.log.lsn()
  walked.compare([marked])
  expect(told()).toEqual(['attributes d/e', 'content large', 'missing d/e/four'])
  expect(walked.log.lsn() - before).toBeLessThan(25)
  expect(fs.existsSync(there('extra'))).toBe(true)
  walked.compare()
  expect(told()).toEqual(['attributes ', 'content large', 'extra extra'])
})

test('holes stay holes: zeros that take up room are given back, and what is not zero there differs', () => {
  fs.truncateSync(here('two'), 64 * 1024 * 1024)
  fs.utimesSync(here('two'), 5, 5)
  walked.compare()
  fs.writeSync(fs.openSync(there('two'), 'r+'), Buffer.alloc(4 * 1024 * 1024), 0, 4 * 1024 * 1024, 8 * 1024 * 1024)
  fs.utimesSync(there('two'), 5, 5)
  expect(fs.statSync(there('two')).blocks * 512).toBeGreaterThan(4 * 1024 * 1024 - 1)
  walked.compare()
  expect(told()).toEqual([])
  expect(fs.statSync(there('two')).blocks * 512).toBeLessThan(1024 * 1024)
  expect(fs.statSync(there('two')).mtimeMs).toBe(5_000)
  flip(there('two'), 30 * 1024 * 1024)
  walked.compare()
  expect(told()).toContain('content two')
  expect(compareTrees(source, target, {})).toEqual([])
})

test('the report counts by kind, lists by file, and survives the process; one that was cut off says so', () => {
  const report = new ComparisonReport(directory)
  report.begin('full', 1)
  for (let block = 0; block < 3; block++) report.add({ folder: 0, path: 'a', what: 'content', offset: block * BLOCK, length: BLOCK }, 2)
  for (let file = 0; file < VERIFY_LIST_MAX + 5; file++) report.add({ folder: 0, path: `f${file}`, what: 'extra', offset: 0, length: 0 }, 3)
  report.end('Idle', 4)
  const read = readComparisonReport(directory, 0, 2, false)
  expect(read).toMatchObject({
    mode: 'full',
    state: 'Idle',
    startedAtMs: 1,
    endedAtMs: 4,
    total: VERIFY_LIST_MAX + 6,
    kinds: { content: 1, extra: VERIFY_LIST_MAX + 5 }
  })
  expect(read?.differences).toEqual([
    { folder: 0, path: 'a', what: 'content', offset: 0, length: 3 * BLOCK, atMs: 2 },
    { folder: 0, path: 'f0', what: 'extra', offset: 0, length: 0, atMs: 3 }
  ])
  expect(readComparisonReport(directory, VERIFY_LIST_MAX, 10, false)?.differences).toEqual([])
  report.begin('difference', 5)
  expect(readComparisonReport(directory, 0, 10, true)?.state).toBe('Verifying')
  expect(readComparisonReport(directory, 0, 10, false)?.state).toBe('Stop')
})
