import * as libc from './libc'

/** A line that hands on every byte as it is (termios(3), cfmakeraw), at any speed (ioctl_tty(2), struct termios2). */
const TCGETS2 = 0x802c_542a
const TCSETS2 = 0x402c_542b
const TERMIOS2_BYTES = 44
const AT = { input: 0, output: 4, control: 8, local: 12, characters: 17, inputSpeed: 36, outputSpeed: 40 }
const VTIME = 5
const VMIN = 6
/** Ignore a break: an unplugged line is one. */
const IGNBRK = 0o1
const CS8 = 0o60
const CREAD = 0o200
/** No modem: an open waits for no carrier, and the end of one hangs nobody up. */
const CLOCAL = 0o4000
/** The speed is the number in the two fields. */
const BOTHER = 0o10000

/** 0, or the error number made negative. Nothing is waited for. */
export function makeRaw(descriptor: number, baud: number): number {
  const termios = Buffer.alloc(TERMIOS2_BYTES)
  const read = libc.ioctl(descriptor, TCGETS2, termios)
  if (read < 0) return read
  termios.writeUInt32LE(IGNBRK, AT.input)
  termios.writeUInt32LE(0, AT.output)
  termios.writeUInt32LE(CS8 | CREAD | CLOCAL | BOTHER, AT.control)
  termios.writeUInt32LE(0, AT.local)
  termios.writeUInt8(0, AT.characters + VTIME)
  termios.writeUInt8(1, AT.characters + VMIN)
  termios.writeUInt32LE(baud, AT.inputSpeed)
  termios.writeUInt32LE(baud, AT.outputSpeed)
  return libc.ioctl(descriptor, TCSETS2, termios)
}
