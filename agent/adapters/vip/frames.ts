import { addressBytes, hardwareBytes } from './address'

/** Ethernet frames of ARP (RFC 826, 5227) and of IPv6 neighbour discovery (RFC 4861), as bytes. */
const BROADCAST = Buffer.alloc(6, 0xff)
const NO_HARDWARE = Buffer.alloc(6)
const ARP_REQUEST = 1
const ARP_REPLY = 2
const ICMPV6 = 58
const NEIGHBOUR_SOLICITATION = 135
const NEIGHBOUR_ADVERTISEMENT = 136
/** Neighbour discovery is only believed with this hop limit: it never crossed a router. */
const HOP_LIMIT = 255
const FLAG_OVERRIDE = 0x20
const OPTION_TARGET_HARDWARE = 2
const ALL_NODES = 'ff02::1'

const bytesOf = (address: string): Buffer => addressBytes(address) ?? Buffer.alloc(4)

/** "Who has the address?", asked by nobody (sender 0.0.0.0), so that no neighbour learns something from the question. */
export function arpProbe(address: string, ownHardware: string): Buffer {
  return arp(ARP_REQUEST, hardwareBytes(ownHardware), Buffer.alloc(4), NO_HARDWARE, bytesOf(address))
}

/** Gratuitous ARP in both forms: some neighbours listen to requests only, some to replies only. */
export function gratuitousArps(address: string, ownHardware: string): Buffer[] {
  const hardware = hardwareBytes(ownHardware)
  return [arp(ARP_REQUEST, hardware, bytesOf(address), NO_HARDWARE, bytesOf(address)), arp(ARP_REPLY, hardware, bytesOf(address), hardware, bytesOf(address))]
}

function arp(operation: number, senderHardware: Buffer, sender: Buffer, targetHardware: Buffer, target: Buffer): Buffer {
  const fixed = Buffer.from([0, 1, 0x08, 0, 6, 4, 0, operation])
  return Buffer.concat([BROADCAST, senderHardware, Buffer.from([0x08, 0x06]), fixed, senderHardware, sender, targetHardware, target])
}

/** The hardware address that says it has the address in this ARP frame; null: another frame. */
export function arpClaim(frame: Buffer, address: string): Buffer | null {
  const isArp = frame.length >= 42 && frame.readUInt16BE(12) === 0x0806 && frame.readUInt16BE(16) === 0x0800
  return isArp && frame.subarray(28, 32).equals(bytesOf(address)) ? frame.subarray(22, 28) : null
}

/** Duplicate address detection (RFC 4862): asked from `::` to the solicited-node group of the address. */
export function neighbourProbe(address: string, ownHardware: string): Buffer {
  const target = bytesOf(address)
  const group = Buffer.concat([Buffer.from('ff0200000000000000000001ff', 'hex'), target.subarray(13)])
  const body = Buffer.concat([Buffer.from([NEIGHBOUR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0]), target])
  return icmpv6Frame(hardwareBytes(ownHardware), Buffer.alloc(16), group, body)
}

/** "I have the address, forget what you knew" to all nodes. */
export function unsolicitedAdvertisement(address: string, ownHardware: string): Buffer {
  const hardware = hardwareBytes(ownHardware)
  const head = Buffer.from([NEIGHBOUR_ADVERTISEMENT, 0, 0, 0, FLAG_OVERRIDE, 0, 0, 0])
  const body = Buffer.concat([head, bytesOf(address), Buffer.from([OPTION_TARGET_HARDWARE, 1]), hardware])
  return icmpv6Frame(hardware, bytesOf(address), bytesOf(ALL_NODES), body)
}

/** The hardware address that advertises the address in this frame; null: another frame. */
export function neighbourClaim(frame: Buffer, address: string): Buffer | null {
  const isIcmp = frame.length >= 78 && frame.readUInt16BE(12) === 0x86dd && frame[20] === ICMPV6 && frame[21] === HOP_LIMIT
  if (!isIcmp || frame[54] !== NEIGHBOUR_ADVERTISEMENT || !frame.subarray(62, 78).equals(bytesOf(address))) return null
  const hasHardware = frame.length >= 86 && frame[78] === OPTION_TARGET_HARDWARE
  return hasHardware ? frame.subarray(80, 86) : frame.subarray(6, 12)
}

function icmpv6Frame(ownHardware: Buffer, source: Buffer, group: Buffer, body: Buffer): Buffer {
  const head = Buffer.from([0x60, 0, 0, 0, body.length >> 8, body.length & 0xff, ICMPV6, HOP_LIMIT])
  body.writeUInt16BE(icmpv6Checksum(source, group, body), 2)
  const groupHardware = Buffer.concat([Buffer.from([0x33, 0x33]), group.subarray(12)])
  return Buffer.concat([groupHardware, ownHardware, Buffer.from([0x86, 0xdd]), head, source, group, body])
}

function icmpv6Checksum(source: Buffer, target: Buffer, body: Buffer): number {
  const all = Buffer.concat([source, target, Buffer.from([0, 0, body.length >> 8, body.length & 0xff, 0, 0, 0, ICMPV6]), body])
  let sum = 0
  for (let at = 0; at < all.length; at += 2) sum += all.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  return ~sum & 0xffff
}
