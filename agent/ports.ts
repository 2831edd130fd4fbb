import type { VoterName } from '../src/core'
import type {
  AgentConfig,
  AgentDescription,
  ApplicationConfig,
  ArbitrationConfig,
  Config,
  FenceConfig,
  HostId,
  JobConfig,
  LicenceFacts,
  MonitorConfig,
  Safety,
  UsageExportConfig,
  VipConfig,
  WitnessConfig
} from '../src/model'
import type { CheckMode } from '../src/wire/frameFields'
import type {
  ConfigChecked,
  ConfigVersion,
  LinkView,
  MirrorAction,
  MirrordStatus,
  MonitorEntry,
  PeerMessage,
  PeerReply,
  TakeoverView,
  Upgraded,
  VerifyReport,
  VoteMessage,
  VoteReply,
  VipPath,
  KeptState
} from '../src/wire'

/**
 * The doors to the outside, one interface each, on one page. `perform.ts` is their only caller; every outcome
 * returns to the loop as an event. A port rejects with a ReportError that says what happened and what to try.
 */
export interface Ports {
  clock: ClockPort
  disk: DiskPort
  heartbeat: HeartbeatPort
  peer: PeerPort
  voters: VotersPort
  vip: VipPort
  nics: NicPort
  arbitration: ArbitrationPort
  applications: ApplicationPort
  data: DataPort
  lease: LeasePort
  history: HistoryPort
  log: LogPort
  configuration: ConfigurationPort
  usage: UsagePort
  monitor: MonitorPort
  licence: LicencePort
}

export interface ClockPort {
  /** Monotonic, ms. Goes on over an engine restart on the same boot (CLOCK_BOOTTIME of the system). */
  nowMs(): number
  /** Tells this boot from others: the times of one are of one clock. */
  bootId(): string
  /** Wall clock for people, epoch ms. */
  wallMs(): number
  /** Calls back once; the answer cancels. */
  after(delayMs: number, call: () => void): () => void
}

export interface DiskPort {
  /** null: never saved. A damaged file is refused with E_STATE_DAMAGED, never guessed at. */
  load(): Promise<KeptState | null>
  /** Resolves when it is hard on disk (write, fsync, rename, fsync of the directory). */
  save(state: KeptState): Promise<void>
}

/** What the heartbeat program knows; it outlives the engine, so that an engine restart is never a node death to the peer. */
export interface HeartbeatView {
  /** `up`: a valid packet within interval × maxMiss. `ageMs` null: none since the program started. `heardByPeer`: the peer says that it hears this node on the link. */
  links: (LinkView & { up: boolean; heardByPeer?: boolean })[]
  /** Any link up. */
  peerAlive: boolean
  /** The peer's node lives and its engine has not been seen for so long, ms; 0: it runs. */
  peerEngineSilentMs: number
  /** A clean shutdown of the peer's node was announced. */
  peerLeaving: boolean
}

export interface HeartbeatPort {
  /** Starts the heartbeat program, or adopts the one that runs. Calls back at once, then on every change. */
  start(onChange: (view: HeartbeatView) => void): Promise<void>
  /** The configuration has changed: these links from now on. One that is as it was goes on without a gap. */
  reconfigure(): Promise<void>
  /** Newest counters, for the tables. */
  view(): HeartbeatView
  /** A drill: nothing is sent or heard on the link for so long, or until no other link is heard in time any more. */
  hold(link: string, forMs: number): void
  /** This node begins to shut down; each packet says so from now on. */
  leaving(): void
  /** The engine goes away; the program stays unless `end` is set (clean stop of the whole node). */
  close(end: boolean): Promise<void>
}

export interface PeerPort {
  /** Tries the links that are up, best first. Rejects with E_PEER_UNREACHABLE at the timeout. */
  send(message: PeerMessage, timeoutMs: number): Promise<PeerReply>
  /** The one receiver of what the peer sends (the API's /v1/peer door calls it). */
  onMessage(receive: (message: PeerMessage) => Promise<PeerReply>): void
}

/** Modes with quorum. */
export interface VotersPort {
  /** null: no answer in time, a refusal, or something that is no answer. It never rejects. */
  ask(to: VoterName, message: VoteMessage, timeoutMs: number): Promise<VoteReply | null>
}

