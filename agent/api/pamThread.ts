import { Worker } from 'node:worker_threads'
import type { PamAnswer, PamQuestion } from '../native/pam'
import { endAtOnce } from '../native/libc'
import { workerFile } from '../native/programs'

/** A login waits for its turn behind so many others; more are refused. */
const WAITING_MAX = 8
/** PAM modules that ask a server give up before this. */
const ANSWER_MS_MAX = 30_000

/** Asks PAM in a thread of its own, one login after the other. */
export class PamThread {
  private worker: Worker | null = null
  private nextId = 1
  private readonly waiting = new Map<number, (answer: PamAnswer) => void>()

  ask(question: PamQuestion): Promise<PamAnswer> {
    if (this.waiting.size >= WAITING_MAX) return Promise.resolve({ result: 'broken', why: 'too many logins at the same time, or PAM hangs' })
    const worker = (this.worker ??= this.start())
    const id = this.nextId++
    return new Promise((resolve) => {
      // A call that hangs keeps its place in the queue, so that a PAM that never answers is not asked without end.
      const late = setTimeout(() => resolve({ result: 'broken', why: `PAM did not answer within ${ANSWER_MS_MAX / 1000} s` }), ANSWER_MS_MAX)
      this.waiting.set(id, (answer) => {
        clearTimeout(late)
        resolve(answer)
      })
      worker.postMessage({ id, question })
    })
  }

  /** A call that hangs cannot be called off, and Node ends no process before its threads: who goes away must not wait for it, or nobody decides meanwhile. */
  async close(): Promise<void> {
    if (this.waiting.size === 0) await this.worker?.terminate()
    else process.once('exit', endAtOnce)
  }

  private start(): Worker {
    const worker = new Worker(workerFile('pam'))
    worker.unref()
    worker.on('message', ({ id, answer }: { id: number; answer: PamAnswer }) => this.settle(id, answer))
    worker.on('error', (error) => this.lost(error.message))
    worker.on('exit', () => this.lost('the thread ended'))
    return worker
  }

  private settle(id: number, answer: PamAnswer): void {
    const resolve = this.waiting.get(id)
    this.waiting.delete(id)
    resolve?.(answer)
  }

  private lost(why: string): void {
    this.worker = null
    for (const id of [...this.waiting.keys()]) this.settle(id, { result: 'broken', why })
  }
}
