import { sourcesOf } from './sources'

/** The wall of a file, in lines. A ratchet: the list of exceptions only gets shorter. */
const FILE_LINES_MAX = 400
const EXCEPTIONS: Record<string, number> = {}

test('files fit one concern', () => {
  const long = sourcesOf('src', 'agent', 'commands', 'bin')
    .map((source) => ({ file: source.file, lines: source.text.split('\n').length }))
    .filter(({ file, lines }) => lines > (EXCEPTIONS[file] ?? FILE_LINES_MAX))
  expect(long).toEqual([])
})

test('nothing is left open in the sources', () => {
  const marks = /\b(TODO|FIXME|XXX)\b/
  expect(
    sourcesOf('src', 'agent', 'commands', 'bin', 'test')
      .filter((source) => !source.file.startsWith('test/tidy/') && marks.test(source.text))
      .map((source) => source.file)
  ).toEqual([])
})

/** Says why a machine cannot run a test, and lets nothing be left out in CI. */
const KEEPER_OF_NEEDS = ['test/e2e/kit/needs.ts']

test('no test is left out or alone', () => {
  const marks = /\b(?:it|test|describe)\.(?:only|skip)\(|\b(?:xit|xtest|fit|xdescribe)\(/
  expect(
    sourcesOf('test')
      .filter((source) => !source.file.startsWith('test/tidy/') && !KEEPER_OF_NEEDS.includes(source.file) && marks.test(source.text))
      .map((source) => source.file)
  ).toEqual([])
})
