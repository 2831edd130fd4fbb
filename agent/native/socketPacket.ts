import koffi from 'koffi'

/**
 * AF_PACKET sockets for the few frames of address checks and announcements: whole Ethernet frames, one NIC, one protocol.
 * Never blocks: a receive without a waiting frame answers null.
 */
const AF_PACKET = 17
const SOCK_RAW = 3
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const FRAME_BYTES_MAX = 2_048
export const ETHERTYPE_ARP = 0x0806
export const ETHERTYPE_IPV6 = 0x86dd

interface Calls {
  socket(family: number, type: number, protocol: number): number
  bind(fd: number, address: Buffer, length: number): number
  send(fd: number, frame: Buffer, length: number, flags: number): number
  recv(fd: number, frame: Buffer, length: number, flags: number): number
  close(fd: number): number
}

let calls: Calls | null = null

function libc(): Calls {
  const library = koffi.load('libc.so.6')
  calls ??= {
    socket: library.func('int socket(int, int, int)'),
    bind: library.func('int bind(int, const void *, uint)'),
    send: library.func('long send(int, const void *, size_t, int)'),
    recv: library.func('long recv(int, void *, size_t, int)'),
    close: library.func('int close(int)')
  }
  return calls
}

export interface PacketSocket {
  send(frame: Buffer): void
  /** The next waiting frame, or null. */
  receive(): Buffer | null
  close(): void
}

export function openPacketSocket(interfaceIndex: number, etherType: number): PacketSocket {
  const c = libc()
  const fd = c.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, networkOrder(etherType))
  if (fd < 0) throw systemError('socket(AF_PACKET)')
  const address = linkLayerAddress(interfaceIndex, etherType)
  if (c.bind(fd, address, address.length) < 0) {
    const error = systemError('bind(AF_PACKET)')
    c.close(fd)
    throw error
  }
  const buffer = Buffer.alloc(FRAME_BYTES_MAX)
  return {
    send: (frame) => {
      if (c.send(fd, frame, frame.length, 0) < 0) throw systemError('send(AF_PACKET)')
    },
    receive: () => {
      const length = c.recv(fd, buffer, buffer.length, 0)
      return length > 0 ? Buffer.from(buffer.subarray(0, Number(length))) : null
    },
    close: () => void c.close(fd)
  }
}

/** struct sockaddr_ll: family, protocol (network order), interface index; the rest is 0. */
function linkLayerAddress(interfaceIndex: number, etherType: number): Buffer {
  const address = Buffer.alloc(20)
  address.writeUInt16LE(AF_PACKET, 0)
  address.writeUInt16BE(etherType, 2)
  address.writeInt32LE(interfaceIndex, 4)
  return address
}

const networkOrder = (value: number): number => ((value & 0xff) << 8) | (value >> 8)

function systemError(call: string): Error {
  const errno = koffi.errno()
  const name = Object.entries(koffi.os.errno).find(([, number]) => number === errno)?.[0]
  return new Error(`${call}: ${name ?? `errno ${errno}`}`)
}
