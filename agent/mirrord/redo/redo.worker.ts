import { parentPort, workerData } from 'node:worker_threads'
import { dataError } from '../../../src/wire/frame'
import { excludeMatcher } from '../capture/exclude'
import type { Checkpoint } from '../redolog/checkpoint'
import { RedoRunner, type RedoNews, type RedoOrder } from './redoRunner'
import { TargetFolder } from './targetFolder'

export interface RedoData {
  job: string
  folders: { path: string; exclude: string[] }[]
  directory: string
  checkpoint: Checkpoint
  /** The log is hard up to here. */
  hard: number
}

const { job, folders, directory, checkpoint, hard } = workerData as RedoData
const opened = folders.map(({ path, exclude }) => {
  const tree = TargetFolder.open(path)
  if (typeof tree === 'number') throw dataError('E_FOLDER_MISSING', { folder: path, why: `error ${-tree}` })
  return { tree, excluded: excludeMatcher(exclude) }
})
const runner = new RedoRunner(job, directory, opened, checkpoint, hard, (news: RedoNews) => parentPort!.postMessage(news))
parentPort!.on('message', (order: RedoOrder) => runner.order(order))
// Names made here have the source's modes, whatever the process was started with: they are set by name.
void runner.run().then(() => parentPort!.close())
