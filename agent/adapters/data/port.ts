import type { JobConfig } from '../../../src/model'
import type { Upgraded, VerifyReport } from '../../../src/wire'
import { programCommand } from '../../native/programs'
import type { DataPort, LogPort, Places } from '../../ports'
import { failure } from '../failure'
import type { MirrordOrder } from './client'
import { JobMirrord, type MirrordEvents } from './jobMirrord'
import { Progress } from './progress'
import { keptJobs, putAside } from './putAside'

/**
 * Mounting over the folders, connecting: answered when applications may start. A target applies its redo log first, which takes as long as it
 * takes: given up only when nothing has moved for so long.
 */
const SOURCE_STALL_MS = 60_000
const SOURCE_MS_MAX = 24 * 3_600_000
const TARGET_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 30_000
/** Answered when mirrord has taken note; what follows is told by its status. */
const NOTE_TIMEOUT_MS = 10_000
/** mirrord keeps the drain's own timeout; its answer gets so much more. */
const DRAIN_ANSWER_MS = 5_000

export interface DataOptions {
  /** How mirrord is started; tests hand over a stand-in that speaks its protocol. */
  command?: { file: string; args: string[] }
}

/** All that is needed to end the program of a job that the configuration does not have any more. */
const nameOnly = (name: string): JobConfig => ({ name, mode: 'guide', vips: [], applications: [], data: null })

export function createDataPort(
  places: Places,
  log: LogPort,
  options: DataOptions = {}
): DataPort & { close(): void; standStill(job: string, untilMs: number): Promise<void> } {
  const progress = new Progress()
  /** One for each job of the configuration. */
  const mirrords = new Map<string, JobMirrord>()
  /** Those of removed jobs that are being ended and put aside. */
  const leaving = new Map<string, Promise<void>>()
  const forget = async (job: string): Promise<void> => {
    const mirrord = mirrords.get(job) ?? new JobMirrord(places, options.command ?? programCommand('mirrord'), nameOnly(job), told)
    mirrords.delete(job)
    await mirrord.end()
    await putAside(places.stateDirectory, job)
  }
  const forgetOnce = (job: string): Promise<void> => {
    const gone = (leaving.get(job) ?? Promise.resolve()).then(() => forget(job))
    const settled = gone.catch(() => undefined).finally(() => leaving.get(job) === settled && leaving.delete(job))
    leaving.set(job, settled)
    return gone
  }
  const events: MirrordEvents = { status: () => undefined, lost: () => undefined, replaced: () => undefined, unheard: () => undefined }
  const told: MirrordEvents = {
    status: (job, status) => {
      progress.see(job, `${status.role} ${status.redoQueueBytes} ${status.appliedLsn}`)
      events.status(job, status)
    },
    lost: (job, why) => {
      log.event('error', `mirrord of ${job} is lost: ${why}.`)
      events.lost(job, why)
    },
    replaced: (job) => log.event('warning', `mirrord of ${job} has died; another one goes on, and what may differ is compared.`),
    unheard: (job, why) => log.event('warning', `mirrord of ${job} could not be told its lease: ${why}.`)
  }
  const mirrordOf = (job: JobConfig): JobMirrord => {
    const found = mirrords.get(job.name) ?? new JobMirrord(places, options.command ?? programCommand('mirrord'), job, told)
    mirrords.set(job.name, found)
    return found
  }
  const known = (job: string, request: string): JobMirrord => {
    const config = places.config.jobs[job]
    if (config !== undefined) return mirrordOf(config)
    throw failure('E_MIRRORD_LOST', { node: places.node, job, request, why: 'the configuration has no such job' })
  }
  const note = (job: string, order: MirrordOrder): Promise<void> => known(job, order.do).request(order, NOTE_TIMEOUT_MS)
  const source = async (job: string, order: MirrordOrder): Promise<void> => {
    const asked = known(job, 'source').request(order, SOURCE_MS_MAX)
    const stalled = progress.stalled(job, SOURCE_STALL_MS)
    asked.catch(() => undefined)
    try {
      await Promise.race([
        asked,
        stalled.then(() => {
          throw failure('E_MIRRORD_TIMEOUT', { node: places.node, job, request: 'source', timeoutMs: SOURCE_STALL_MS })
        })
      ])
    } finally {
      stalled.cancel()
    }
  }
  const upgrade = async (job: string): Promise<Upgraded> => {
    const mirrord = known(job, 'handOver')
    const { status } = await mirrord.ensure(mirrord.job)
    if (status.role !== 'none') return await mirrord.handOver(programCommand('mirrord'))
    await mirrord.end()
    const { program } = (await mirrord.ensure(mirrord.job)).status
    return { version: program?.version ?? null, pausedMs: null, silentMs: null }
  }
  return {
    ensure: async (job) => {
      // Another job of the same name may just be leaving.
      await leaving.get(job.name)
      return await mirrordOf(job).ensure(job)
    },
    source: async (job, roleSequence, peerCopyComplete) => await source(job, { do: 'source', roleSequence, peerCopyComplete }),
    target: async (job, roleSequence) => await known(job, 'target').request({ do: 'target', roleSequence }, TARGET_TIMEOUT_MS),
    drain: async (job, timeoutMs) => await known(job, 'drain').request({ do: 'drain', timeoutMs }, timeoutMs + DRAIN_ANSWER_MS),
    stop: async (job, { force }) => await known(job, 'stop').request({ do: 'stop', force }, STOP_TIMEOUT_MS),
    mirror: async (job, action) => await note(job, { do: 'mirror', action }),
    verify: async (job, action, mode) => await note(job, { do: 'verify', action, mode }),
    verifyReport: async (job, from, max) => (await known(job, 'verifyReport').ask({ do: 'verifyReport', from, max }, NOTE_TIMEOUT_MS)) as VerifyReport,
    transmit: async (job, action) => await note(job, { do: 'transmit', action }),
    bandwidth: async (job, bytesPerSecond) => await note(job, { do: 'bandwidth', bytesPerSecond }),
    expose: async (job, roleSequence) => await note(job, { do: 'expose', roleSequence }),
    safety: async (job, safety, safetySequence) => await note(job, { do: 'safety', safety, safetySequence }),
    selectSource: async (job) => await note(job, { do: 'selectSource' }),
    lease: (job, roleSequence, untilMs) => known(job, 'lease').lease({ roleSequence, untilMs }),
    upgrade: async (job) => await upgrade(job),
    reconfigure: async (job) => await mirrordOf(job).reconfigure(job),
    standStill: async (job, untilMs) => await known(job, 'still').standStill(untilMs),
    rebuild: async (job) => await mirrordOf(job).rebuild(job),
    lookRebuild: async (job) => await mirrordOf(job).lookRebuild(job),
    forget: forgetOnce,
    forgetOthers: async (jobs) => {
      const known = new Set(jobs)
      const others = (await keptJobs(places.stateDirectory)).filter((job) => !known.has(job))
      await Promise.all(others.map(forgetOnce))
    },
    end: async (job) => await known(job, 'exit').end(),
    onStatus: (call) => {
      events.status = call
    },
    onLost: (call) => {
      events.lost = call
    },
    close: () => {
      for (const each of mirrords.values()) each.close()
    }
  }
}
