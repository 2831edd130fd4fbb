import { excludeDependsOnDirectory, excludeMatcher } from '../../../agent/mirrord/capture/exclude'

test.each<[what: string, globs: string[], left: string[], replicated: string[]]>([
  ['nothing', [], [], ['a', 'a/b']],
  ['names', ['*.tmp', 'cache'], ['a.tmp', 'cache', 'cache/x/y'], ['a.tmpx', 'd/a.tmp', 'cached', '']],
  ['names anywhere', ['**/*.log'], ['a.log', 'd/e/a.log', 'd.log/below'], ['a.log2', 'd/log']],
  ['a place', ['a/?/c'], ['a/b/c', 'a/b/c/d'], ['a/b', 'a/bb/c', 'x/a/b/c']],
  [
    'all but two, with all that is in them',
    ['*', '!base', '!global'],
    ['pg_wal', 'pg_wal/1', 'basement', 'x/base'],
    ['base', 'base/1/2', 'global', 'global/pg_control']
  ],
  ['all logs but one', ['**/*.log', '!**/audit.log'], ['a.log', 'd/a.log'], ['audit.log', 'd/audit.log', 'd/x']],
  ['what is below a directory that is left out stays out', ['cache', '!cache/kept'], ['cache', 'cache/kept', 'cache/kept/x'], ['kept']],
  ['the order does not matter', ['!**/audit.log', '**/*.log'], ['a.log'], ['audit.log']],
  ['a mark within a name is a letter', ['a!b'], ['a!b'], ['!b', 'b']]
])('left out: %s', (_what, globs, left, replicated) => {
  const excluded = excludeMatcher(globs)
  expect([left.filter((path) => !excluded(path)), replicated.filter(excluded)]).toEqual([[], []])
})

test.each<[globs: string[], depends: boolean]>([
  [['**/*.log', '!**/audit.log'], false],
  [['**/*.log', '!kept/audit.log'], true],
  [['*'], true]
])('moving a directory may change what %j leaves out below it: %s', (globs, depends) => {
  expect(excludeDependsOnDirectory(globs)).toBe(depends)
})
