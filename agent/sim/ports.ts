import type { ApplicationConfig, Config, VipConfig } from '../../src/model'
import { dataError } from '../../src/wire/frame'
import type { ConfigChecked, PeerMessage, PeerReply } from '../../src/wire'
import { failure } from '../adapters/failure'
import { createVotersPort } from '../adapters/voters'
import { apiFailure } from '../api/failure'
import type { ClockPort, DataPort, LeasePort, PeerPort, Ports } from '../ports'
import { linksPort } from './heartbeats'
import { licenceOf } from './licence'
import { applicationKey, brokenKey, type SimEngine, type SimNode } from './node'
import type { SimPair } from './pair'
import { monitorOf, usageOf } from './usage'

/** How long things take on these machines. */
const MESSAGE_MS = 2
const NO_WAY_MS = 1_000
const START_MS = 1_000
const STOP_MS = 500
const VIP_MS = 300
const DISK_MS = 3
const MOUNT_MS = 200
const DRAIN_LOOK_MS = 100
const FENCE_MS = 3_000
/** Of every folder that nobody has named before. */
const FOLDER_BYTES = 256 * 1024 ** 2
const DISK_BYTES = 100 * 1024 ** 3
const OTHER_HARDWARE = '52:54:00:00:00:02'

/** The doors of one engine to the simulated world. What is asked of a machine that is off or asleep is never answered. */
export function portsOf(pair: SimPair, node: SimNode, engine: SimEngine): Ports {
  const clock = clockOf(pair, node, engine)
  const wait = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))
  const after = async <Result>(ms: number, act: () => Result): Promise<Result> => {
    await wait(ms)
    return act()
  }
  const peer = peerOf(pair, node, engine, clock)
  const data = dataOf(pair, node, after)
  return {
    clock,
    disk: {
      load: async () => node.disk,
      save: (state) => after(DISK_MS, () => void (node.disk = state))
    },
    heartbeat: linksPort(pair, node, engine),
    peer,
    voters: createVotersPort(peer, async (message) => {
      await wait(MESSAGE_MS)
      const reply = pair.reachesWitness(node) ? pair.witness.ask(node.places.config, message) : null
      await wait(reply === null ? NO_WAY_MS : MESSAGE_MS)
      return pair.reachesWitness(node) ? reply : null
    }),
    vip: vipsOf(pair, node, after),
    nics: {
      watch: (jobs, call) => {
        engine.pathsChanged = () => {
          for (const { name, vips } of jobs()) call(name, Object.fromEntries(vips.map((vip) => [vip.name, node.nicLost ? ('lost' as const) : ('ok' as const)])))
        }
        engine.pathsChanged()
      },
      close: () => undefined
    },
    arbitration: {
      reach: (config) =>
        after(NO_WAY_MS, () => {
          const reached = !pair.gatewayLost && !node.nicLost
          return { reached, why: reached ? '' : `${config.reach.join(', ')} did not answer` }
        }),
      fence: (_config, victim) =>
        after(FENCE_MS, () => {
          const there = pair.find(victim)
          if (there) pair.kill(there)
        })
    },
    applications: {
      start: (job, application) => after(START_MS, () => started(pair, node, job.name, application)),
      stop: (job, { name }) => after(STOP_MS, () => void node.applications.delete(applicationKey(job.name, name))),
      crash: async (job, { name }) => void pair.applicationDies(node, job.name, name, 'it was killed'),
      adopt: async (job, { name }) => node.applications.has(applicationKey(job.name, name)),
      onFailed: (call) => {
        engine.failed = call
      }
    },
    data,
    usage: usageOf(node, clock),
    monitor: monitorOf(node),
    licence: licenceOf(node, pair.options.licensor ?? null),
    lease: leaseOf(pair, node, clock),
    history: {
      write: async (entry) => {
        const others = node.takeovers.filter((each) => each.job !== entry.job || each.roleSequence !== entry.roleSequence || each.atMs !== entry.atMs)
        node.takeovers = [...others, entry].slice(-TAKEOVERS_KEPT)
      },
      read: async (job) => node.takeovers.filter((each) => each.job === job)
    },
    log: { event: (level, text, job) => node.events.add({ atMs: pair.wallMs, level, job: job ?? null, text }) },
    configuration: {
      save: (kept) => after(DISK_MS, () => void (node.kept = kept)),
      // FILE is only read.
      writeFile: () => wait(DISK_MS),
      check: (before, next) => after(VIP_MS, () => checked(pair, node, before, next))
    }
  }
}

