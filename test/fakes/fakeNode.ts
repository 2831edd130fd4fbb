import type { Action, Event, Happening, State, step } from '../../src/core'
import { type Config, firstOwnerOf } from '../../src/model'
import type { Ballot, VoteReply } from '../../src/wire'
import type { KeptRecord } from '../../src/wire/keptState'
import type { FakeAgreeing } from './agreeing'
import { blankMachine, type Machine } from './machine'
import type { Mishap } from './mishaps'
import { A, JOB } from './pairConfig'

export type Records = Record<string, KeptRecord>

/** What of one job is on a node, and outlives the engine. */
export interface Seat {
  machine: Machine
  /** What the data program and the guard were told, on the node's own clock. */
  guard: { roleSequence: number; untilMs: number; killAtMs: number } | null
}

/** It is itself the seat of its first job. */
export interface FakeNode extends Seat {
  name: string
  /** Of the jobs beside the first one. */
  seats: Map<string, Seat>
  up: boolean
  /** null: the engine is away, or was never started. */
  state: State | null
  boots: number
  /** By so much somebody has set its wall clock forward, or back. */
  wallOffMs: number
  engineStarts: number
  disk: Records | null
  engineStartedMs: number
  /** Its shutdown has been announced. */
  leaving: boolean
  /** Events that wait while one is being decided or persisted. */
  queue: Happening[]
  turning: boolean
  /** Carries out an order that is under way, whoever asked for it. */
  underWay: Set<() => void>
  /** On the way to the disk. */
  saving: Records | null
  /** Its mirrorpair.yaml: read when the engine starts. */
  config: Config
  /** All of the node is stopped (a suspended machine): it knows nothing of it. */
  paused: boolean
  /** What would have happened on it meanwhile. */
  asleep: (() => void)[]
  /** The next persist fails, and its engine ends. */
  diskFails: boolean
  /** How it agrees on a configuration with the other one; null: it is given one. */
  agreeing: FakeAgreeing | null
}

export function seatOf(node: FakeNode, job: string): Seat {
  if (job === JOB) return node
  const known = node.seats.get(job)
  if (known) return known
  const seat = { machine: blankMachine(node.name === firstOwnerOf(node.config, job)), guard: null }
  node.seats.set(job, seat)
  return seat
}

export const machineOf = (node: FakeNode, job: string): Machine => seatOf(node, job).machine

export const seatsOf = (node: FakeNode): [job: string, seat: Seat][] => [[JOB, node], ...node.seats]

export const blankNode = (name: string, config: Config): FakeNode => ({
  name,
  seats: new Map(),
  up: false,
  state: null,
  boots: 0,
  wallOffMs: 0,
  engineStarts: 0,
  disk: null,
  machine: blankMachine(name === A),
  engineStartedMs: 0,
  leaving: false,
  queue: [],
  turning: false,
  underWay: new Set(),
  saving: null,
  config,
  paused: false,
  asleep: [],
  diskFails: false,
  guard: null,
  agreeing: null
})

export interface WorldOptions {
  config?: Config
  /** 0 ≤ random < 1; the same numbers give the same story. */
  random?: () => number
  delayMs?: (what: 'message' | 'order') => number
  loses?: () => boolean
  repeats?: () => boolean
  /** How long a persist takes; 0 when it is left out. */
  diskMs?: () => number
  /** Orders that were under way when their engine crashed: done all the same, and nobody hears of it? */
  finishes?: () => boolean
  saved?: (node: FakeNode, records: Records) => void
  observe?: (node: FakeNode, event: Event, actions: Action[]) => void
  /** How fast the clock of a host runs; 1 when it is left out. */
  clockRate?: (host: string) => number
  /** Something began that serves: an address, an application, an acknowledgement. */
  served?: (node: FakeNode, what: string, job: string) => void
  /** What the witness recorded, and what it answered. */
  witnessed?: (ballot: Ballot, job: string, since: number) => void
  answered?: (reply: VoteReply) => void
  wiped?: () => void
  /** How long the guard's kill takes; at once when it is left out. */
  killMs?: () => number
  /** What went wrong, and really did: for those who count. */
  happened?: (what: Mishap) => void
  /** Configurations are agreed on while the engines run, as agent/engine/agreeing.ts does it. */
  agrees?: boolean
  /** Planted bugs of the tests go in here. */
  step?: typeof step
}

/** `fails`: it says so, and the other node is off or not. */
export interface FakeFence {
  afterMs: number
  fails: boolean
  switchesOff: boolean
}