export interface VipPort {
  /** Somebody else answers for the address (ARP probe, IPv6 neighbour solicitation): its hardware address, else null. */
  probe(vip: VipConfig): Promise<string | null>
  /**
   * Adds the address, checks for a duplicate first (E_VIP_DUPLICATE), announces it after, several times. Nothing to do when it is held already.
   * `untilMs` not null: under a lease. Somebody who answers does not serve then; neighbours are told about the new place until they have understood.
   * And the kernel removes it before the lease is over, unless that is extended: nobody who sleeps or hangs keeps an address.
   */
  raise(vip: VipConfig, untilMs: number | null): Promise<void>
  /** A later lease, or none any more (null); nothing to do when it is not held. */
  extend(vip: VipConfig, untilMs: number | null): Promise<void>
  /** Removes it; nothing to do when it is not there. */
  drop(vip: VipConfig): Promise<void>
  /** Is it on this machine now? */
  held(vip: VipConfig): Promise<boolean>
}

export interface NicPort {
  /** Calls back soon with every virtual address of each job, and whenever the link of a card that matters for it changes. */
  watch(jobs: () => JobConfig[], call: (job: string, paths: Record<string, VipPath>) => void): void
  close(): void
}

/** The guide's mode, when every heartbeat is lost. */
export interface ArbitrationPort {
  /** Are the configured addresses reached, as many as are needed? `why`: those that are not. */
  reach(config: ArbitrationConfig): Promise<{ reached: boolean; why: string }>
  /** Resolves when the other node is certainly off; rejects with E_FENCE. */
  fence(config: FenceConfig, victim: string): Promise<void>
}

export interface ApplicationPort {
  /** Resolves when it runs and its check is met; rejects at the start timeout, with everything of it stopped again. Adopts one that runs already. */
  start(job: JobConfig, application: ApplicationConfig): Promise<void>
  /** Resolves when nothing of it is left. `kill`: at once, without asking it. */
  stop(job: JobConfig, application: ApplicationConfig, options: { kill: boolean }): Promise<void>
  /** A drill: it dies as by an accident, and is not told to stop. Rejects with E_DRILL_KIND where that cannot be done. */
  crash(job: JobConfig, application: ApplicationConfig): Promise<void>
  /** Does it run now? Adopts it (watching starts) if so: an engine restart. */
  adopt(job: JobConfig, application: ApplicationConfig): Promise<boolean>
  /** An application that was started or adopted has died or failed its check. */
  onFailed(call: (job: string, application: string, why: string) => void): void
}

/** The resource agents that are installed here: applications of kind *agent* are made of them. */
export interface AgentsPort {
  /** Their names, `ocf:heartbeat:pgsql`. */
  list(): Promise<string[]>
  /** Why there is none of this name that can be executed; null: there is. */
  missing(agent: Pick<AgentConfig, 'provider' | 'type'>): string | null
  /** Asks it for its metadata. A plain Error says why not. */
  describe(agent: Pick<AgentConfig, 'provider' | 'type'>): Promise<AgentDescription>
}

export interface DataPort {
  /** Starts the job's mirrord or adopts the one that runs, and configures it. `ran`: it ran already. */
  ensure(job: JobConfig): Promise<{ ran: boolean; status: MirrordStatus }>
  source(job: string, roleSequence: number, peerCopyComplete: boolean): Promise<void>
  target(job: string, roleSequence: number): Promise<void>
  drain(job: string, timeoutMs: number): Promise<void>
  stop(job: string, options: { force: boolean }): Promise<void>
  mirror(job: string, action: MirrorAction): Promise<void>
  verify(job: string, action: 'start' | 'stop', mode: CheckMode): Promise<void>
  verifyReport(job: string, from: number, max: number): Promise<VerifyReport>
  transmit(job: string, action: 'pause' | 'resume'): Promise<void>
  bandwidth(job: string, bytesPerSecond: number | null): Promise<void>
  /** Safety FULL: it is recorded that the mirror is out of date. */
  expose(job: string, roleSequence: number): Promise<void>
  safety(job: string, safety: Safety, safetySequence: number): Promise<void>
  selectSource(job: string): Promise<void>
  /** Modes with quorum; see LeasePort. One that is started or starts again is told the newest one first of all. */
  lease(job: string, roleSequence: number, untilMs: number): void
  /** The data program hands over to the installed one, whatever it is now. Others that are asked for wait meanwhile. Rejects when the one before goes on. */
  upgrade(job: string): Promise<Upgraded>
  /** It takes on, while it works, what may be changed so: links, limits, timeouts. */
  reconfigure(job: JobConfig): Promise<void>
  /** It goes on with what it cannot change while it works: folders, capture, queues, port; applications in its folders wait for a moment. null: it does not run. */
  rebuild(job: JobConfig): Promise<MirrordStatus | null>
  /** Rejects with what stands in the way of that. */
  lookRebuild(job: JobConfig): Promise<void>
  /** The job is not in the configuration any more: its program ends, and what it kept is put aside, so that a new job of this name begins with nothing. */
  forget(job: string): Promise<void>
  /** The same for whatever is kept of any other job than these: an engine may have died before it was done. */
  forgetOthers(jobs: string[]): Promise<void>
  /** Ends the program (clean stop of the node, or before it is started anew). */
  end(job: string): Promise<void>
  onStatus(call: (job: string, status: MirrordStatus) => void): void
  /** It died, or reported a fault. */
  onLost(call: (job: string, why: string) => void): void
}