/** Of a new configuration this machine knows what it holds: no address of a node may become that of a job, and every folder that is named is there. */
function checked(pair: SimPair, node: SimNode, before: Config, next: Config): ConfigChecked {
  const taken = Object.values(next.nodes).map(({ address }) => address)
  const jobs = Object.values(next.jobs)
  const problems = jobs
    .flatMap(({ vips }) => vips)
    .filter(({ address }) => taken.includes(address) || pair.answersThere(node, address))
    .filter(({ address }) => !Object.values(before.jobs).some(({ vips }) => vips.some((vip) => vip.address === address)))
    .map((vip) => failure('E_CONFIG_VIP_ANSWERS', { node: node.name, vip: vip.name, address: vip.address, hardware: OTHER_HARDWARE }).report)
  const fresh = jobs.filter(({ name, data }) => data !== null && before.jobs[name] === undefined)
  const seen = { bytes: FOLDER_BYTES, counted: true, empty: false, freeBytes: DISK_BYTES }
  const folders = fresh.flatMap(({ name: job, data }) => (data?.folders ?? []).map(({ path }, place) => ({ job, place, path, ...seen })))
  return { problems, warnings: [], folders }
}

const TAKEOVERS_KEPT = 200

function clockOf(pair: SimPair, node: SimNode, engine: SimEngine): ClockPort {
  return {
    nowMs: () => pair.nowMs,
    bootId: () => `${node.name}-boot-${node.boots}`,
    wallMs: () => pair.wallMs,
    after: (delayMs, call) => {
      let open = true
      pair.onNode(node, delayMs, () => open && engine.alive && call())
      return () => {
        open = false
      }
    }
  }
}

function peerOf(pair: SimPair, node: SimNode, engine: SimEngine, clock: ClockPort): PeerPort {
  const send = (message: PeerMessage, timeoutMs: number): Promise<PeerReply> =>
    new Promise((resolve, reject) => {
      const there = pair.other(node)
      const lost = (): void => reject(apiFailure('E_PEER_UNREACHABLE', { node: node.name, peer: there.name, tried: 'no link answers', maybe: false }))
      clock.after(timeoutMs, lost)
      if (!pair.reaches()) return void clock.after(Math.min(NO_WAY_MS, timeoutMs), lost)
      clock.after(MESSAGE_MS, () => {
        const target = there.running
        if (!pair.reaches() || !target?.receive) return
        target.receive(structuredClone(message)).then(
          (reply) => target.alive && pair.reaches() && clock.after(MESSAGE_MS, () => resolve(structuredClone(reply))),
          () => undefined
        )
      })
    })
  return {
    send,
    onMessage: (receive) => {
      engine.receive = receive
    }
  }
}

function vipsOf(pair: SimPair, node: SimNode, after: After): Ports['vip'] {
  const probe = ({ address }: VipConfig): string | null => (pair.answersThere(node, address) ? OTHER_HARDWARE : null)
  return {
    probe: (vip) => after(VIP_MS, () => probe(vip)),
    raise: (vip) =>
      after(VIP_MS, () => {
        const hardware = probe(vip)
        if (hardware !== null) throw failure('E_VIP_DUPLICATE', { node: node.name, vip: vip.name, address: vip.address, hardware, nic: 'the public network' })
        node.vips.add(vip.address)
      }),
    extend: async () => undefined,
    drop: (vip) => after(VIP_MS, () => void node.vips.delete(vip.address)),
    held: async (vip) => node.vips.has(vip.address)
  }
}

type After = <Result>(ms: number, act: () => Result) => Promise<Result>

