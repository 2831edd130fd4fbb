import { execFileSync } from 'node:child_process'
import { root } from './sources'

test('the top level is the list of the design and nothing more', () => {
  const allowed = ['package.json', 'package-lock.json', 'bin', 'src', 'commands', 'agent', 'test', 'man', 'README.md', 'LICENSE']
  const names = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .map((file) => file.split('/')[0]!)
  expect([...new Set(names)].filter((name) => name && !name.startsWith('.') && !allowed.includes(name))).toEqual([])
})