/** Modes with quorum: until when this node may serve a job, told to what outlives the engine. All times are those of `clock.nowMs`. */
export interface LeasePort {
  /**
   * At once: the data program acknowledges and sends nothing from `untilMs` on; the guard kills the applications and drops the addresses at `killAtMs`.
   * Only a later one of the same role sequence, or any of a higher one, changes that.
   */
  tell(job: string, roleSequence: number, untilMs: number, killAtMs: number): void
  /** Jobs have other applications or addresses: of one that is served elsewhere, and whose lease here is long over, only those are ended from now on. */
  reconfigured(): void
  /** Resolves when it is known what the guard was told before this engine. */
  known(): Promise<void>
  /** What the guard holds, also from an earlier engine; null: nothing. */
  untilMs(job: string): number | null
  /** The mode of this job needs no lease any more: it is guarded no longer, and its addresses live on. */
  forget(job: string): void
  /** There is still time before the guard ends what serves in this role sequence. */
  runs(job: string, roleSequence: number): boolean
}

/** The changes of owner, for people. What decides is in the records. */
export interface HistoryPort {
  /** Takes the place of what was kept of the same change before. Hard on disk when it resolves. */
  write(entry: TakeoverView): Promise<void>
  /** The oldest first. */
  read(job: string): Promise<TakeoverView[]>
}

/** What the node keeps of its configuration, in `<state>/config.json`: the file for people is written after it. */
export interface KeptConfig {
  agreed: ConfigVersion
  isAgreed: boolean
  prepared: ConfigVersion | null
  /** The one of before, until nothing of it is left anywhere; null: nothing is. */
  before: ConfigVersion | null
  /** Older ones, newest first, at most CONFIG_HISTORY_MAX. */
  history: ConfigVersion[]
  /** The file for people has this one. */
  fileWritten: boolean
}

/** Why a witness that is to become the pair's cannot be asked from this machine just now; null: it can. Never rejects. */
export type WitnessTrial = (witness: WitnessConfig) => Promise<string | null>

export interface ConfigurationPort {
  save(kept: KeptConfig): Promise<void>
  /** The file for people. */
  writeFile(text: string): Promise<void>
  /** What only this machine knows of it: are the addresses, cards, folders, units and accounts that are new in it here? */
  check(before: Config, next: Config): Promise<ConfigChecked>
}

/** What this machine uses, looked at by a program of its own: it never waits in the engine's place, and never rejects; what cannot be read is null. */
export interface UsagePort {
  /** As often as the monitor that is in force says; null: it watches nothing now. */
  watch(monitor: () => MonitorConfig | null, call: (values: Record<string, number | null>) => void): void
  /** Now, for a person. */
  look(keys: string[]): Promise<Record<string, number | null>>
  /** The whole server. */
  whole(): Promise<Record<string, number | null>>
  close(): void
}

/** What a node's monitor does, but for the HA switch. */
export interface MonitorPort {
  note(entry: MonitorEntry): void
  /** The newest ones, oldest first. */
  history(max: number): Promise<MonitorEntry[]>
  /** Runs the administrator's command; why it failed, or null. */
  alarm(call: { event: string; cause: string; values: string[]; command: string; timeoutMs: number }): Promise<string | null>
  exportUsage(event: string, settings: UsageExportConfig, wallMs: number, values: Record<string, number | null>): Promise<void>
}

/** What this machine is known by to who issues licences, and its licence. */
export interface LicencePort {
  /** Rejects with a plain Error where the cards cannot be read. */
  hostId(): Promise<HostId>
  /** What stands here; or what would, with this text in place of the licence (null: with none). Rejects as `hostId`. */
  look(instead?: string | null): Promise<LicenceFacts>
  /** Hard on disk when it resolves; null: the licence goes. */
  save(text: string | null): Promise<void>
}

export interface LogPort {
  /** Kept as the guide shows it: `2019-09-23 15:26:04 | text [RMHW131]`. */
  event(level: 'info' | 'warning' | 'error', text: string, job?: string): void
}

/** Where a node's files are. */
export interface Places {
  /** Survives a reboot: records, certificates, users, event log. `/var/lib/mirrorpair` */
  stateDirectory: string
  /** Gone at a reboot: sockets, pids. `/run/mirrorpair` */
  runDirectory: string
  configFile: string
  config: Config
  node: string
}