function started(pair: SimPair, node: SimNode, job: string, { name }: ApplicationConfig): void {
  const why = 'the simulation was told to break it'
  if (pair.broken.has(brokenKey(node.name, job, name)))
    throw failure('E_APPLICATION_START', { node: node.name, job, application: name, why, output: '', log: null })
  node.applications.add(applicationKey(job, name))
}

/** In the modes with quorum the guard ends what is served when a lease is over, whatever the engine does. */
function leaseOf(pair: SimPair, node: SimNode, clock: ClockPort): LeasePort {
  return {
    tell: (job, roleSequence, untilMs, killAtMs) => {
      const held = node.leases.get(job)
      if (held && (held.roleSequence > roleSequence || (held.roleSequence === roleSequence && held.untilMs > untilMs))) return
      node.leases.set(job, { roleSequence, untilMs, killAtMs })
      pair.onNode(node, Math.max(0, killAtMs - pair.nowMs), () => pair.guard(node, job))
      pair.data(job).connectLater()
    },
    reconfigured: () => undefined,
    known: async () => undefined,
    untilMs: (job) => node.leases.get(job)?.untilMs ?? null,
    forget: (job) => void node.leases.delete(job),
    runs: (job, roleSequence) => {
      const lease = node.leases.get(job)
      return lease?.roleSequence === roleSequence && clock.nowMs() < lease.killAtMs
    }
  }
}

function dataOf(pair: SimPair, node: SimNode, after: After): DataPort {
  const { name } = node
  const of = (job: string) => pair.data(job)
  const drained = async (job: string, untilMs: number, timeoutMs: number): Promise<void> => {
    const why = of(job).whyNotDrained(name)
    if (why !== null) throw why
    if (of(job).isDrained(name)) return
    if (pair.nowMs >= untilMs) throw dataError('E_DRAIN_TIMEOUT', { job, timeoutMs, behind: 1 })
    await after(DRAIN_LOOK_MS, () => undefined)
    await drained(job, untilMs, timeoutMs)
  }
  return {
    ensure: (job) => after(DISK_MS, () => of(job.name).ensure(name)),
    source: (job, roleSequence, complete) => after(MOUNT_MS, () => of(job).become(name, 'source', roleSequence, complete)),
    target: (job, roleSequence) => after(MOUNT_MS, () => of(job).become(name, 'target', roleSequence)),
    drain: (job, timeoutMs) => drained(job, pair.nowMs + timeoutMs, timeoutMs),
    stop: (job) => after(MOUNT_MS, () => of(job).become(name, 'none', null)),
    mirror: (job, action) => after(DISK_MS, () => of(job).mirror(name, action)),
    verify: (job, action, mode) => after(DISK_MS, () => of(job).verify(name, action, mode === 'difference' ? 'difference' : 'full')),
    verifyReport: (job, from) => after(DISK_MS, () => of(job).report(name, from)),
    transmit: (job, action) => after(DISK_MS, () => of(job).transmit(name, action)),
    bandwidth: (job, bytesPerSecond) => after(DISK_MS, () => of(job).limit(name, bytesPerSecond)),
    expose: (job, roleSequence) => after(DISK_MS, () => of(job).expose(name, roleSequence)),
    safety: (job, safety, safetySequence) => after(DISK_MS, () => of(job).setSafety(name, safety, safetySequence)),
    selectSource: (job) => after(DISK_MS, () => of(job).select(name)),
    upgrade: () => after(START_MS, () => ({ version: 'simulated', pausedMs: null, silentMs: null })),
    reconfigure: async (job) => void of(job.name),
    rebuild: (job) => after(START_MS, () => of(job.name).rebuild(name)),
    lookRebuild: async () => undefined,
    forget: async (job) => pair.forget(job),
    forgetOthers: async (jobs) => pair.forgetOthers(jobs),
    end: (job) => after(MOUNT_MS, () => of(job).become(name, 'none', null)),
    onStatus: (call) => {
      if (node.running) node.running.told = call
    },
    lease: () => undefined,
    // The data of a simulated machine ends with the machine only.
    onLost: () => undefined
  }
}
