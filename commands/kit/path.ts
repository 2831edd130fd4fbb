const BACKSLASH = /\\/g
/** What a terminal would not draw as a letter of its own: control, format (also right-to-left override) and unassigned characters, line ends. */
const UNSHOWABLE = /[\p{C}\p{Zl}\p{Zp}]/gu
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A path of the wire (a character for each byte) as a person can read it: UTF-8 where it is, wide characters as they are, every other byte as `\xNN`,
 * so that no name can move the cursor, hide a part of itself or look like another one.
 */
export function pathText(path: string): string {
  const bytes = Uint8Array.from(path, (character) => character.charCodeAt(0))
  let text = ''
  for (let i = 0; i < bytes.length; ) {
    const length = characterBytes(bytes[i]!)
    const character = decoded(bytes.subarray(i, i + length))
    text += character === null ? `\\x${hex(bytes[i]!)}` : shown(character)
    i += character === null ? 1 : length
  }
  return text
}

const shown = (character: string): string =>
  character.replace(BACKSLASH, '\\\\').replace(UNSHOWABLE, (found) => Array.from(new TextEncoder().encode(found), (byte) => `\\x${hex(byte)}`).join(''))

const hex = (byte: number): string => byte.toString(16).padStart(2, '0')

/** How long the UTF-8 character is that begins so. */
const characterBytes = (first: number): number => (first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4)

function decoded(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}
