import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import * as libc from '../../native/libc'
import { SharedOrderedLog, type SharedLogMemory } from '../order/sharedOrderedLog'
import { excludeMatcher } from './exclude'
import { Watcher, watchUntilStopped } from './watchThread'

/** What the main thread gives a watch thread. */
export interface WatchGiven {
  folder: number
  path: string
  exclude: string[]
  log: unknown
  commandFd: number
  commands: MessagePort
}

const given = workerData as WatchGiven
const watcher = new Watcher({
  folder: given.folder,
  path: libc.toByteString(given.path),
  exclude: excludeMatcher(given.exclude),
  log: SharedOrderedLog.attach(given.log as SharedLogMemory),
  onFault: (why) => parentPort?.postMessage({ fault: why })
})
parentPort?.postMessage({ done: 0 })
watchUntilStopped(watcher, given.commandFd, given.commands, (id) => parentPort?.postMessage({ done: id }))
libc.close(watcher.fd)
