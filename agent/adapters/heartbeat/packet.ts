import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/**
 * The heartbeat packet, version 1: 104 bytes, one UDP datagram, numbers little-endian.
 *
 * | offset | bytes | field                                                                                        |
 * | ------ | ----- | -------------------------------------------------------------------------------------------- |
 * |      0 |     4 | `MPHB`                                                                                       |
 * |      4 |     1 | version, 1                                                                                   |
 * |      5 |     1 | flags: 1 the sender's node shuts down cleanly; 2 the sender hears the receiver on this link  |
 * |      6 |     2 | 0                                                                                            |
 * |      8 |     8 | cluster: first 8 bytes of SHA-256 of its name                                                |
 * |     16 |     8 | sender: first 8 bytes of SHA-256 of the node's name                                          |
 * |     24 |     8 | link: first 8 bytes of SHA-256 of its name                                                   |
 * |     32 |     8 | incarnation: drawn at random, not 0, at every start of the sender's heartbeat program        |
 * |     40 |     8 | sequence: counts this incarnation's packets on this link, from 1                             |
 * |     48 |     8 | echo incarnation: the receiver's, as the sender last heard it on this link; 0 never          |
 * |     56 |     8 | echo sequence: the newest sequence heard from that incarnation on this link                  |
 * |     64 |     4 | so many ms ago the sender's engine was last seen alive                                       |
 * |     68 |     4 | 0                                                                                            |
 * |     72 |    32 | HMAC-SHA256 of bytes 0 to 71 with the pair's heartbeat key                                   |
 *
 * Against replay: within an incarnation a sequence counts once, and not when it is SEQUENCE_WINDOW or more behind the newest
 * (reordering is allowed, see window.ts). A new incarnation is believed only when its packet echoes a recent sequence of the
 * receiver's own incarnation, which no recording from before can contain.
 */
export interface Packet {
  cluster: bigint
  sender: bigint
  link: bigint
  incarnation: bigint
  sequence: bigint
  echoIncarnation: bigint
  echoSequence: bigint
  engineSilentMs: number
  leaving: boolean
  hears: boolean
}

export const PACKET_BYTES = 104
export const HEARTBEAT_KEY_BYTES = 32
const SIGNED_BYTES = 72
const MAGIC = 'MPHB'
const VERSION = 1
const FLAG_LEAVING = 1
const FLAG_HEARS = 2
const UINT32_MAX = 0xffff_ffff

/** A name as the packet carries it. */
export function nameId(name: string): bigint {
  return createHash('sha256').update(name).digest().readBigUInt64LE(0)
}

export function encodePacket(packet: Packet, key: Buffer): Buffer {
  const bytes = Buffer.alloc(PACKET_BYTES)
  bytes.write(MAGIC, 0, 'latin1')
  bytes.writeUInt8(VERSION, 4)
  bytes.writeUInt8((packet.leaving ? FLAG_LEAVING : 0) | (packet.hears ? FLAG_HEARS : 0), 5)
  bytes.writeBigUInt64LE(packet.cluster, 8)
  bytes.writeBigUInt64LE(packet.sender, 16)
  bytes.writeBigUInt64LE(packet.link, 24)
  bytes.writeBigUInt64LE(packet.incarnation, 32)
  bytes.writeBigUInt64LE(packet.sequence, 40)
  bytes.writeBigUInt64LE(packet.echoIncarnation, 48)
  bytes.writeBigUInt64LE(packet.echoSequence, 56)
  bytes.writeUInt32LE(Math.min(UINT32_MAX, Math.max(0, Math.round(packet.engineSilentMs))), 64)
  sign(bytes, key).copy(bytes, SIGNED_BYTES)
  return bytes
}

/** null: too short, foreign, another version, or not signed with this key. */
export function decodePacket(bytes: Buffer, key: Buffer): Packet | null {
  if (bytes.length !== PACKET_BYTES || bytes.toString('latin1', 0, 4) !== MAGIC || bytes[4] !== VERSION) return null
  if (!timingSafeEqual(sign(bytes, key), bytes.subarray(SIGNED_BYTES))) return null
  const flags = bytes.readUInt8(5)
  return {
    cluster: bytes.readBigUInt64LE(8),
    sender: bytes.readBigUInt64LE(16),
    link: bytes.readBigUInt64LE(24),
    incarnation: bytes.readBigUInt64LE(32),
    sequence: bytes.readBigUInt64LE(40),
    echoIncarnation: bytes.readBigUInt64LE(48),
    echoSequence: bytes.readBigUInt64LE(56),
    engineSilentMs: bytes.readUInt32LE(64),
    leaving: (flags & FLAG_LEAVING) !== 0,
    hears: (flags & FLAG_HEARS) !== 0
  }
}

const sign = (bytes: Buffer, key: Buffer): Buffer => createHmac('sha256', key).update(bytes.subarray(0, SIGNED_BYTES)).digest()
