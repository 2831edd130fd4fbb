import { type Document, isAlias, LineCounter, type Node, parseDocument } from 'yaml'
import { type ConfigCode, configReport, type ConfigValues } from '../../report/config'
import type { Report } from '../../report/report'

/** A refusal with its place in the file (lines and columns count from 1). */
export interface ConfigProblem extends Report {
  file: string
  line: number
  column: number
}

/** More would not be read anyway. */
const PROBLEMS_MAX = 50

/** The text of a configuration with the places of its parts; collects what is wrong with it. */
export class Source {
  readonly problems: ConfigProblem[] = []
  private readonly lines = new LineCounter()
  private readonly document: Document
  private readonly places = new Map<unknown, number>()

  constructor(
    text: string,
    private readonly file: string
  ) {
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false, version: '1.2' })
    for (const error of this.document.errors) this.syntax(error.code, error.message, error.pos[0])
  }

  get root(): Node | null {
    return this.resolve(this.document.contents)
  }

  /** Follows `*name` to what `&name` marked. */
  resolve(node: unknown): Node | null {
    if (!isAlias(node)) return (node as Node | null) ?? null
    const marked = node.resolve(this.document) as Node | undefined
    if (!marked) this.refuse(node, 'E_CONFIG_SYNTAX', { what: `*${node.source} refers to nothing in this file`, instead: SYNTAX_HELP['BAD_ALIAS'] as string })
    return marked ?? null
  }

  refuse<Code extends ConfigCode>(at: unknown, code: Code, values: ConfigValues<Code>): void {
    this.refuseAt(this.offsetOf(at), configReport(code, values))
  }

  /** Where a value that was read came from, for checks that come later. */
  remember(value: unknown, node: Node | null | undefined): void {
    this.places.set(value, node?.range?.[0] ?? 0)
  }

  lineOf(at: unknown): number {
    return this.lines.linePos(this.offsetOf(at)).line || 1
  }

  private offsetOf(at: unknown): number {
    return this.places.get(at) ?? (at as Node | null)?.range?.[0] ?? 0
  }

  private refuseAt(offset: number, report: Report): void {
    if (this.problems.length >= PROBLEMS_MAX) return
    const { line, col } = this.lines.linePos(offset)
    this.problems.push({ ...report, file: this.file, line: line || 1, column: col || 1 })
  }

  private syntax(code: string, message: string, offset: number): void {
    const what = message.replace(/\s+/g, ' ').replace(/\.$/, '')
    this.refuseAt(
      offset,
      configReport('E_CONFIG_SYNTAX', {
        what,
        instead: SYNTAX_HELP[code] ?? 'Check the indentation (two spaces a level), the colons and the brackets of this line.'
      })
    )
  }
}

const SYNTAX_HELP: Record<string, string> = {
  DUPLICATE_KEY: 'A key may stand only once in a section: remove one, or join the two.',
  TAB_AS_INDENT: 'Indent with spaces, not with tabs.',
  BAD_ALIAS: "A text that begins with * must stand in quotes: '*.tmp'.",
  MULTIPLE_DOCS: 'Keep one configuration in the file: remove the line ---.'
}
