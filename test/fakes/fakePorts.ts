import { createVotersPort } from '../../agent/adapters/voters'
import type { KeptState } from '../../src/wire/keptState'
import type { KeptConfig, Places, Ports } from '../../agent/ports'
import type { Config, LicenceFacts } from '../../src/model'
import type { ConfigChecked, MirrordStatus, MonitorEntry, PeerMessage, PeerReply, VoteMessage, VoteReply, TakeoverView } from '../../src/wire'
import { blankMachine, statusOf } from './machine'
import { A, B } from './pairConfig'

/** The doors of one node, as far as an engine sees them: every call is written down, and can be held. */
export class FakePorts {
  readonly calls: string[] = []
  readonly events: string[] = []
  /** What the machine uses, and a look at it by the monitor. */
  usage: Record<string, number | null> = {}
  sample: (values: Record<string, number | null>) => void = () => undefined
  readonly notes: MonitorEntry[] = []
  disk: KeptState | null = null
  takeovers: TakeoverView[] = []
  /** mirrorpair is free here, unless a test says something else. */
  licence: LicenceFacts = { licensor: null, trouble: null, hostId: null, licence: null, bad: null }
  kept: KeptConfig | null = null
  file = ''
  /** What this machine has to say of a new configuration. */
  checked: ConfigChecked = { problems: [], warnings: [], folders: [] }
  /** The peer's own receiver; null: it cannot be reached. */
  other: FakePorts | null = null
  receive: ((message: PeerMessage) => Promise<PeerReply>) | null = null
  /** The third voter; it is not there unless a test brings one. */
  askWitness: (message: VoteMessage) => Promise<VoteReply | null> = async () => null
  private readonly held = new Map<string, { promise: Promise<void>; resolve: () => void; reject: (why: Error) => void }>()
  readonly leases = new Map<string, { roleSequence: number; untilMs: number; killAtMs: number }>()
  private readonly timers = new Set<NodeJS.Timeout>()
  private readonly seen = new Map<string, () => void>()
  private status: MirrordStatus = statusOf({ ...blankMachine(true).data, running: true, roleSequence: 1, peerCopyComplete: true, connected: true })

  constructor(
    readonly node: string,
    readonly config: Config
  ) {}

  get places(): Places {
    return { stateDirectory: '/none', runDirectory: '/none', configFile: '/none', config: this.config, node: this.node }
  }

  /** From now on calls with this name wait until they are let go. */
  hold(name: string): { go: () => void; fail: (why: string) => void } {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    promise.catch(() => undefined)
    this.held.set(name, { promise, resolve, reject })
    return { go: () => resolve(), fail: (why) => reject(new Error(why)) }
  }

  /** Resolves when a call with this name has been made. */
  called(name: string): Promise<void> {
    if (this.calls.includes(name)) return Promise.resolve()
    return new Promise((resolve) => this.seen.set(name, resolve))
  }

  end(): void {
    for (const timer of this.timers) clearTimeout(timer)
  }

  private async call<T>(name: string, result: T): Promise<T> {
    this.calls.push(name)
    this.seen.get(name)?.()
    await this.held.get(name)?.promise
    return result
  }

