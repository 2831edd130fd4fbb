import type { ExtendedAttribute } from '../../../src/wire/frameFields'
import * as libc from '../../native/libc'
import { MARKER } from '../redo/marker'

/** What Linux allows for all names of a file, and for one value. */
const NAMES_BYTES = 65_536
const VALUE_BYTES = 65_536
const names = Buffer.allocUnsafeSlow(NAMES_BYTES)
const value = Buffer.allocUnsafeSlow(VALUE_BYTES)

/** Of whatever has this path (NUL-terminated, its last component is not followed); none where the file system has none. Redo's own mark is nobody's. */
export function attributesAt(path: Uint8Array): ExtendedAttribute[] {
  const length = libc.llistxattr(path, names, names.length)
  if (length <= 0) return []
  return names
    .toString('latin1', 0, length)
    .split('\0')
    .filter((name) => name !== '' && name !== MARKER)
    .flatMap((name) => {
      const bytes = libc.lgetxattr(path, libc.cString(name), value, value.length)
      return bytes < 0 ? [] : [{ name, value: Buffer.from(value.subarray(0, bytes)) }]
    })
}
