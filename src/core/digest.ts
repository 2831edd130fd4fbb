const [FIRST, SECOND] = [0x9e3779b1, 0x85ebca77]
const [SEED_LOW, SEED_HIGH] = [0xdeadbeef, 0x41c6ce57]
const HEX = 16

/** A short word for a state, to see whether it is still the same. It guards nothing against people: two 32 bit mixes of its text. */
export function digest(facts: unknown): string {
  const text = JSON.stringify(facts)
  let [low, high] = [SEED_LOW, SEED_HIGH]
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), FIRST)
    high = Math.imul(high ^ text.charCodeAt(i), SECOND)
  }
  return [low ^ (high >>> 15), high ^ (low >>> 13)].map((part) => (part >>> 0).toString(HEX).padStart(8, '0')).join('')
}
