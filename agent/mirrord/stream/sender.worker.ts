import path from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { packProgress } from '../../../src/wire/frameFields'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import { PageFile } from '../order/pageFile'
import { SharedOrderedLog, type SharedLogMemory } from '../order/sharedOrderedLog'
import { DiffersQueue } from '../walk/differsQueue'
import { WalkControl } from '../walk/walkControl'
import type { SessionNews } from './hello'
import type { DataLink } from './secure'
import { Sender } from './sender'
import type { Begun, SenderStart, SenderView } from './senderView'

export interface SenderData {
  config: MirrordConfig
  shared: SharedLogMemory
  /** The walk's: what the target is told of its progress, and where what the target finds goes. */
  control: SharedArrayBuffer
  differs: SharedArrayBuffer
  start: SenderStart
}
export type SenderNews =
  | { kind: 'view'; view: SenderView }
  | { kind: 'begun'; begun: Begun; dirty: Uint8Array[] | null }
  | { kind: 'say'; line: string }
  | { kind: 'stopped' }
export type SenderOrder =
  | { do: 'stop' | 'forceMirror' | 'select' }
  | { do: 'transmit'; paused: boolean }
  | { do: 'bandwidth'; bytesPerSecond: number | null }
  | { do: 'copy'; dirtyKnown: boolean; lineage: string | null }
  | { do: 'session'; news: SessionNews }
  | { do: 'links'; links: DataLink[] }

const VIEW_MS = 20

const { config, shared, control, differs, start } = workerData as SenderData
const walk = WalkControl.attach(control)
const found = DiffersQueue.attach(differs)
const post = (news: SenderNews): void => parentPort!.postMessage(news)
const page = new PageFile(path.join(config.dataDirectory, 'page'), config.pagefileBytes)
const sender = new Sender(config, SharedOrderedLog.attach(shared), page, start, {
  begun: (begun, dirty) => post({ kind: 'begun', begun, dirty }),
  say: (line) => post({ kind: 'say', line }),
  progress: () => packProgress(walk.stateNumber(), walk.percent()),
  differs: ({ body }) => body.kind === 'differs' && found.add(body),
  connectionLost: () => found.lose(),
  targetApplied: (lsn) => walk.setTargetApplied(lsn)
})

let said = ''
function show(): void {
  sender.refresh()
  const text = JSON.stringify(sender.view)
  if (text !== said) post({ kind: 'view', view: sender.view })
  said = text
}
const timer = setInterval(show, VIEW_MS)

function obey(order: SenderOrder): void {
  switch (order.do) {
    case 'stop':
      return sender.stop()
    case 'forceMirror':
      return sender.forceMirror()
    case 'select':
      return sender.select()
    case 'transmit':
      return sender.pause(order.paused)
    case 'bandwidth':
      return sender.setBandwidth(order.bytesPerSecond)
    case 'copy':
      return sender.setCopy(order.dirtyKnown, order.lineage)
    case 'links':
      return sender.relink(order.links)
    case 'session':
      return sender.tellSession(order.news)
    default:
      return order satisfies never
  }
}
parentPort!.on('message', obey)

void sender.run().then(() => {
  clearInterval(timer)
  show()
  post({ kind: 'stopped' })
  parentPort!.close()
})
