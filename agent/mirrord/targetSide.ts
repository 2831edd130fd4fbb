import { Worker } from 'node:worker_threads'
import { dataError } from '../../src/wire/frame'
import type { MirrordConfig } from '../../src/wire/mirrord'
import { workerFile } from '../native/programs'
import { realPath } from './folderCapture'
import type { SideHooks } from './sourceSide'
import { makeReadOnly, makeWritable } from './standbyMount'
import type { ReceiverView } from './stream/receiver'
import type { ReceiverData, ReceiverNews } from './stream/receiver.worker'

/** A job's data on its target: the receiver's thread, which also applies. */
export class TargetSide {
  view: ReceiverView | null = null
  private readonly worker: Worker
  private readonly ended: Promise<void>
  private stopping = false

  constructor(
    private readonly config: MirrordConfig,
    stateFile: string,
    private readonly hooks: SideHooks
  ) {
    const workerData: ReceiverData = { config, stateFile }
    this.worker = new Worker(workerFile('receiver'), { workerData })
    this.ended = new Promise((resolve) => this.worker.once('exit', () => resolve()))
  }

  /** Resolves when it listens, or will as soon as the addresses are there, and nobody else can change the copy. */
  async start(): Promise<void> {
    await this.startThread()
    for (const { path } of this.config.folders) {
      if (!makeReadOnly(realPath(path))) this.hooks.say(`${path} is not made read-only for others: that needs root`)
    }
  }

  /** Its first words come when it has opened the folders. */
  private startThread(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.worker.on('message', (news: ReceiverNews) => {
        if (news.kind === 'say') this.hooks.say(news.line)
        if (news.kind === 'stopped' && news.why !== null) this.hooks.say(`the last changes are not hard: ${news.why}`)
        if (news.kind !== 'view') return
        this.view = news.view
        resolve()
      })
      this.worker.on('error', (error) => {
        reject(error)
        if (!this.stopping) this.hooks.fault('E_THREAD', dataError('E_THREAD', { thread: 'receiver', why: error.message }).message)
      })
    })
  }

  async stop(): Promise<void> {
    this.stopping = true
    this.worker.postMessage('stop')
    await this.ended
    for (const { path } of this.config.folders) makeWritable(realPath(path))
  }
}
