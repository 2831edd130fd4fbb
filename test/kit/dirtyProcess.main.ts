import { startCapture } from '../../agent/mirrord/capture/capture'
import { DIRTY_LIMITS, openDirtyMap } from '../../agent/mirrord/dirty/dirtyMap'
import { SharedOrderedLog } from '../../agent/mirrord/order/sharedOrderedLog'

/** A source in small, in a process of its own that a test can kill: one captured folder and its dirty map. It is asked over the parent's channel. */
export interface DirtyProcessOptions {
  folder: string
  directory: string
  lineage: string
  keep: boolean
  exclude: string[]
  rotateMs: number
}

export type DirtyQuestion =
  | { id: number; ask: 'lsn' | 'bytes' | 'counters' | 'stop' | 'generations' }
  | { id: number; ask: 'release'; lsn: number }
  | { id: number; ask: 'lineage'; lineage: string }
  /** The process kills itself after so long: somewhere in the middle of what it does. */
  | { id: number; ask: 'die'; afterMs: number }

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2]!) as DirtyProcessOptions
  const log = SharedOrderedLog.create({ queueBytes: 1 << 20 })
  const { directory, lineage, keep, folder, exclude, rotateMs } = options
  const map = await openDirtyMap({
    directory,
    folders: 1,
    lineage,
    keep,
    lsn: () => log.lsn(),
    limits: { ...DIRTY_LIMITS, rotateMs, localSyncMs: Math.min(rotateMs, DIRTY_LIMITS.localSyncMs) }
  })
  map.onLost((why) => process.send!({ id: -1, answer: why }))
  const capture = await startCapture({ folder: 0, path: folder, exclude, log, dirty: map.forCapture(0) })
  map.serve([capture.underlyingDirectory])
  const answer = async (question: DirtyQuestion): Promise<unknown> => {
    switch (question.ask) {
      case 'lsn':
        await capture.flushTimes()
        return log.lsn()
      case 'bytes':
        return map.bytes()
      case 'counters':
        return capture.counters()
      case 'generations':
        return map.snapshot()
      case 'release':
        return map.releaseUpTo(question.lsn)
      case 'lineage':
        return map.beginLineage(question.lineage)
      case 'die':
        return void setTimeout(() => process.kill(process.pid, 'SIGKILL'), question.afterMs)
      case 'stop':
        await capture.stop({ force: true })
        await map.close()
        setTimeout(() => process.exit(0), 20)
        return null
    }
  }
  process.on('message', (question: DirtyQuestion) => {
    answer(question).then(
      (value) => process.send!({ id: question.id, answer: value ?? null }),
      (error: Error) => process.send!({ id: question.id, error: error.message })
    )
  })
  process.send!({ id: 0, answer: 'ready' })
}

void main().catch((error: Error) => {
  process.send!({ id: 0, error: error.message })
})
