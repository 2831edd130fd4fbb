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

/** Globs are relative to the folder: `*` and `?` stay within a name, `**` crosses directories. What is below an excluded directory is excluded. */
export function excludeMatcher(globs: readonly string[]): Exclude {
  if (globs.length === 0) return () => false
  const trimmed = globs.map((glob) => toByteString(glob).replace(/^\/+|\/+$/g, '')).filter((glob) => glob !== '')
  const pattern = new RegExp(`^(?:${trimmed.map(globToRegExp).join('|')})(?:/.*)?$`, 's')
  return (path) => path !== '' && pattern.test(path)
}

/** Whether moving a directory can change what is excluded below it: only patterns that name a directory can. */
export const excludeDependsOnDirectory = (globs: readonly string[]): boolean =>
  globs.some((glob) => glob.replace(/^\*\*\//, '').includes('/') || !glob.startsWith('**/'))
