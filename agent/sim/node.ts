import type { DrillEntry, KeptState, MonitorEntry, StatusAnswer, TakeoverView } from '../../src/wire'
import type { NetworkCard } from '../../src/model'
import type { Engine } from '../engine/engine'
import type { KeptConfig, Places } from '../ports'
import type { PeerMessage, PeerReply } from '../../src/wire'
import type { SimEvents } from './events'

/** What the guard was told of a job. */
export interface SimLease {
  roleSequence: number
  untilMs: number
  killAtMs: number
}

/** The engine that runs on a node now. */
export interface SimEngine {
  engine: Engine
  /** Called with what the other node sends. */
  receive: ((message: PeerMessage) => Promise<PeerReply>) | null
  failed: (job: string, application: string, why: string) => void
  told: (job: string, status: NonNullable<StatusAnswer['self']['jobs'][string]['data']>) => void
  pathsChanged: () => void
  linksChanged: () => void
  alive: boolean
}

/** One simulated machine: what is really on it, whatever its engine believes. */
export interface SimNode {
  name: string
  address: string
  up: boolean
  boots: number
  /** Stopped with all that runs on it, until then. */
  frozen: boolean
  asleep: (() => void)[]
  running: SimEngine | null
  engineEndedMs: number
  nicLost: boolean
  cards: NetworkCard[]
  /** So many cards were replaced. */
  exchanged: number
  /** The text of its licence, on its disk. */
  licence: string | null
  leaving: boolean
  /** Outlive a restart of the engine only. */
  /** By address. */
  vips: Set<string>
  applications: Set<string>
  leases: Map<string, SimLease>
  /** Links that a drill holds, and until when. */
  held: Map<string, number>
  heard: Map<string, { atMs: number; sentMs: number; sent: number; received: number }>
  /** On disk. */
  disk: KeptState | null
  kept: KeptConfig
  takeovers: TakeoverView[]
  drills: DrillEntry[]
  places: Places
  events: SimEvents
  /** What its monitor noted, and what it reads: by the words of a condition's left side; null: it cannot be read. */
  monitored: MonitorEntry[]
  usage: Map<string, number | null>
}

export const applicationKey = (job: string, application: string): string => `${job}/${application}`

/** An application that does not start on this node. */
export const brokenKey = (node: string, job: string, application: string): string => `${node}/${job}/${application}`
