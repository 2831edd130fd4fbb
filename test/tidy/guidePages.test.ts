import fs from 'node:fs'
import path from 'node:path'
import { ANNEX_6_ELSEWHERE, GUIDE_PAGES } from '../e2e/guidePages'

const TESTS = path.join(__dirname, '..')

test.each(GUIDE_PAGES.map((page) => [`${page.chapter} ${page.page}`, page] as const))('guide %s is tested where the table says', (_, { tests }) => {
  expect(tests.length).toBeGreaterThan(0)
  for (const [file, name] of tests) {
    const text = fs.readFileSync(path.join(TESTS, file), 'utf8')
    expect({ file, name, isThere: [`'${name}`, `"${name}`].some((quoted) => text.includes(quoted)) }).toEqual({ file, name, isThere: true })
  }
})

test('the console, chapters 4, 5 and 8 and the annexes are there', () => {
  const annexes = [1, 2, 3, 4, 5, 6].map((number) => `annex ${number}`)
  expect([...new Set(GUIDE_PAGES.map(({ chapter }) => chapter))]).toEqual(['3', '4', '5', '8', ...annexes])
})

test.each(ANNEX_6_ELSEWHERE)('annex 6, %s: %s: %s', (_page, _fault, _outcome, file, name) => {
  expect(fs.readFileSync(path.join(TESTS, 'e2e', `${file}.test.ts`), 'utf8')).toContain(name)
})

test('every runbook that ships is run on a real pair', () => {
  const told = ['runbooks', 'licence'].map((file) => fs.readFileSync(path.join(TESTS, 'e2e', `${file}.test.ts`), 'utf8')).join('')
  const shipped = fs.readdirSync(path.join(TESTS, '..', 'man', 'runbooks')).map((file) => file.replace('.runbook', ''))
  expect(shipped.length).toBeGreaterThan(0)
  for (const name of shipped) expect({ name, isRun: told.includes(`run('${name}'`) || told.includes(`'${name}.runbook'`) }).toEqual({ name, isRun: true })
})
