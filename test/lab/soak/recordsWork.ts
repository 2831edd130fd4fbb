import readline from 'node:readline'
import { type Lab, VIP } from '../../e2e/kit/lab'
import { dist, NODE } from '../../e2e/kit/programs'
import type { Node } from '../plan'
import type { Found } from './history'
import { numbersIn, type Ranges } from './rows'
import type { Work } from './work'

const WHERE = `${VIP}:7400`
const BEGIN_TIMEOUT_MS = 80_000
const APPLIED_TIMEOUT_MS = 120_000
const MORE = 20
const SHOWN = 8

interface Report {
  connections: number
  longestPauseMs: number
  lastErrors: string[]
  ranges: Ranges
  next: number
}

/** Numbered records, made durable in four ways, beside a history that is never flushed. */
export class RecordsWork implements Work {
  readonly excluded = null
  private child: ReturnType<Lab['start']> | null = null
  private acked = 0
  private last = ''
  private readonly waiting = new Set<() => void>()
  private next = 1
  private readonly promised = new Set<number>()

  constructor(
    private readonly lab: Lab,
    private readonly safety: 'full' | 'off'
  ) {}

  async prepare(): Promise<void> {}

  async begin(): Promise<void> {
    this.acked = 0
    this.child = this.lab.start('client', [NODE, dist('recorder'), '--to', WHERE, '--from', String(this.next)])
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.last = line
      this.acked = (JSON.parse(line) as { acked?: number }).acked ?? this.acked
      for (const look of [...this.waiting]) look()
    })
    await this.until('the first record is acknowledged', BEGIN_TIMEOUT_MS, () => this.acked > 0)
  }

  async goesOn(timeoutMs: number): Promise<void> {
    const before = this.acked
    await this.until(`${MORE} more records are acknowledged`, timeoutMs, () => this.acked >= before + MORE)
  }

  private until(what: string, timeoutMs: number, met: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!met()) return
        this.waiting.delete(look)
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        this.waiting.delete(look)
        reject(new Error(`${what}: not within ${timeoutMs} ms`))
      }, timeoutMs)
      this.waiting.add(look)
      look()
    })
  }

  ask(request: string): Promise<string> {
    return this.lab.said('client', [NODE, dist('records'), '--ask', WHERE, request])
  }

  async end(mayLose: () => Promise<boolean>): Promise<{ told: string; problems: string[] }> {
    const child = this.child
    if (child === null) throw new Error('the client has not begun')
    child.stdin.end()
    await new Promise((resolve) => child.once('close', resolve))
    const report = JSON.parse(this.last) as Report
    this.next = report.next
    for (const number of numbersIn(report.ranges)) this.promised.add(number)
    const have = new Set(numbersIn(JSON.parse(await this.ask('HAVE')) as Ranges))
    const missing = [...this.promised].filter((number) => !have.has(number))
    // A loss is told once, and not again by every run after it.
    for (const number of missing) this.promised.delete(number)
    const found = JSON.parse(await this.ask('FOUND')) as Found
    const moved = await mayLose()
    const problems: string[] = []
    const shown = missing.slice(0, SHOWN).join(', ')
    if (missing.length > 0 && !(moved && this.safety === 'off')) problems.push(`${missing.length} acknowledged records are missing: ${shown}`)
    // Only a copy promises to be some moment of the past; what a node's own power cut does to unflushed files is its file system's business.
    if (moved && found.problem !== null) problems.push(`the copy is a mixture: ${found.problem}`)
    const lost = missing.length > 0 ? `, ${missing.length} of them lost (safety ${this.safety})` : ''
    const told = `${this.acked} records acknowledged, longest pause ${report.longestPauseMs} ms${lost}; history at step ${found.steps}`
    return { told, problems }
  }

  async rest(owner: Node): Promise<void> {
    await this.ask('REST')
    await this.lab.applied(owner, APPLIED_TIMEOUT_MS)
  }

  async goOn(): Promise<void> {
    await this.ask('GO')
  }
}
