/** An IP address as a number, so that networks can be compared. */
export interface IpAddress {
  family: 4 | 6
  value: bigint
  /** The one way to write it (RFC 5952): two spellings of an address are the same text. */
  text: string
}

const BITS = { 4: 32n, 6: 128n } as const
const OCTET = /^(0|[1-9]\d{0,2})$/
const GROUP = /^[0-9a-f]{1,4}$/i

export function parseIp(text: string): IpAddress | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): IpAddress | null {
  const octets = text.split('.')
  if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet) && Number(octet) <= 255)) return null
  return { family: 4, value: octets.reduce((value, octet) => value * 256n + BigInt(octet), 0n), text }
}

function parseIpv6(text: string): IpAddress | null {
  const halves = withoutDottedEnd(text).split('::')
  if (halves.length > 2) return null
  const [left, right] = halves.map((half) => (half === '' ? [] : half.split(':'))) as [string[], string[] | undefined]
  const missing = 8 - left.length - (right?.length ?? 0)
  if (right === undefined ? missing !== 0 : missing < 1) return null
  const groups = [...left, ...Array<string>(right ? missing : 0).fill('0'), ...(right ?? [])]
  if (!groups.every((group) => GROUP.test(group))) return null
  const value = groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n)
  return { family: 6, value, text: ipv6Text(groups.map((group) => Number.parseInt(group, 16))) }
}

/** `::ffff:10.0.0.1` ends in an IPv4 address: written as two groups. */
function withoutDottedEnd(text: string): string {
  const cut = text.lastIndexOf(':')
  const ipv4 = parseIpv4(text.slice(cut + 1))
  return ipv4 ? `${text.slice(0, cut + 1)}${(ipv4.value >> 16n).toString(16)}:${(ipv4.value & 0xffffn).toString(16)}` : text
}

function ipv6Text(groups: number[]): string {
  let best = { start: 0, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  const words = groups.map((group) => group.toString(16))
  if (best.length < 2) return words.join(':')
  return `${words.slice(0, best.start).join(':')}::${words.slice(best.start + best.length).join(':')}`
}

/** Is `address` in the network of `member`/`prefix`? */
export function inNetwork(address: IpAddress, member: IpAddress, prefix: number): boolean {
  if (address.family !== member.family) return false
  const hostBits = BITS[member.family] - BigInt(prefix)
  return address.value >> hostBits === member.value >> hostBits
}

export const prefixMax = (family: 4 | 6): number => Number(BITS[family])

export function isLoopback(address: IpAddress): boolean {
  return address.family === 4 ? address.value >> 24n === 127n : address.value === 1n
}
