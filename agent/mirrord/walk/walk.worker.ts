import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { excludeMatcher } from '../capture/exclude'
import { SharedOrderedLog, type SharedLogMemory } from '../order/sharedOrderedLog'
import { SourceTree } from './sourceTree'
import { WalkControl } from './walkControl'
import { WalkEnded, Walker } from './walker'

export interface WalkData {
  shared: SharedLogMemory
  control: SharedArrayBuffer
  /** DiffersQueue. */
  differs: SharedArrayBuffer
  /** Dirty sets come here, each before its order. */
  sets: MessagePort
  /** Of the job: the report of a comparison is kept there. */
  dataDirectory: string
  folders: { root: string; exclude: string[] }[]
  watching: boolean
}

/** How long an order may wait while nothing else happens. */
const LOOK_MS = 50

const data = workerData as WalkData
const log = SharedOrderedLog.attach(data.shared)
const control = WalkControl.attach(data.control)
const walker = new Walker(
  log,
  data.folders.map(({ root, exclude }) => new SourceTree(root, excludeMatcher(exclude))),
  control,
  data.watching
)

function fullWalk(): void {
  control.begin('mirror', Date.now())
  try {
    walker.walkAll()
    control.end('idle', Date.now())
  } catch (error) {
    control.end(error instanceof WalkEnded ? 'stopped' : 'failed', Date.now())
    if (!(error instanceof WalkEnded)) parentPort?.postMessage({ failed: (error as Error).message })
  }
}

function smallWalk(): void {
  control.setBusy(true)
  try {
    if (!log.revisits.empty()) walker.walkRevisits()
  } catch (error) {
    if (!(error instanceof WalkEnded)) parentPort?.postMessage({ failed: (error as Error).message })
  } finally {
    control.setBusy(false)
  }
}

for (let order = control.take(); order !== 'exit'; order = control.take()) {
  const seen = log.revisits.signal()
  if (order === 'full') fullWalk()
  // A mirror that has ended cannot be stopped.
  else if (order === 'stop' && control.state() !== 'idle') control.setState('stopped')
  else if (!log.revisits.empty() && control.state() === 'idle') smallWalk()
  else log.revisits.wait(seen, LOOK_MS)
}
