/** A network card of a machine. */
export interface NetworkCard {
  name: string
  /** Its own hardware address, `52:54:00:12:34:56`: the permanent one, where the kernel knows it. */
  hardware: string
}

/** What a machine is known by to who issues licences (guide, annex 2). */
export interface HostId {
  /** 20 letters and digits; null: the machine has no network card. */
  hostId: string | null
  /** What it is made of, by name. */
  cards: NetworkCard[]
}

export const HOST_ID_LENGTH = 20
/** Without I, L, O and U: it is read out and typed. 32 of them are five bits each. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const BITS_OF_LETTER = 5
const BITS_OF_BYTE = 8
/** In front of what is hashed: another way to make it would be another number. */
const KIND = 'mirrorpair-host-id-1'

/**
 * Made of the hardware addresses alone, in no order and without the cards' names, so that addresses, names, disks, memory and processors may change.
 * `sha256` comes from outside, at least 13 bytes of it are needed.
 */
export function hostIdOf(cards: NetworkCard[], sha256: (text: string) => Uint8Array): string | null {
  const addresses = [...new Set(cards.map(({ hardware }) => hardware.toLowerCase()))].sort()
  return addresses.length === 0 ? null : letters(sha256([KIND, ...addresses].join('\n')))
}

function letters(bytes: Uint8Array): string {
  const bitOf = (bit: number): number => ((bytes[Math.floor(bit / BITS_OF_BYTE)] ?? 0) >> (BITS_OF_BYTE - 1 - (bit % BITS_OF_BYTE))) & 1
  const letterAt = (place: number): string => {
    const bits = Array.from({ length: BITS_OF_LETTER }, (_, i) => bitOf(place * BITS_OF_LETTER + i))
    return ALPHABET.charAt(bits.reduce((value, bit) => value * 2 + bit, 0))
  }
  return Array.from({ length: HOST_ID_LENGTH }, (_, place) => letterAt(place)).join('')
}

/** As it was typed or read out: small letters, and the four that are no letters of it. */
export function normalHostId(text: string): string | null {
  const word = text.replace(/[\s-]/g, '').toUpperCase().replace(/[IL]/g, '1').replace(/O/g, '0')
  return word.length === HOST_ID_LENGTH && [...word].every((letter) => ALPHABET.includes(letter)) ? word : null
}
