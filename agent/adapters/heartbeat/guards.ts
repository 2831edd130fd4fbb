import type { Worker } from 'node:worker_threads'
import { startThread } from '../../native/programs'
import { type Guarded, replaces } from '../guard/guarded'
import type { GuardGiven, GuardNews, GuardOrder } from '../guard/guard.worker'

/** A guard thread that dies is started again, with all it has to know; not more often than this. */
const START_AGAIN_MS = 200
const END_TIMEOUT_MS = 1_000

export interface GuardsHooks {
  say(line: string): void
  killed(job: string, what: string[]): void
}

/** The heartbeat program's side of its guard thread: what it was told is kept here, for a successor of the thread and for the next engine. */
export class Guards {
  private readonly told = new Map<string, Guarded>()
  private worker: Worker | null = null
  private ended: (() => void) | null = null

  constructor(
    private readonly given: GuardGiven,
    private readonly hooks: GuardsHooks
  ) {}

  all(): Guarded[] {
    return [...this.told.values()]
  }

  tell(guarded: Guarded): void {
    if (!replaces(guarded, this.told.get(guarded.job))) return
    this.told.set(guarded.job, guarded)
    if (this.worker === null) this.start()
    else this.order({ do: 'guard', guarded })
  }

  forget(job: string): void {
    if (this.told.delete(job)) this.order({ do: 'forget', job })
  }

  /** In order: a watchdog that is closed so does not reset the machine. */
  end(): Promise<void> {
    if (this.worker === null) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, END_TIMEOUT_MS)
      this.ended = () => {
        clearTimeout(timer)
        resolve()
      }
      this.order({ do: 'end' })
    })
  }

  private order(order: GuardOrder): void {
    this.worker?.postMessage(order)
  }

  private start(): void {
    const worker = startThread('guard', { workerData: this.given })
    this.worker = worker
    worker.on('message', (news: GuardNews) => this.heard(news))
    worker.on('error', (error) => this.hooks.say(`the guard has died: ${error.message}`))
    worker.on('exit', () => this.exited())
    for (const guarded of this.told.values()) this.order({ do: 'guard', guarded })
  }

  private exited(): void {
    if (this.ended !== null) return this.ended()
    setTimeout(() => this.start(), START_AGAIN_MS)
  }

  private heard(news: GuardNews): void {
    if (news.kind === 'say') this.hooks.say(news.line)
    else if (news.kind === 'killed') this.hooks.killed(news.job, news.what)
    else this.ended?.()
  }
}
