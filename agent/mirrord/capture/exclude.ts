import { INCLUDED_MARK } from '../../../src/model/patterns'
import { toByteString } from '../../native/libc'

/** Tells whether a path (byte string, relative to the folder) is left out of replication, itself or with a directory above it. */
export type Exclude = (path: string) => boolean

const GLOB_PART = /\*\*\/|\*\*|\*|\?|[^*?]+/g

function globToRegExp(glob: string): string {
  const parts = glob.match(GLOB_PART) ?? []
  return parts
    .map((part) => {
      if (part === '**/') return '(?:.*/)?'
      if (part === '**') return '.*'
      if (part === '*') return '[^/]*'
      if (part === '?') return '[^/]'
      return part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
    })
    .join('')
}

/** Matches what one of these names, and with `below` also what is below that. */
function anyOf(globs: readonly string[], below: '' | '(?:/.*)?'): RegExp {
  const trimmed = globs.map((glob) => toByteString(glob).replace(/^\/+|\/+$/g, '')).filter((glob) => glob !== '')
  return new RegExp(`^(?:${trimmed.map(globToRegExp).join('|')})${below}$`, 's')
}

const isIncluded = (glob: string): boolean => glob.startsWith(INCLUDED_MARK)
const bare = (glob: string): string => (isIncluded(glob) ? glob.slice(INCLUDED_MARK.length) : glob)

/**
 * Globs are relative to the folder: `*` and `?` stay within a name, `**` crosses directories. What is below an excluded directory is excluded. What an
 * including one names is replicated all the same, if the directory that it is in is.
 */
export function excludeMatcher(globs: readonly string[]): Exclude {
  if (globs.length === 0) return () => false
  const [excluding, including] = [globs.filter((glob) => !isIncluded(glob)), globs.filter(isIncluded).map(bare)]
  if (including.length === 0) {
    const pattern = anyOf(excluding, '(?:/.*)?')
    return (path) => path !== '' && pattern.test(path)
  }
  const [excluded, included] = [anyOf(excluding, ''), anyOf(including, '')]
  const isOut = (name: string): boolean => excluded.test(name) && !included.test(name)
  return (path) => path !== '' && [...namesTo(path)].some(isOut)
}

/** `a/b/c`: `a`, `a/b`, `a/b/c`. */
function* namesTo(path: string): Generator<string> {
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) yield path.slice(0, end)
  yield path
}

/** Whether moving a directory can change what is excluded below it: only patterns that name a directory can. */
export const excludeDependsOnDirectory = (globs: readonly string[]): boolean =>
  globs.map(bare).some((glob) => glob.replace(/^\*\*\//, '').includes('/') || !glob.startsWith('**/'))
