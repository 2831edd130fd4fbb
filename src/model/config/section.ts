import { isMap, isScalar, isSeq, type Node } from 'yaml'
import { type IpAddress, parseIp } from './address'
import { nearest } from './nearest'
import type { Source } from './source'
import { durationText, parseDurationMs, parseSizeBytes, sizeText } from './units'

interface Range {
  min: number
  max: number
}

const PORT_MAX = 65_535

/**
 * One map of the file, read key by key. A value that is refused is answered with its fallback, so that reading goes on and
 * all problems are told at once; the configuration is handed out only when there were none.
 */
export class Section {
  private readonly fields = new Map<string, { key: Node; value: Node | null }>()

  constructor(
    readonly source: Source,
    readonly where: string,
    readonly node: Node | null,
    /** null: the keys are names. */
    known: readonly string[] | null
  ) {
    if (!isMap(node)) {
      if (node !== null && !isNull(node)) this.refuseValue(node, null, 'a section with keys', '{ … }')
      return
    }
    for (const pair of node.items) {
      const key = scalarText(pair.key) ?? ''
      this.fields.set(key, { key: pair.key as Node, value: source.resolve(pair.value) })
      if (known && !known.includes(key)) this.refuseUnknown(pair.key as Node, key, known)
    }
  }

  get names(): string[] {
    return [...this.fields.keys()]
  }

  has(key: string): boolean {
    return this.fields.has(key)
  }

  keyNode(key: string): Node | null {
    return this.fields.get(key)?.key ?? this.node
  }

  valueNode(key: string): Node | null {
    const value = this.fields.get(key)?.value ?? null
    return isNull(value) ? null : value
  }

  /** Where a value is, or the key, or the section. */
  place(key: string): Node | null {
    return this.valueNode(key) ?? this.keyNode(key)
  }

  require(key: string, example: string): boolean {
    if (this.valueNode(key)) return true
    if (isMap(this.node)) this.source.refuse(this.keyNode(key), 'E_CONFIG_MISSING', { key, where: this.where, example })
    return false
  }

  section(key: string, where: string, known: readonly string[] | null): Section {
    return new Section(this.source, where, this.valueNode(key), known)
  }

  list(key: string, example: string): Node[] {
    const node = this.valueNode(key)
    if (node === null) return []
    if (isSeq(node)) return node.items.map((item) => this.source.resolve(item)).filter((item) => item !== null)
    this.refuseValue(node, key, 'a list', example)
    return []
  }

  text<Fallback>(key: string, fallback: Fallback, example: string): string | Fallback {
    return this.read<string | Fallback>(key, fallback, 'a text without control characters', example, (text) => (hasControl(text) ? null : text))
  }

  bool(key: string, fallback: boolean): boolean {
    return this.read(key, fallback, 'true or false', String(fallback), (text) => (text === 'true' ? true : text === 'false' ? false : null))
  }

  oneOf<Word extends string>(key: string, fallback: Word, words: readonly Word[]): Word {
    return this.read(key, fallback, words.join(' or '), fallback, (text) => words.find((word) => word === text) ?? null)
  }

  count(key: string, fallback: number, { min, max }: Range): number {
    return this.read(key, fallback, `a whole number from ${min} to ${max}`, String(fallback), (text) =>
      within(/^\d+$/.test(text) ? Number(text) : null, min, max)
    )
  }

  port<Fallback>(key: string, fallback: Fallback, example: number): number | Fallback {
    return this.read<number | Fallback>(key, fallback, `a port from 1 to ${PORT_MAX}`, String(example), (text) =>
      within(/^\d+$/.test(text) ? Number(text) : null, 1, PORT_MAX)
    )
  }

  durationMs(key: string, fallbackMs: number, { min, max }: Range): number {
    const expected = `a duration with its unit, from ${durationText(min)} to ${durationText(max)}`
    return this.read(key, fallbackMs, expected, durationText(fallbackMs), (text) => within(parseDurationMs(text), min, max))
  }

  sizeBytes(key: string, fallbackBytes: number, { min, max }: Range): number {
    const expected = `a size with its unit (KiB, MiB, GiB), from ${sizeText(min)} to ${sizeText(max)}`
    return this.read(key, fallbackBytes, expected, sizeText(fallbackBytes), (text) => within(parseSizeBytes(text), min, max))
  }

  ip(key: string, example: string): IpAddress | null {
    if (!this.require(key, `${key}: ${example}`)) return null
    return this.read<IpAddress | null>(key, null, 'an IP address', example, parseIp)
  }

  refuse(key: string, expected: string, example: string): void {
    this.refuseValue(this.place(key), key, expected, example)
  }

  private read<T>(key: string, fallback: T, expected: string, example: string, parse: (text: string) => T | null): T {
    const node = this.valueNode(key)
    if (node === null) return fallback
    const text = scalarText(node)
    const value = text === null ? null : parse(text)
    if (value !== null) return value
    this.refuseValue(node, key, expected, example)
    return fallback
  }

  private refuseValue(node: Node | null, key: string | null, expected: string, example: string): void {
    this.source.refuse(node, 'E_CONFIG_VALUE', { key: key ?? 'this', where: this.where, found: describe(node), expected, example })
  }

  private refuseUnknown(node: Node, key: string, known: readonly string[]): void {
    const values = { key: printable(key), where: this.where, nearest: nearest(key, known), known: known.join(', ') }
    this.source.refuse(node, 'E_CONFIG_UNKNOWN_KEY', values)
  }
}

const within = (value: number | null, min: number, max: number): number | null => (value !== null && value >= min && value <= max ? value : null)

const isNull = (node: unknown): boolean => isScalar(node) && node.value === null && node.source !== ''

/** A plain scalar as it is written (`007` stays `007`), a quoted one without its quotes; null: a list or a map. */
export function scalarText(node: unknown): string | null {
  if (!isScalar(node)) return null
  if (typeof node.value === 'string') return node.value
  return node.source ?? String(node.value)
}

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

export const hasControl = (text: string): boolean => CONTROL.test(text)

/** What was found, safe to show in one line. */
export function printable(text: string): string {
  const clean = JSON.stringify(text).slice(1, -1)
  return clean.length > 80 ? `${clean.slice(0, 77)}...` : clean
}

function describe(node: Node | null): string {
  if (isSeq(node)) return 'a list'
  if (isMap(node)) return 'a section'
  const text = scalarText(node)
  return text === null || text === '' ? 'empty' : printable(text)
}
