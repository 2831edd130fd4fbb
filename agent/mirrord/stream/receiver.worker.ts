import { parentPort, workerData } from 'node:worker_threads'
import { standStill } from '../../adapters/standStill'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import { CopyStateFile } from '../copyState'
import type { Stopped } from '../redolog/targetLog'
import { Receiver } from './receiver'
import type { ReceiverView } from './receiverView'

export interface ReceiverData {
  config: MirrordConfig
  stateFile: string
  /** False: only what is in the redo log is wanted. */
  listen: boolean
  /** What this node marked when it was the source, as `dirty` frames; null: nothing. */
  ownMarks: Uint8Array[] | null
}
export type ReceiverNews =
  | { kind: 'view'; view: ReceiverView }
  | { kind: 'say'; line: string }
  /** The folders are as the last end left them, and it listens. */
  | { kind: 'ready' }
  | { kind: 'stopped'; stopped: Stopped }
export type ReceiverOrder =
  | { do: 'stop'; drain: boolean }
  | { do: 'reconfigure'; links: MirrordConfig['links']; redoQueueBytes: number }
  | { do: 'still'; untilMs: number }

const VIEW_MS = 50

const { config, stateFile, listen, ownMarks } = workerData as ReceiverData
const post = (news: ReceiverNews): void => parentPort!.postMessage(news)
const say = (line: string): void => post({ kind: 'say', line })
const { receiver, ready } = Receiver.start({ ...config, links: listen ? config.links : [] }, new CopyStateFile(stateFile), ownMarks, say)

let said = ''
function show(): void {
  const text = JSON.stringify(receiver.view)
  if (text !== said) post({ kind: 'view', view: receiver.view })
  said = text
}
const timer = setInterval(show, VIEW_MS)
const opened = ready.then(() => {
  show()
  post({ kind: 'ready' })
})

async function stop(drain: boolean): Promise<void> {
  await opened
  let stopped: Stopped
  try {
    stopped = await receiver.stop(drain)
  } catch (error) {
    stopped = { drained: false, why: (error as Error).message }
  }
  clearInterval(timer)
  show()
  post({ kind: 'stopped', stopped })
  // Connections that are still closing must not hold the thread.
  setImmediate(() => process.exit(0))
}
parentPort!.on('message', (order: ReceiverOrder) => {
  if (order.do === 'stop') void stop(order.drain)
  else if (order.do === 'still') standStill(order.untilMs)
  else void opened.then(() => receiver.reconfigure(order.links, order.redoQueueBytes))
})
