import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type MonitorConfig, parseCondition } from '../../../src/model'
import { programCommand } from '../../native/programs'
import type { UsagePort } from '../../ports'
import { monotonicMs } from '../clock'
import type { UsageAnswer, UsageQuestion } from './wire'

const LOOK_EVERY_MS = 250
/** Its own waits are shorter: a program that does not answer by then hangs as a whole, and is ended. */
export const ANSWER_TIMEOUT_MS = 6_000
/** One that dies or hangs is not started again and again. */
const START_AGAIN_MS = 5_000
/** Nobody has asked for so long: it is not kept for a question now and then. */
const REST_AFTER_MS = 60_000
/** A few numbers in a small heap; a thread for each file system that hangs. */
const ENVIRONMENT = { NODE_OPTIONS: '--max-old-space-size=48 --max-semi-space-size=1', UV_THREADPOOL_SIZE: '16' }

type Values = Record<string, number | null>

export interface UsageOptions {
  /** How the program is started; tests hand over their own. */
  command?: { file: string; args: string[] }
}

export function createUsagePort(options: UsageOptions = {}): UsagePort {
  const asker = new Asker(options.command ?? withWord(programCommand('agent')))
  let timer: NodeJS.Timeout | undefined
  let nextAtMs = 0
  let looking = false

  const look = async (monitor: MonitorConfig, call: (values: Values) => void): Promise<void> => {
    looking = true
    const keys = watchedKeys(monitor)
    const values = await asker.ask(keys, 'monitor')
    looking = false
    call(Object.fromEntries(keys.map((key) => [key, values[key] ?? null])))
  }

  return {
    watch: (monitor, call) => {
      timer = setInterval(() => {
        const now = monitor()
        if (now === null || now.events.length === 0) return asker.rest()
        if (looking || monotonicMs() < nextAtMs) return
        nextAtMs = monotonicMs() + now.intervalMs
        void look(now, call)
      }, LOOK_EVERY_MS)
    },
    look: async (keys) => {
      const values = await asker.ask(keys, null)
      return Object.fromEntries(keys.map((key) => [key, values[key] ?? null]))
    },
    whole: () => asker.ask(null, 'export'),
    close: () => {
      clearInterval(timer)
      asker.end()
    }
  }
}

const withWord = ({ file, args }: { file: string; args: string[] }): { file: string; args: string[] } => ({ file, args: [...args, 'usage'] })

export function watchedKeys({ events }: MonitorConfig): string[] {
  const conditions = events.flatMap(({ conditions: texts }) => texts.map(parseCondition))
  return [...new Set(conditions.flatMap((condition) => (typeof condition === 'string' ? [] : [condition.watched.key])))]
}

/** Keeps one program while somebody asks, and never waits for it longer than it says. */
class Asker {
  private child: ChildProcess | null = null
  private failedAtMs = Number.NEGATIVE_INFINITY
  private askedAtMs = 0
  private numbers = 0
  private readonly waiting = new Map<number, (values: Values) => void>()
  private ended = false

  constructor(private readonly command: { file: string; args: string[] }) {}

  /** Nothing: it could not be read. */
  ask(keys: string[] | null, lasting: string | null): Promise<Values> {
    const child = this.running()
    if (child === null) return Promise.resolve({})
    this.askedAtMs = monotonicMs()
    this.numbers += 1
    const question: UsageQuestion = { number: this.numbers, keys, lasting }
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.failed(child), ANSWER_TIMEOUT_MS)
      this.waiting.set(question.number, (values) => {
        clearTimeout(timer)
        this.waiting.delete(question.number)
        resolve(values)
      })
      child.stdin?.write(`${JSON.stringify(question)}\n`)
    })
  }

  /** Nobody watches anything. */
  rest(): void {
    if (this.waiting.size === 0 && monotonicMs() - this.askedAtMs > REST_AFTER_MS) this.drop(this.child)
  }

  end(): void {
    this.ended = true
    this.drop(this.child)
  }

  private running(): ChildProcess | null {
    if (this.child !== null) return this.child
    if (this.ended || monotonicMs() - this.failedAtMs < START_AGAIN_MS) return null
    const child = spawn(this.command.file, this.command.args, { cwd: '/', stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, ...ENVIRONMENT } })
    this.child = child
    child.once('error', () => this.failed(child))
    child.once('exit', () => this.failed(child))
    child.stdin?.on('error', () => undefined)
    if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => this.heard(line))
    return child
  }

  private heard(line: string): void {
    const { number, values } = JSON.parse(line) as UsageAnswer
    this.waiting.get(number)?.(values)
  }

  private failed(child: ChildProcess): void {
    if (child !== this.child) return
    this.failedAtMs = monotonicMs()
    this.drop(child)
  }

  /** Whoever waits for it hears that nothing could be read. */
  private drop(child: ChildProcess | null): void {
    if (child === null || child !== this.child) return
    this.child = null
    child.kill('SIGKILL')
    for (const answer of [...this.waiting.values()]) answer({})
  }
}
