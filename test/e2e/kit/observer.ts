import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import readline from 'node:readline'
import type { StatusAnswer } from '../../../src/wire'

export type Answer = StatusAnswer | { error: { message: string } }
export type Seen = Partial<Record<string, Answer>>

export const statusOf = (answer: Answer | undefined): StatusAnswer | null => (answer !== undefined && 'self' in answer ? answer : null)

/** Said after this moment (epoch ms): all hosts of a lab have one clock. */
export const isSince = (answer: Answer | undefined, sinceMs: number): boolean => (statusOf(answer)?.wallMs ?? 0) > sinceMs

/** What a failed wait prints: enough to see where the pair stands. */
export function describeSeen(seen: Seen): string {
  return Object.entries(seen)
    .flatMap(([node, answer]) => {
      const status = statusOf(answer)
      if (!status) return [`${node}: ${JSON.stringify(answer)}`]
      const jobs = Object.values(status.self.jobs).map(({ record, phase, note, data }) => `  ${JSON.stringify({ phase, note, record, data })}`)
      return [`${node}: peer ${status.peerAlive}, ${status.self.links.map((link) => `${link.name} ${link.state}`).join(', ')}`, ...jobs, ...status.problems]
    })
    .join('\n')
}

/** Follows what both agents say of the pair; a test waits for what it wants to see, with a deadline. */
export class Observer {
  /** By node name: what its agent said last. */
  readonly seen: Seen = {}
  /** The same, without those times when it did not answer. */
  readonly said: Seen = {}
  private readonly waiting = new Set<() => void>()

  constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly nodeOf: Record<string, string>
  ) {
    const lines = readline.createInterface({ input: child.stdout })
    lines.on('line', (line) => this.take(line))
  }

  private take(line: string): void {
    const { nodes } = JSON.parse(line) as { nodes: Record<string, Answer> }
    for (const [address, answer] of Object.entries(nodes)) {
      const node = this.nodeOf[address] ?? address
      this.seen[node] = answer
      if (statusOf(answer)) this.said[node] = answer
    }
    for (const look of [...this.waiting]) look()
  }

  /** Resolves at the first answer with which `met` is true, with the time it took; else fails and tells what was seen last. */
  async waitFor(what: string, timeoutMs: number, met: (seen: Seen) => boolean): Promise<number> {
    const startedAt = performance.now()
    await this.find(what, timeoutMs, (seen) => (met(seen) ? true : null))
    return performance.now() - startedAt
  }

  /** What `look` finds in the first answer in which it finds something: the next answer may be there already when a test goes on. */
  find<T>(what: string, timeoutMs: number, look: (seen: Seen) => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer)
        this.waiting.delete(tryIt)
      }
      const tryIt = () => {
        const found = look(this.seen)
        if (found === null) return
        done()
        resolve(found)
      }
      const timer = setTimeout(() => {
        done()
        reject(new Error(`${what}: not within ${timeoutMs} ms. Seen last:\n${describeSeen(this.seen)}`))
      }, timeoutMs)
      this.waiting.add(tryIt)
      tryIt()
    })
  }

  close(): void {
    this.child.kill('SIGTERM')
  }
}
