import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import type { CheckMode, Difference } from '../../../src/wire/frameFields'
import type { DirtySet } from '../dirty/dirtySet'
import { excludeMatcher } from '../capture/exclude'
import { SharedOrderedLog, type SharedLogMemory } from '../order/sharedOrderedLog'
import { COMPARED_BYTES } from './comparing'
import { ComparisonReport } from './comparisonReport'
import { DiffersQueue } from './differsQueue'
import { HashPool } from './hashPool'
import { SourceTree } from './sourceTree'
import { WalkControl, type WalkKind } from './walkControl'
import { Walker } from './walker'
import { WalkEnded } from './walkRun'

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
const report = new ComparisonReport(data.dataDirectory)
const trees = data.folders.map(({ root, exclude }) => new SourceTree(root, excludeMatcher(exclude)))
const hasher = new HashPool(COMPARED_BYTES)
const walker = new Walker(log, trees, control, data.watching, DiffersQueue.attach(data.differs), found, hasher)

function found(difference: Difference): void {
  report.add(difference, Date.now())
  report.saveSoon(Date.now())
  control.setDifferences(report.total)
}

function failed(error: unknown): void {
  if (!(error instanceof WalkEnded)) parentPort?.postMessage({ failed: (error as Error).message })
}

function run(kind: WalkKind, use: () => void): void {
  // What is marked is looked at here, too.
  control.setBusy(data.watching)
  control.begin(kind, Date.now())
  try {
    use()
    control.end('idle', Date.now())
  } catch (error) {
    control.end(error instanceof WalkEnded ? 'stopped' : 'failed', Date.now())
    failed(error)
  } finally {
    control.setBusy(false)
  }
}

function compare(mode: CheckMode, set: DirtySet | null): void {
  run(mode === 'full' ? 'verify' : 'difference', () => {
    report.begin(mode, Date.now())
    try {
      walker.compare(set)
    } catch (error) {
      report.end('Stop', Date.now())
      throw error
    }
    report.end('Idle', Date.now())
  })
}

/** The last one that main has posted: one that was not walked is of no interest any more. */
function newestSet(): DirtySet {
  let set: DirtySet = []
  for (let received = receiveMessageOnPort(data.sets); received !== undefined; received = receiveMessageOnPort(data.sets)) set = received.message as DirtySet
  return set
}

function smallWalk(): void {
  control.setBusy(true)
  try {
    if (!log.revisits.empty()) walker.walkRevisits()
  } catch (error) {
    failed(error)
  } finally {
    control.setBusy(false)
  }
}

/** The copy has been whole in this session: paths that are asked for can be sent. A comparison that was stopped changes nothing about that. */
const mayWalkSmall = (): boolean => control.state() === 'idle' || (control.state() === 'stopped' && control.kind() === 'verify')

for (let order = control.take(); order !== 'exit'; order = control.take()) {
  const seen = log.revisits.signal()
  if (order === 'full') run('mirror', () => walker.walkAll())
  else if (order === 'verify') compare('full', null)
  else if (order === 'difference') compare('difference', newestSet())
  // A mirror that has ended cannot be stopped.
  else if (order === 'stop' && control.state() !== 'idle') control.setState('stopped')
  else if (!log.revisits.empty() && mayWalkSmall()) smallWalk()
  else log.revisits.wait(seen, LOOK_MS)
}
hasher.end()
