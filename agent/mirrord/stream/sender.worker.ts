import { parentPort, workerData } from 'node:worker_threads'
import { packProgress } from '../../../src/wire/frameFields'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import { SharedOrderedLog, type SharedLogMemory } from '../order/sharedOrderedLog'
import { WalkControl } from '../walk/walkControl'
import { Sender, type SenderStart, type SenderView } from './sender'

export interface SenderData {
  config: MirrordConfig
  shared: SharedLogMemory
  /** The walk's, for what the target is told of its progress. */
  control: SharedArrayBuffer
  start: SenderStart
}
export type SenderNews = { kind: 'view'; view: SenderView } | { kind: 'mirrorWanted' } | { kind: 'say'; line: string } | { kind: 'stopped' }
export type SenderOrder = 'stop' | 'forceMirror'

const VIEW_MS = 20

const { config, shared, control, start } = workerData as SenderData
const walk = WalkControl.attach(control)
const post = (news: SenderNews): void => parentPort!.postMessage(news)
const sender = new Sender(config, SharedOrderedLog.attach(shared), start, {
  mirrorWanted: () => post({ kind: 'mirrorWanted' }),
  say: (line) => post({ kind: 'say', line }),
  progress: () => packProgress(walk.stateNumber(), walk.percent())
})

let said = ''
function show(): void {
  const text = JSON.stringify(sender.view)
  if (text !== said) post({ kind: 'view', view: sender.view })
  said = text
}
const timer = setInterval(show, VIEW_MS)

parentPort!.on('message', (order: SenderOrder) => {
  if (order === 'forceMirror') sender.forceMirror()
  else sender.stop()
})

void sender.run().then(() => {
  clearInterval(timer)
  show()
  post({ kind: 'stopped' })
  parentPort!.close()
})
