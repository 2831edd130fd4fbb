import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import type { DirtyProcessOptions, DirtyQuestion } from '../../kit/dirtyProcess.main'

const dist = path.join(__dirname, '..', '..', '..', 'dist')

type Asked = DirtyQuestion extends infer Each ? (Each extends { id: number } ? Omit<Each, 'id'> : never) : never

/** A small source in a process of its own, to be killed. */
export class DirtySource {
  private nextId = 1
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  readonly ended: Promise<unknown>
  lost: string | null = null

  private constructor(
    private readonly child: ChildProcess,
    readonly options: DirtyProcessOptions
  ) {
    this.ended = once(child, 'exit')
    child.on('message', (message: { id: number; answer?: unknown; error?: string }) => {
      if (message.id === -1) this.lost = String(message.answer)
      const waiting = this.waiting.get(message.id)
      if (message.error !== undefined) waiting?.reject(new Error(message.error))
      else waiting?.resolve(message.answer)
    })
    void this.ended.then(() => {
      for (const each of this.waiting.values()) each.reject(new Error('the process has ended'))
    })
  }

  static async start(options: DirtyProcessOptions): Promise<DirtySource> {
    const child = fork(path.join(dist, 'dirtyProcess.cjs'), [JSON.stringify(options)], { execPath: process.execPath })
    const source = new DirtySource(child, options)
    await new Promise((resolve, reject) => source.waiting.set(0, { resolve, reject }))
    return source
  }

  ask<Answer>(question: Asked): Promise<Answer> {
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.child.send({ ...question, id })
    })
  }

  async stop(): Promise<void> {
    await this.ask({ ask: 'stop' })
    await this.ended
  }

  /** At once, and what it leaves mounted is taken away. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
    unmount(this.options.folder)
  }
}

export function unmount(folder: string): void {
  execFileSync('umount', ['--lazy', folder])
}

/** Changes a folder at random. */
export class DirtyWriter {
  readonly ended: Promise<unknown>

  private constructor(private readonly child: ChildProcess) {
    this.ended = once(child, 'exit')
  }

  static async start(directory: string, seed: number): Promise<DirtyWriter> {
    const child = fork(path.join(dist, 'dirtyWriter.cjs'), [directory, String(seed)], {
      execPath: process.execPath,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc']
    })
    await once(child, 'message')
    return new DirtyWriter(child)
  }

  /** 'done', or why it could not go on. */
  async steps(count: number): Promise<string> {
    this.child.send({ steps: count })
    const answer = await Promise.race([
      once(this.child, 'message').then(([message]) => message as 'done' | { dead: string }),
      this.ended.then(() => ({ dead: 'ended' }))
    ])
    return answer === 'done' ? 'done' : answer.dead
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }
}

/** A copy as the target would have it. */
export function copyTree(from: string, to: string): void {
  fs.rmSync(to, { recursive: true, force: true })
  execFileSync('cp', ['-a', '--sparse=always', from, to])
}
