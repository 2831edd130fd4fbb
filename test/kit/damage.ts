import { randomSource } from './randomFiles'

export const DAMAGES = ['truncated', 'bit flipped', 'byte changed', 'part missing', 'part repeated', 'parts swapped', 'foreign part'] as const

/** One kind of damage to a file or a stream, from a seed. Never the same bytes as before. */
export function damaged(bytes: Buffer, seed: number): { bytes: Buffer; what: string } {
  const random = randomSource(seed)
  const below = (most: number) => Math.floor(random() * most)
  for (;;) {
    const what = DAMAGES[below(DAMAGES.length)] ?? 'truncated'
    const at = below(bytes.length)
    const length = 1 + below(Math.min(200, bytes.length - at))
    const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)]
    const results: Record<(typeof DAMAGES)[number], () => Buffer> = {
      truncated: () => before,
      'bit flipped': () => Buffer.concat([before, Buffer.from([part[0]! ^ (1 << below(8))]), bytes.subarray(at + 1)]),
      'byte changed': () => Buffer.concat([before, Buffer.from([below(256)]), bytes.subarray(at + 1)]),
      'part missing': () => Buffer.concat([before, after]),
      'part repeated': () => Buffer.concat([before, part, part, after]),
      'parts swapped': () => Buffer.concat([before, after.subarray(0, length), part, after.subarray(length)]),
      'foreign part': () => Buffer.concat([before, Buffer.from(Array.from({ length }, () => below(256))), after])
    }
    const result = results[what]()
    if (!result.equals(bytes)) return { bytes: result, what: `${what} at ${at}, ${length} bytes, seed ${seed}` }
  }
}
