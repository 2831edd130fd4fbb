import fs from 'node:fs'
import { Bench } from './harness'

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
})
afterEach(() => bench.down())

const LINES = ['list', '# on RMHW132: touch $PLACE', 'list']
const hands = (text: string): string => {
  const file = bench.file('hands', `#!/bin/sh\n${text}\n`)
  fs.chmodSync(file, 0o755)
  return file
}

test('what a person does on a node is refused in a script, before anything is run', async () => {
  const file = bench.file('a.runbook', LINES.join('\n'))
  const ran = await bench.cui(['run', file, '--set', 'PLACE=/tmp/x'])
  expect(ran).toMatchObject({ exitCode: 2, out: '' })
  expect(ran.err).toContain('Line 2 of')
  expect(ran.err).toContain('RMHW132 (touch /tmp/x)')
})

test('a program does it, called with the node and the work', async () => {
  const file = bench.file('a.runbook', LINES.join('\n'))
  const program = hands(`printf '%s|%s' "$1" "$2" > ${bench.home}/did`)
  const ran = await bench.cui(['run', file, '--set', 'PLACE=/tmp/a b', '--hands', program, '--json'])
  expect(ran.exitCode).toBe(0)
  expect(fs.readFileSync(`${bench.home}/did`, 'utf8')).toBe('RMHW132|touch /tmp/a b')
  expect((JSON.parse(ran.out) as { lines: { result: object }[] }).lines[1]?.result).toEqual({ node: 'RMHW132', work: 'touch /tmp/a b', by: program })
})

test('one that fails stops the runbook there', async () => {
  const file = bench.file('a.runbook', LINES.join('\n'))
  const ran = await bench.cui(['run', file, '--set', 'PLACE=x', '--hands', hands('exit 7')])
  expect(ran).toMatchObject({ exitCode: 1 })
  expect(ran.err).toContain('it ended with 7')
  expect(ran.err).toContain('Stopped at line 2')
  expect((await bench.cui(['run', file, '--set', 'PLACE=x', '--hands', '/no/such/program'])).err).toContain('ENOENT')
})

test('--done says that it has been done; on standard input such a line is a comment', async () => {
  const file = bench.file('a.runbook', LINES.join('\n'))
  const done = await bench.cui(['run', file, '--set', 'PLACE=x', '--done'])
  expect(done.exitCode).toBe(0)
  expect(done.out).toContain('On RMHW132: touch x')
  const piped = await bench.cui([], LINES.join('\n'))
  expect(piped.exitCode).toBe(0)
  expect(piped.out).not.toContain('touch')
})
