import { MessageChannel, type Worker } from 'node:worker_threads'
import { startThread } from '../../native/programs'
import type { SharedOrderedLog } from '../order/sharedOrderedLog'
import type { DirtySet } from '../dirty/dirtySet'
import { DiffersQueue } from './differsQueue'
import type { WalkData } from './walk.worker'
import { WalkControl } from './walkControl'

/** Starts the walk's thread and gives it orders. */
export class WalkThread {
  readonly control = WalkControl.create()
  /** The sender adds what the target's comparison finds, and says `lose` when a connection has ended. */
  readonly differs = DiffersQueue.create()
  private readonly sets = new MessageChannel()
  worker: Worker | null = null

  /** `onFailed`: a walk has failed; its thread lives. */
  start(given: { log: SharedOrderedLog; folders: WalkData['folders']; watching: boolean; dataDirectory: string }, onFailed: (why: string) => void): Worker {
    const { log, folders, watching, dataDirectory } = given
    const { control, differs, sets } = this
    const workerData: WalkData = { shared: log.shared, control: control.shared, differs: differs.shared, sets: sets.port2, folders, watching, dataDirectory }
    this.worker = startThread('walk', { workerData, transferList: [sets.port2] })
    this.worker.on('message', ({ failed }: { failed: string }) => onFailed(failed))
    this.worker.once('exit', () => sets.port1.close())
    return this.worker
  }

  mirror(): void {
    this.begin('full')
  }

  /** Compares all there is, and repairs the target. */
  verify(): void {
    this.begin('verify')
  }

  /** Compares what the set names, and repairs the target. */
  difference(set: DirtySet): void {
    this.sets.port1.postMessage(set)
    this.begin('difference')
  }

  private begin(order: 'full' | 'verify' | 'difference'): void {
    this.control.pause(false)
    this.control.order(order)
  }

  stop(): void {
    this.control.order('stop')
  }

  exit(): void {
    this.control.order('exit')
  }
}
