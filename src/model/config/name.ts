import type { Node } from 'yaml'
import { hasControl, printable } from './section'
import type { Source } from './source'

/** Names become names of sockets and control groups; those have room for this much. */
const NAME_BYTES_MAX = 60
const FIRST = /^[\p{L}\p{N}_]/u
const REST = /^[\p{L}\p{M}\p{N}._-]*$/u

/** Length in UTF-8, as the file system counts. */
function utf8Bytes(text: string): number {
  let bytes = 0
  for (const letter of text) {
    const point = letter.codePointAt(0) as number
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return bytes
}

function whyNot(name: string): string | null {
  if (name === '') return 'is empty'
  if (hasControl(name)) return 'has control characters in it'
  if (/\s/u.test(name)) return 'has spaces in it'
  // Every table asked for such a name has an answer: what all objects have.
  if (name in Object.prototype) return 'is a word of the language this is written in'
  if (!FIRST.test(name) || !REST.test(name)) return 'has characters that a name cannot have'
  return utf8Bytes(name) > NAME_BYTES_MAX ? `is longer than ${NAME_BYTES_MAX} bytes` : null
}

/** Refuses a name that would not work in a file name, a table or a command line. Answers whether it is good. */
export function checkName(source: Source, at: Node | null, what: string, name: string): boolean {
  const why = whyNot(name)
  if (why) source.refuse(at, 'E_CONFIG_NAME', { what, found: `"${printable(name)}"`, why })
  return why === null
}
