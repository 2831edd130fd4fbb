import { parentPort, workerData } from 'node:worker_threads'
import { dataError } from '../../../src/wire/frame'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import { excludeMatcher } from '../capture/exclude'
import { CopyStateFile } from '../copyState'
import { Redo } from '../redo/redo'
import { TargetFolder } from '../redo/targetFolder'
import { Receiver, type ReceiverView } from './receiver'

export interface ReceiverData {
  config: MirrordConfig
  stateFile: string
}
export type ReceiverNews = { kind: 'view'; view: ReceiverView } | { kind: 'say'; line: string } | { kind: 'stopped'; why: string | null }

const VIEW_MS = 50

const { config, stateFile } = workerData as ReceiverData
const post = (news: ReceiverNews): void => parentPort!.postMessage(news)

// Names made here have the source's modes, whatever the process was started with.
const folders = config.folders.map(({ path, exclude }) => {
  const tree = TargetFolder.open(path)
  if (typeof tree === 'number') throw dataError('E_FOLDER_MISSING', { folder: path, why: `error ${-tree}` })
  return { tree, excluded: excludeMatcher(exclude) }
})
const receiver = new Receiver(config, new CopyStateFile(stateFile), new Redo(config.job, folders), (line) => post({ kind: 'say', line }))

let said = ''
function show(): void {
  const text = JSON.stringify(receiver.view)
  if (text !== said) post({ kind: 'view', view: receiver.view })
  said = text
}
show()
const timer = setInterval(show, VIEW_MS)

parentPort!.on('message', () => {
  clearInterval(timer)
  let why: string | null = null
  try {
    receiver.stop()
  } catch (error) {
    why = (error as Error).message
  }
  post({ kind: 'stopped', why })
  // Connections that are still closing must not hold the thread.
  setImmediate(() => process.exit(0))
})
