import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ReportError } from '../src/report/report'
import {
  createAgentsPort,
  createApplicationPort,
  createClockPort,
  createConfigurationPort,
  createDataPort,
  createDiskPort,
  createHeartbeatPort,
  createHistoryPort,
  createLeasePort,
  createLicencePort,
  createLogPort,
  createMonitorPort,
  createNicPort,
  createUsagePort,
  createVipPort,
  createArbitrationPort,
  createVotersPort
} from './adapters'
import { loadKept } from './adapters/configuration/store'
import { EventHistory } from './adapters/eventHistory'
import { outliveLog } from './adapters/standardError'
import { tellSystemd } from './adapters/systemd'
import { createApi, createPeerPort } from './api'
import { allStill } from './drill/allStill'
import { DrillBook } from './drill/book'
import { Drills, drillsFile, readInFolder, writeInFolder } from './drill/drills'
import { createEngine } from './engine/createEngine'
import { serveMachine } from './engine/localDoor'
import { inForce, type OpenConfig, openConfig } from './engine/openConfig'
import { lockEngine } from './engine/onlyEngine'
import { EXIT_PERSIST_FAILED } from './loop'
import { endAtOnce } from './native/libc'
import type { Places } from './ports'
import { checkNode, DEFAULT_CONFIG_FILE, DEFAULT_RUN_DIRECTORY, DEFAULT_STATE_DIRECTORY, readConfig, readOptions } from './setup/options'
import { witnessOf } from './witness/ofNode'
import { tryWitness } from './witness/tryOut'

const USAGE = 'mirrorpair-agent run [--config FILE] [--node NAME] [--state DIRECTORY] [--run DIRECTORY]'
const DIRECTORY_MODE = 0o700

/** `mirrorpair-agent run …`: builds the adapters, starts the loop, and answers the exit code when it is told to end. */
export async function runAgent(argv: string[], version: string): Promise<number> {
  outliveLog()
  const given = readPlaces(argv)
  const { places } = given
  for (const directory of [places.stateDirectory, places.runDirectory]) fs.mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE })
  await lockEngine(places)
  const ended = Promise.withResolvers<number>()
  const close = await startAgent(given, version, ended.resolve)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => ended.resolve(0))
  tellSystemd()
  const exitCode = await ended.promise
  await close()
  // After what is written on the way out. Node would wait for every call that a thread has under way: a disk, a name server, a folder that does not answer.
  process.once('exit', endAtOnce)
  return exitCode
}

async function startAgent({ places, open }: Given, version: string, end: (exitCode: number) => void): Promise<() => Promise<void>> {
  const clock = createClockPort()
  const events = new EventHistory(path.join(places.stateDirectory, 'events.jsonl'))
  const log = createLogPort(places, clock, { events })
  const heartbeat = createHeartbeatPort(places, log)
  const peer = createPeerPort({ places, linkUp: (name) => heartbeat.view().links.some((link) => link.name === name && link.up) })
  const nics = createNicPort()
  const agents = createAgentsPort()
  const vip = createVipPort(places, log)
  const applications = createApplicationPort(places, log)
  const data = createDataPort(places, log)
  const witness = witnessOf(places, log, clock)
  const voters = createVotersPort(peer, witness.ask)
  const lease = createLeasePort(places, { clock, data, vip, guard: heartbeat.guard, log })
  const usage = createUsagePort()
  const monitor = createMonitorPort(places)
  const licence = createLicencePort(places)
  const ports = {
    clock,
    disk: createDiskPort(places),
    nics,
    arbitration: createArbitrationPort(places),
    heartbeat,
    peer,
    voters,
    lease,
    vip,
    applications,
    data,
    history: createHistoryPort(places),
    log,
    configuration: createConfigurationPort(places, { vips: vip, agents, witness: tryWitness(places) }),
    usage,
    monitor,
    licence
  }
  const fatal = (why: unknown): void => {
    log.event('error', `The engine ends and will recover from disk: ${reason(why)}`)
    end(EXIT_PERSIST_FAILED)
  }
  // Both nodes compare the whole file, not what each makes of it for itself.
  const engine = await createEngine({ places, ports, open, configHash: open.kept.agreed.hash, fatal })
  const drills = new Drills({
    places,
    applications,
    heartbeat,
    clock,
    log,
    book: new DrillBook(drillsFile(places)),
    write: writeInFolder,
    read: readInFolder,
    status: () => engine.status(),
    whyNotStill: (job) => engine.whyNotStill(job),
    standStill: (forMs) => allStill({ heartbeat, data, jobs: () => jobsWithData(places) }, forMs)
  })
  const api = createApi({ places, engine, peer, log, events, agents, licence, clock, version, drills })
  await api.listen()
  const closeMachineDoor = await serveMachine(places.runDirectory, engine)
  // Jobs, mirrord and the heartbeat program stay as they are.
  return async () => {
    closeMachineDoor()
    await Promise.allSettled([api.close(), engine.stop()])
    for (const port of [nics, vip, applications, data, usage]) port.close()
    witness.close()
    await Promise.allSettled([peer.close(), log.flushed(), monitor.flushed()])
  }
}

interface Given {
  places: Places
  open: OpenConfig
}

function readPlaces(argv: string[]): Given {
  const text = { type: 'string' } as const
  const { values } = readOptions(argv, { config: text, node: text, state: text, run: text }, USAGE)
  const configFile = values.config ?? DEFAULT_CONFIG_FILE
  const stateDirectory = values.state ?? DEFAULT_STATE_DIRECTORY
  const named = values.node ?? os.hostname()
  const open = openConfig(configFile, readConfig, loadKept({ stateDirectory, node: named }), { node: named, wallMs: Date.now() })
  const node = checkNode(open.whole, named)
  const config = inForce(open.whole, node, open.kept)
  return { places: { stateDirectory, runDirectory: values.run ?? DEFAULT_RUN_DIRECTORY, configFile, config, node }, open }
}

function reason(why: unknown): string {
  if (why instanceof ReportError) return `${why.report.message} ${why.report.tryThis}`
  return why instanceof Error ? why.message : String(why)
}

const jobsWithData = ({ config }: Places): string[] =>
  Object.values(config.jobs)
    .filter(({ data }) => data !== null)
    .map(({ name }) => name)