  readonly ports: Ports = {
    clock: {
      nowMs: () => performance.now(),
      bootId: () => 'this-boot',
      wallMs: () => Date.now(),
      after: (delayMs, run) => {
        const timer = setTimeout(run, delayMs)
        this.timers.add(timer)
        return () => clearTimeout(timer)
      }
    },
    disk: {
      load: async () => this.disk,
      save: async (state) => {
        await this.call('save', null)
        this.disk = state
      }
    },
    heartbeat: {
      start: async (onChange) => onChange(this.ports.heartbeat.view()),
      reconfigure: () => this.call('relink', undefined),
      view: () => ({ links: [], peerAlive: this.other !== null, peerEngineSilentMs: 0, peerLeaving: false }),
      hold: () => undefined,
      leaving: () => undefined,
      close: (end) => this.call(`heartbeat.close ${end}`, undefined)
    },
    peer: {
      send: async (message) => {
        await this.call(`send ${message.kind}`, null)
        const receive = this.other?.receive
        if (!receive) throw new Error('the peer cannot be reached')
        return receive(structuredClone(message))
      },
      onMessage: (receive) => {
        this.receive = receive
      }
    },
    voters: createVotersPort({ send: (message, timeoutMs) => this.ports.peer.send(message, timeoutMs) }, (message) => this.askWitness(message)),
    licence: {
      hostId: async () => ({ hostId: null, cards: [] }),
      look: async () => this.licence,
      save: () => this.call('licence', undefined)
    },
    nics: { watch: () => undefined, close: () => undefined },
    arbitration: {
      reach: () => this.call('reach', { reached: true, why: '' }),
      fence: (_config, victim) => this.call(`fence ${victim}`, undefined)
    },
    vip: {
      probe: () => this.call('probe', null),
      raise: () => this.call('raise', undefined),
      extend: async () => undefined,
      drop: () => this.call('drop', undefined),
      held: async () => this.calls.lastIndexOf('raise') > this.calls.lastIndexOf('drop')
    },
    applications: {
      start: (_job, { name }) => this.call(`start ${name}`, undefined),
      stop: (_job, { name }) => this.call(`stop ${name}`, undefined),
      adopt: async () => false,
      crash: async () => undefined,
      onFailed: () => undefined
    },
    data: {
      ensure: () => this.call('ensure', { ran: true, status: this.status }),
      source: () => this.call('source', undefined),
      target: () => this.call('target', undefined),
      drain: () => this.call('drain', undefined),
      stop: () => this.call('stop data', undefined),
      mirror: (_job, action) => this.call(`mirror ${action}`, undefined),
      verify: (_job, action) => this.call(`verify ${action}`, undefined),
      verifyReport: (_job, from) => this.call('verifyReport', { mode: 'full', state: 'Idle', startedAtMs: 1, endedAtMs: 2, total: 0, from, differences: [] }),
      transmit: (_job, action) => this.call(`transmit ${action}`, undefined),
      bandwidth: () => this.call('bandwidth', undefined),
      expose: () => this.call('expose', undefined),
      safety: (_job, safety) => this.call(`safety ${safety}`, undefined),
      upgrade: () => this.call('upgrade', { version: '0.2.0', pausedMs: 120, silentMs: 300 }),
      selectSource: () => this.call('selectSource', undefined),
      reconfigure: () => this.call('reconfigure', undefined),
      rebuild: () => this.call('rebuild', this.status),
      lookRebuild: () => this.call('look at rebuild', undefined),
      forget: () => this.call('forget', undefined),
      forgetOthers: () => this.call('forget others', undefined),
      end: () => this.call('end data', undefined),
      onStatus: () => undefined,
      lease: () => undefined,
      onLost: () => undefined
    },
    lease: {
      tell: (job, roleSequence, untilMs, killAtMs) => {
        this.calls.push(`lease ${job} ${roleSequence}`)
        this.leases.set(job, { roleSequence, untilMs, killAtMs })
      },
      reconfigured: () => void this.calls.push('guard what there is now'),
      known: async () => undefined,
      forget: (job) => void this.calls.push(`forget the lease of ${job}`),
      untilMs: (job) => this.leases.get(job)?.untilMs ?? null,
      runs: (job, roleSequence) => {
        const lease = this.leases.get(job)
        return lease?.roleSequence === roleSequence && lease.killAtMs > this.ports.clock.nowMs()
      }
    },
    history: {
      write: async (entry) => {
        await this.call(`history ${entry.roleSequence} ${entry.part} ${entry.end?.outcome ?? 'begins'}`, undefined)
        this.takeovers = [...this.takeovers.filter((each) => each.roleSequence !== entry.roleSequence), entry]
      },
      read: async () => this.takeovers
    },
    configuration: {
      save: async (kept) => {
        await this.call('save config', null)
        this.kept = kept
      },
      writeFile: async (text) => {
        await this.call('write config', null)
        this.file = text
      },
      check: () => this.call('check config', this.checked)
    },
    usage: {
      watch: (_monitor, call) => {
        this.sample = call
      },
      look: async (keys) => Object.fromEntries(keys.map((key) => [key, this.usage[key] ?? null])),
      whole: async () => this.usage,
      close: () => undefined
    },
    monitor: {
      note: (entry) => void this.notes.push(entry),
      history: async () => this.notes,
      alarm: ({ event, command }) => this.call(`alarm ${event} ${command}`, null),
      exportUsage: (event) => this.call(`export ${event}`, undefined)
    },
    log: { event: (level, text) => void this.events.push(`${level}: ${text}`) }
  }
}

/** Two nodes whose engines reach each other. */
export function fakePair(config: Config): [FakePorts, FakePorts] {
  const [a, b] = [new FakePorts(A, config), new FakePorts(B, config)]
  a.other = b
  b.other = a
  return [a, b]
}
