import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import tls from 'node:tls'
import { plainReason } from '../adapters/failure'
import { syncDirectorySync } from '../adapters/files'
import { readCertificates } from '../api/certificates'
import type { ClockPort, LogPort } from '../ports'
import { loadBallots } from './ballotFile'
import { WitnessJobs } from './jobs'
import { ballotsDirectory, type ClusterPlaces, clusterDirectories, clusterOf, serverNameOf } from './places'

/** Pairs that one witness serves. */
export const CLUSTERS_MAX = 2_048
const INCARNATION_BYTES = 8

/** A pair as the witness knows it: its authority, the certificate that the witness has from it, its ballots. */
export interface Cluster extends ClusterPlaces {
  context: tls.SecureContext
  jobs: WitnessJobs
}

export interface ClustersOptions {
  stateDirectory: string
  node: string
  clock: Pick<ClockPort, 'nowMs'>
  log: LogPort
}

/** The pairs that this witness has joined, by server name. */
export class Clusters {
  private clusters = new Map<string, Cluster>()

  constructor(private readonly options: ClustersOptions) {}

  find(serverName: string): Cluster | null {
    return this.clusters.get(serverName.toLowerCase()) ?? null
  }

  all(): Cluster[] {
    return [...this.clusters.values()]
  }

  /** A pair that is there already goes on as it is. */
  load(): void {
    const known = new Map(this.all().map((cluster) => [cluster.directory, cluster]))
    const directories = clusterDirectories(this.options.stateDirectory).slice(0, CLUSTERS_MAX)
    const loaded = directories.flatMap((directory) => known.get(directory) ?? this.open(directory) ?? [])
    this.clusters = new Map(loaded.filter((cluster) => this.isOnly(cluster, loaded)).map((cluster) => [serverNameOf(cluster.word), cluster]))
  }

  /** Which of two is the older one nobody knows. */
  private isOnly({ name, word }: Cluster, loaded: Cluster[]): boolean {
    const same = loaded.filter((cluster) => cluster.word === word).map(({ directory }) => directory)
    if (same.length > 1) this.options.log.event('error', `${name} is here more than once and is not served: ${same.join(', ')}. Join it again.`)
    return same.length === 1
  }

  private open(directory: string): Cluster | null {
    const { node, clock, log } = this.options
    try {
      const cluster = clusterOf(directory)
      fs.mkdirSync(ballotsDirectory(directory), { recursive: true, mode: 0o700 })
      syncDirectorySync(directory)
      // A program that was killed between a rename and its flush has left what this one goes by, and what a power cut would take back.
      syncDirectorySync(ballotsDirectory(directory))
      const context = tls.createSecureContext({ ...readCertificates(directory, node), minVersion: 'TLSv1.3' })
      const kept = loadBallots(ballotsDirectory(directory), (file, why) =>
        log.event('error', `${file} is damaged (${why}): the witness votes for that job again when it has heard both nodes of ${cluster.name}`)
      )
      const incarnation = () => randomBytes(INCARNATION_BYTES).toString('hex')
      return { ...cluster, context, jobs: new WitnessJobs({ incarnation, clock, directory: ballotsDirectory(directory), kept }) }
    } catch (error) {
      log.event('error', `The pair of ${directory} cannot be served: ${plainReason(error)}`)
      return null
    }
  }
}
