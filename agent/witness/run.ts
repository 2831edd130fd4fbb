import fs from 'node:fs'
import { createClockPort } from '../adapters/clock'
import { plainReason } from '../adapters/failure'
import { lockDirectory } from '../adapters/lockDirectory'
import { createLogPort } from '../adapters/log'
import { outliveLog } from '../adapters/standardError'
import { tellSystemd } from '../adapters/systemd'
import type { ClockPort } from '../ports'
import { Clusters } from './clusters'
import { createComplaints } from './complaints'
import { createWitnessDoor, type WitnessDoor } from './door'
import { witnessFailure } from './failure'
import { serveLocal } from './local'

export interface WitnessPlaces {
  stateDirectory: string
  /** The name of this machine, for its log. */
  host: string
  /** undefined: every address. */
  listen: string | undefined
  port: number
}

export interface RunningWitness {
  port: number
  close(): Promise<void>
}

/** The witness's program: ends at SIGTERM, and whoever has a lease keeps it. */
export async function runWitness(places: WitnessPlaces): Promise<number> {
  outliveLog()
  fs.mkdirSync(places.stateDirectory, { recursive: true, mode: 0o700 })
  if (!(await lockDirectory('witness', places.stateDirectory))) throw witnessFailure('E_WITNESS_RUNS', places)
  const ended = Promise.withResolvers<void>()
  const witness = await startWitnessProgram(places)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => ended.resolve())
  tellSystemd()
  await ended.promise
  await witness.close()
  return 0
}

export async function startWitnessProgram(places: WitnessPlaces, options: { standardError?: boolean; clock?: ClockPort } = {}): Promise<RunningWitness> {
  const { stateDirectory, host, port, listen } = places
  const { clock = createClockPort() } = options
  const log = createLogPort({ stateDirectory, node: host }, clock, options)
  const clusters = new Clusters({ stateDirectory, node: host, clock, log })
  clusters.load()
  const door = createWitnessDoor({ clusters, complain: createComplaints(log, clock) })
  await door.listen(port, listen).catch((error: unknown) => {
    throw witnessFailure('E_WITNESS_LISTEN', { address: listen ?? 'every address', port, why: plainReason(error) })
  })
  const reload = (): void => {
    clusters.load()
    door.reloaded()
    log.event('info', `The witness serves ${countOf(clusters)}`)
  }
  const endLocal = await serveLocal(stateDirectory, { status: () => statusOf(host, clusters, door), reload })
  log.event('info', `The witness serves ${countOf(clusters)} at port ${door.port()}`)
  const close = async (): Promise<void> => {
    endLocal()
    await door.close()
    await log.flushed()
  }
  return { port: door.port(), close }
}

function countOf(clusters: Clusters): string {
  const { length } = clusters.all()
  return length === 1 ? '1 pair' : `${length} pairs`
}

const statusOf = (host: string, clusters: Clusters, door: WitnessDoor) => ({
  host,
  port: door.port(),
  connections: door.connections(),
  memoryBytes: process.memoryUsage.rss(),
  clusters: clusters.all().map(({ name, jobs }) => ({ name, jobs: jobs.view() }))
})
