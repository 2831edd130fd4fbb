import { SaxesParser } from 'saxes'
import type { AgentAdvice, AgentDescription, AgentParameter } from '../../../../src/model'

/** The largest of resource-agents has a fiftieth of this. */
const METADATA_LENGTH_MAX = 1024 * 1024
const DEPTH_MAX = 32
const UNITS_MS: Record<string, number> = { '': 1_000, ms: 1, msec: 1, s: 1_000, sec: 1_000, m: 60_000, min: 60_000, h: 3_600_000, hr: 3_600_000 }
const TRUE = ['1', 'true', 'yes']

interface Element {
  name: string
  attributes: Record<string, string>
  text: string
  children: Element[]
}

/** The XML that an agent prints for `meta-data`. A plain Error says what is wrong with it. */
export function readMetadata(agent: string, xml: string): AgentDescription {
  if (xml.length > METADATA_LENGTH_MAX) throw new Error(`its metadata is longer than ${METADATA_LENGTH_MAX} characters`)
  const root = parse(xml)
  if (root?.name !== 'resource-agent') throw new Error('its metadata is not that of a resource agent')
  return {
    agent,
    version: root.attributes['version'] ?? textOf(root, 'version'),
    summary: oneLine(textOf(root, 'shortdesc')),
    description: paragraphs(textOf(root, 'longdesc')),
    parameters: within(root, 'parameters', 'parameter').map(parameterOf),
    actions: within(root, 'actions', 'action').map(adviceOf)
  }
}

/** Entities of its own are unknown to the parser, and nothing outside of the text is ever read. */
function parse(xml: string): Element | null {
  const parser = new SaxesParser()
  const open: Element[] = []
  let root: Element | null = null
  parser.on('error', (error) => {
    throw new Error(`its metadata is no XML: ${error.message}`)
  })
  parser.on('opentag', ({ name, attributes }) => {
    const element: Element = { name, attributes, text: '', children: [] }
    if (open.length >= DEPTH_MAX) throw new Error('its metadata is nested too deep')
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  const take = (text: string): void => {
    const element = open.at(-1)
    if (element !== undefined) element.text += text
  }
  parser.on('text', take)
  parser.on('cdata', take)
  parser.on('closetag', () => void open.pop())
  parser.write(xml.trimStart()).close()
  return root
}

const childrenOf = (element: Element, name: string): Element[] => element.children.filter((child) => child.name === name)

const within = (root: Element, list: string, name: string): Element[] => childrenOf(root, list).flatMap((element) => childrenOf(element, name))

/** In English, where there are several languages. */
function textOf(element: Element, name: string): string {
  const found = childrenOf(element, name)
  return (found.find(({ attributes }) => attributes['lang']?.startsWith('en') === true) ?? found[0])?.text ?? ''
}

function parameterOf(element: Element): AgentParameter {
  const content = childrenOf(element, 'content')[0]
  const options = content === undefined ? [] : childrenOf(content, 'option')
  return {
    name: element.attributes['name'] ?? '',
    type: content?.attributes['type'] ?? 'string',
    required: isTrue(element.attributes['required']),
    unique: isTrue(element.attributes['unique']) || element.attributes['unique-group'] !== undefined,
    deprecated: isTrue(element.attributes['deprecated']) || childrenOf(element, 'deprecated').length > 0,
    byDefault: content?.attributes['default'] ?? null,
    choices: options.flatMap(({ attributes }) => attributes['value'] ?? []),
    summary: oneLine(textOf(element, 'shortdesc')),
    description: paragraphs(textOf(element, 'longdesc'))
  }
}

const adviceOf = ({ attributes }: Element): AgentAdvice => ({
  name: attributes['name'] ?? '',
  timeoutMs: durationMs(attributes['timeout']),
  intervalMs: durationMs(attributes['interval'])
})

/** A number alone is seconds. */
function durationMs(text: string | undefined): number | null {
  const [, digits, unit = ''] = /^(\d+)\s*([a-z]*)$/.exec(text?.trim() ?? '') ?? []
  const factor = UNITS_MS[unit]
  return digits === undefined || factor === undefined ? null : Number(digits) * factor
}

const isTrue = (text: string | undefined): boolean => text !== undefined && TRUE.includes(text)

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

/** Lines of a paragraph belong together; an empty line parts two. */
const paragraphs = (text: string): string =>
  text
    .split(/\n\s*\n/)
    .map(oneLine)
    .filter((paragraph) => paragraph !== '')
    .join('\n')
