import fs from 'node:fs'
import path from 'node:path'
import { ANNEX_6_ELSEWHERE, GUIDE_PAGES } from '../e2e/guidePages'

const TESTS = path.join(__dirname, '..')

test.each(GUIDE_PAGES.map((page) => [`${page.chapter} ${page.page}`, page] as const))('guide %s is tested where the table says', (_, { tests }) => {
  expect(tests.length).toBeGreaterThan(0)
  for (const [file, name] of tests) expect({ file, names: fs.readFileSync(path.join(TESTS, file), 'utf8').includes(`'${name}`) }).toEqual({ file, names: true })
})

test('chapters 4, 5 and 8 are there', () => {
  expect([...new Set(GUIDE_PAGES.map(({ chapter }) => chapter))]).toEqual(['4', '5', '8'])
})

test.each(ANNEX_6_ELSEWHERE)('annex 6, %s: %s: %s', (_page, _fault, _outcome, file, name) => {
  expect(fs.readFileSync(path.join(TESTS, 'e2e', `${file}.test.ts`), 'utf8')).toContain(name)
})
