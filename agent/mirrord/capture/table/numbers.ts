/** Numbers above 32 bits in two words of a table, the low half first. */
const TWO_32 = 2 ** 32
const EXACT_HIGH = 2 ** 21

export function readNumber(words: Uint32Array, at: number): number {
  return words[at]! + words[at + 1]! * TWO_32
}

export function writeNumber(words: Uint32Array, at: number, value: number): void {
  words[at] = value % TWO_32
  words[at + 1] = Math.floor(value / TWO_32)
}

/** As Stat reads them: exact numbers where they fit, else big ones. */
export function readInode(words: Uint32Array, at: number): number | bigint {
  const high = words[at + 1]!
  return high < EXACT_HIGH ? words[at]! + high * TWO_32 : (BigInt(high) << 32n) | BigInt(words[at]!)
}

export function writeInode(words: Uint32Array, at: number, inode: number | bigint): void {
  if (typeof inode === 'number') return writeNumber(words, at, inode)
  words[at] = Number(BigInt.asUintN(32, inode))
  words[at + 1] = Number(inode >> 32n)
}
