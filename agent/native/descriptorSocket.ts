import * as libc from './libc'
import { EAGAIN, EINTR, EPIPE } from './libcErrors'

/**
 * Descriptors that travel between processes (SCM_RIGHTS, unix(7)): what was sent is held by the socket itself from then on, so it outlives a sender
 * that is killed right after the call. Messages keep their bounds (SOCK_SEQPACKET); each is a short text and at most one descriptor.
 */
const AF_UNIX = 1
const SOCK_SEQPACKET_CLOEXEC = 5 | 0o2000000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const MSG_CMSG_CLOEXEC = 0x4000_0000
const TEXT_BYTES_MAX = 256
const CONTROL_BYTES = 24
const CONTROL_LENGTH = 20
const DESCRIPTOR_AT = 16
const HEADER_BYTES = 56
const CONTROL_LENGTH_AT = 40
/** The other side reads at once; one that does not for so long is taken for gone. */
const SEND_WAIT_MS = 2_000

export interface Received {
  text: string
  descriptor: number | null
}

/** struct msghdr with one iovec and room for one descriptor. */
class Message {
  readonly text = Buffer.alloc(TEXT_BYTES_MAX)
  readonly control = Buffer.alloc(CONTROL_BYTES)
  readonly vector = libc.ioVector(this.text)
  readonly header = Buffer.alloc(HEADER_BYTES)

  constructor() {
    this.header.writeBigUInt64LE(libc.addressOf(this.vector), 16)
    this.header.writeBigUInt64LE(1n, 24)
    this.header.writeBigUInt64LE(libc.addressOf(this.control), 32)
  }

  setLengths(textBytes: number, controlBytes: number): void {
    this.vector.writeUInt32LE(textBytes, 8)
    this.header.writeUInt32LE(controlBytes, CONTROL_LENGTH_AT)
  }
}

/** Both ends of a new socket. */
export function descriptorSocketPair(): [number, number] {
  const ends = Buffer.alloc(8)
  const result = libc.socketpair(AF_UNIX, SOCK_SEQPACKET_CLOEXEC, 0, ends)
  if (result < 0) throw new Error(`socketpair answers error ${-result}`)
  return [ends.readInt32LE(0), ends.readInt32LE(4)]
}

/** 0, or the error number (negative) when the other side is gone or does not read. */
export function sendDescriptor(socket: number, text: string, descriptor: number | null): number {
  const message = new Message()
  const bytes = message.text.write(text, 'latin1')
  message.setLengths(bytes, descriptor === null ? 0 : CONTROL_BYTES)
  message.control.writeUInt32LE(CONTROL_LENGTH, 0)
  message.control.writeInt32LE(SOL_SOCKET, 8)
  message.control.writeInt32LE(SCM_RIGHTS, 12)
  message.control.writeInt32LE(descriptor ?? 0, DESCRIPTOR_AT)
  for (;;) {
    const sent = libc.sendmsg(socket, message.header, MSG_DONTWAIT | MSG_NOSIGNAL)
    if (sent >= 0) return 0
    if (sent === -EINTR) continue
    if (sent !== -EAGAIN) return sent
    if (libc.poll(libc.pollOut(socket), 1, SEND_WAIT_MS) === 0) return -EPIPE
  }
}

/** The next message; null: none waits, or the other side is gone. */
export function receiveDescriptor(socket: number): Received | null {
  const message = new Message()
  message.setLengths(TEXT_BYTES_MAX, CONTROL_BYTES)
  let bytes: number
  do bytes = libc.recvmsg(socket, message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)
  while (bytes === -EINTR)
  if (bytes <= 0) return null
  const withDescriptor = message.header.readUInt32LE(CONTROL_LENGTH_AT) >= CONTROL_LENGTH
  return { text: message.text.toString('latin1', 0, bytes), descriptor: withDescriptor ? message.control.readInt32LE(DESCRIPTOR_AT) : null }
}
