import net from 'node:net'

/** An IP address as bytes: 4 or 16 of them; null when it is none. */
export function addressBytes(address: string): Buffer | null {
  if (net.isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  return net.isIPv6(address) ? ipv6Bytes(address.replace(/%.*$/, '')) : null
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::')
  const before = words(head)
  const after = tail === undefined ? [] : words(tail)
  const bytes = Buffer.alloc(16)
  for (const [index, word] of before.entries()) bytes.writeUInt16BE(word, index * 2)
  for (const [index, word] of after.entries()) bytes.writeUInt16BE(word, 16 - after.length * 2 + index * 2)
  return bytes
}

/** The words of one side of `::`; an IPv4 address at the end counts as two. */
function words(text: string): number[] {
  return text.split(':').flatMap((part) => {
    if (part === '') return []
    if (!part.includes('.')) return [Number.parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

/** Two spellings of one address are equal. */
export function sameAddress(one: string, other: string): boolean {
  const bytes = addressBytes(one)
  return bytes !== null && addressBytes(other)?.equals(bytes) === true
}

/** Does the network of `local`/`prefix` hold the address? */
export function inNetwork(address: string, local: string, prefix: number): boolean {
  const one = addressBytes(address)
  const other = addressBytes(local)
  if (one === null || other === null || one.length !== other.length) return false
  const whole = prefix >> 3
  if (!one.subarray(0, whole).equals(other.subarray(0, whole))) return false
  const mask = (0xff << (8 - (prefix & 7))) & 0xff
  return mask === 0 || ((one[whole] ?? 0) & mask) === ((other[whole] ?? 0) & mask)
}

/** The network of `local`/`prefix`, as `ip route` takes it. */
export function networkText(local: string, prefix: number): string {
  const bytes = Buffer.from(addressBytes(local) ?? [])
  for (const [index, byte] of bytes.entries()) bytes[index] = byte & (0xff << Math.min(8, Math.max(0, 8 * (index + 1) - prefix)))
  return `${bytes.length === 4 ? bytes.join('.') : (bytes.toString('hex').match(/..../g) ?? []).join(':')}/${prefix}`
}

/** An address of the machine itself (127.0.0.0/8, ::1): it needs no change of the machine. */
export function isLoopback(address: string): boolean {
  return inNetwork(address, '127.0.0.0', 8) || sameAddress(address, '::1')
}

export const hardwareBytes = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex')
export const hardwareText = (bytes: Buffer): string => bytes.toString('hex').replace(/(..)(?=.)/g, '$1:')
