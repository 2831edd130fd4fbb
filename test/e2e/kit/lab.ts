import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { MirrordClient } from '../../../agent/adapters/data/client'
import type { JobView, MirrordStatus, StatusAnswer } from '../../../src/wire'
import { runningEngine } from '../../lab/engines'
import { labPlaces } from '../../lab/places'
import { isSince, Observer, type Seen, statusOf } from './observer'
import { dist, type Finished, Measuring, NODE, requireBuilt, runProgram, type RunOptions, startProgram } from './programs'

export type Node = 'RMHW131' | 'RMHW132'
export type Host = Node | 'witness' | 'client'
export const NODES: Node[] = ['RMHW131', 'RMHW132']
export const JOB = 'DB_Group'
export const VIP = '192.168.150.130'
export const FOLDER = `/srv/${JOB}`
/** The same folder as the node's disk has it: below the capture, and below the standby's read-only mount. */
export const FOLDER_ON_DISK = `/run/storage/folders/${JOB}=_srv_${JOB}`
const ADDRESSES = { '192.168.150.151': 'RMHW131', '192.168.150.152': 'RMHW132' }
const OBSERVE_EVERY_MS = 150
const UP_TIMEOUT_MS = 400_000
/** Refusals that are over by themselves: something automatic still runs, or the nodes have not heard yet what they agreed on. */
const REFUSED_FOR_NOW = / is busy on |cannot be changed now|has to hear from /
const BUSY_TIMEOUT_MS = 120_000
const ANSWER_TIMEOUT_MS = 60_000
const NAME_BYTES = 3

export const otherNode = (node: Node): Node => (node === 'RMHW131' ? 'RMHW132' : 'RMHW131')

export interface OutageReport {
  outageMs: number
  outageFromMs: number
  lastErrors: string[]
}
export interface LedgerReport extends OutageReport {
  committed: number
  connections: number
}
export interface ProbeReport extends OutageReport {
  connects: number
  accepted: number
  refused: number
}

/** A real pair for one test file. */
export class Lab {
  private observer: Observer | null = null
  private readonly programs: { kill(signal: 'SIGKILL'): boolean }[] = []

  private constructor(readonly name: string) {}

  /** A lab with a name, not built yet. */
  static named(prefix = 'e2e'): Lab {
    return new Lab(`${prefix}-${randomBytes(NAME_BYTES).toString('hex')}`)
  }

  static async up(options: string[] = [], prefix = 'e2e'): Promise<Lab> {
    const lab = Lab.named(prefix)
    await lab.build(options)
    return lab
  }

  async build(options: string[]): Promise<void> {
    requireBuilt()
    await this.verb(['up', ...options], { timeoutMs: UP_TIMEOUT_MS })
  }

  /** The whole command line of a verb, for who starts it himself. */
  command(words: string[]): string[] {
    return [NODE, dist('lab'), '--name', this.name, ...words]
  }

  /** A verb of the lab that must succeed; what it said. */
  async verb(words: string[], options: RunOptions = {}): Promise<string> {
    const result = await runProgram(this.command(words), options)
    if (result.code !== 0) throw new Error(`lab ${words.join(' ')} ended with ${result.code}:\n${result.stderr}${result.stdout}`)
    return result.stdout
  }

  /** The shell at the client, logged in on both nodes. */
  cui(args: string[], options: RunOptions = {}): Promise<Finished> {
    return runProgram(this.command(['cui', ...args]), options)
  }

  /** A command of the shell that must succeed. On a slow machine something automatic may still run: it does as the refusal says, and waits. */
  async done(args: string[], options: RunOptions = {}): Promise<string> {
    const untilMs = Date.now() + BUSY_TIMEOUT_MS
    let result = await this.cui(args, options)
    while (result.code !== 0 && REFUSED_FOR_NOW.test(result.stderr) && Date.now() < untilMs) {
      await delay(OBSERVE_EVERY_MS)
      result = await this.cui(args, options)
    }
    if (result.code !== 0) throw new Error(`cui ${args.join(' ')} ended with ${result.code}:\n${result.stdout}${result.stderr}`)
    return result.stdout
  }

  exec(host: Host, command: string[], options: RunOptions = {}): Promise<Finished> {
    return runProgram(this.command(['exec', host, '--', ...command]), options)
  }

  /** A program in a host that must succeed; what it said, without the last line end. */
  async said(host: Host, command: string[], options: RunOptions = {}): Promise<string> {
    const result = await this.exec(host, command, options)
    if (result.code !== 0) throw new Error(`${host}: ${command.join(' ')} ended with ${result.code}:\n${result.stderr}${result.stdout}`)
    return result.stdout.trimEnd()
  }

  /** Who listens on this port in a host's own network: the process id, or nothing. Names of programs would find those of other labs too. */
  async listens(host: Host, port: number): Promise<string> {
    return /pid=(\d+)/.exec(await this.said(host, ['ss', '-Hltnp', 'sport', '=', `:${port}`]))?.[1] ?? ''
  }

  /** Who listens there dies at once; which process it was. */
  async killListener(host: Host, port: number): Promise<string> {
    const pid = await this.listens(host, port)
    await this.said(host, ['kill', '-KILL', pid])
    return pid
  }

  /** A program that goes on in a host until the test is over or ends it. */
  start(host: Host, command: string[]) {
    const child = startProgram(this.command(['exec', host, '--', ...command]))
    this.programs.push(child)
    return child
  }

  /** Commits through the VIP, remembers what it was promised, measures the outage of the service; connects again when an answer takes too long. */
  ledger(service: '--postgres' | '--kv', port: number, { everyMs = 5, patienceMs = 1_000, name = 'ledger' } = {}): Measuring<LedgerReport> {
    const options = ['--every', String(everyMs), '--patience', String(patienceMs), '--name', name]
    return new Measuring(this.start('client', [NODE, dist('ledger'), service, `${VIP}:${port}`, ...options]))
  }

  /** Connects to the VIP, measures the outage of the address. */
  prober(port: number, everyMs = 10): Measuring<ProbeReport> {
    return new Measuring(this.start('client', [NODE, dist('prober'), '--to', `${VIP}:${port}`, '--every', String(everyMs)]))
  }

  watch(): Observer {
    if (!this.observer) this.observer = new Observer(startProgram(this.command(['observe', '--every', String(OBSERVE_EVERY_MS)])), ADDRESSES)
    return this.observer
  }

  /** What `look` finds in what is said from now on: on a slow machine the last answer may be from before what the test has just done. */
  private from<T>(nodes: readonly Node[], what: string, timeoutMs: number, look: (seen: Seen) => T | null): Promise<T> {
    const sinceMs = Date.now()
    return this.watch().find(what, timeoutMs, (seen) => (nodes.every((node) => isSince(seen[node], sinceMs)) ? look(seen) : null))
  }

  /** The same for what is true or not; how long it took, ms. */
  private async becomes(nodes: readonly Node[], what: string, timeoutMs: number, met: (seen: Seen) => boolean | undefined): Promise<number> {
    const startedAt = performance.now()
    await this.from(nodes, what, timeoutMs, (seen) => met(seen) || null)
    return performance.now() - startedAt
  }

  /** What this node says of itself and the pair now. */
  answer(node: Node): Promise<StatusAnswer> {
    return this.from([node], `what ${node} says`, ANSWER_TIMEOUT_MS, (seen) => statusOf(seen[node]))
  }

  /** What this node says of the job now. */
  now(node: Node, job = JOB): Promise<JobView> {
    return this.from([node], `what ${node} says of ${job}`, ANSWER_TIMEOUT_MS, (seen) => jobOf(seen, node, job))
  }

  /** The job is online on this node, in that node's own words, and its address is there. */
  online(node: Node, timeoutMs: number, job = JOB): Promise<number> {
    return this.becomes([node], `${job} online on ${node}`, timeoutMs, (seen) => isOnline(seen, node, job))
  }

  /** The other node's copy is whole, and no mirror runs. What is being written may be on its way (`applied`). */
  equal(source: Node, timeoutMs: number, job = JOB): Promise<number> {
    return this.becomes(NODES, `${job}: the copy of ${otherNode(source)} is whole`, timeoutMs, (seen) => isWhole(seen, source, job))
  }

  /** Both nodes are back at their places; who serves. `sinceMs`: what was said before it (epoch ms) does not count. */
  settled(sinceMs: number, timeoutMs: number, job = JOB): Promise<Node> {
    return this.watch().find(`${job}: one node serves and the other's copy is whole`, timeoutMs, (seen) => settledOwner(seen, sinceMs, job))
  }

  /** While nobody writes: all that was written is in the other folder too. */
  async applied(source: Node, timeoutMs: number, job = JOB): Promise<void> {
    const lsn = await this.lsnNow(source, job, timeoutMs)
    await this.becomes(NODES, `${job}: ${otherNode(source)} has applied everything, up to ${lsn}`, timeoutMs, (seen) => isApplied(seen, source, lsn, job))
  }

  /** The number that the source's data program gave out last, in its own words: what the agent knows of it is older. */
  private async lsnNow(source: Node, job: string, timeoutMs: number): Promise<number> {
    for (const untilMs = Date.now() + timeoutMs; ; await delay(OBSERVE_EVERY_MS)) {
      const engine = runningEngine(labPlaces(this.name), source)
      const client = await MirrordClient.open(`/proc/${engine?.pid}/root/run/mirrorpair/${job}.mirrord.sock`, { node: source, job })
      if (client !== null) return ((await client.request({ do: 'status' }, timeoutMs).finally(() => client.close())) as MirrordStatus).lsn
      if (Date.now() > untilMs) throw new Error(`the data program of ${job} on ${source} does not answer`)
    }
  }

  /** This node has lost the other one. */
  alone(node: Node, timeoutMs: number): Promise<number> {
    return this.becomes([node], `${node} is alone`, timeoutMs, (seen) => statusOf(seen[node])?.peerAlive === 'lost')
  }

  /** This node tells of such a problem. */
  says(node: Node, problem: RegExp, timeoutMs: number): Promise<number> {
    return this.becomes([node], `${node} says ${problem}`, timeoutMs, (seen) => statusOf(seen[node])?.problems.some((text) => problem.test(text)))
  }

  /** With these words this node tells why it leaves the job as it is. */
  notes(node: Node, words: string, timeoutMs: number): Promise<number> {
    return this.becomes([node], `${node} notes: ${words}`, timeoutMs, (seen) => jobOf(seen, node)?.note?.includes(words))
  }

  /** In the words of both nodes after this moment (epoch ms): the witness votes. */
  async hearsWitness(sinceMs: number, timeoutMs: number): Promise<number> {
    return this.watch().waitFor('both nodes hear the witness', timeoutMs, (seen) =>
      NODES.every((node) => isSince(seen[node], sinceMs) && jobOf(seen, node)?.quorum?.witness === 'CONNECTED')
    )
  }

  /** Neither agent has anything to complain about. */
  calm(timeoutMs: number): Promise<number> {
    return this.becomes(NODES, 'no problems', timeoutMs, (seen) => NODES.every((node) => statusOf(seen[node])?.problems.length === 0))
  }

  /** What a node said last of the job's data. */
  data(node: Node, job = JOB): MirrordStatus {
    const data = jobOf(this.watch().said, node, job)?.data
    if (!data) throw new Error(`${node} has said nothing of the data of ${job}`)
    return data
  }

  /** This node says something of the job's data, from now on, with which `met` is true. */
  dataIs(node: Node, what: string, timeoutMs: number, met: (data: MirrordStatus) => boolean): Promise<MirrordStatus> {
    return this.from([node], `${node}: ${what}`, timeoutMs, (seen) => {
      const data = jobOf(seen, node)?.data
      return data && met(data) ? data : null
    })
  }

  status(): Promise<LabStatus> {
    return this.verb(['status', '--json']).then((text) => JSON.parse(text) as LabStatus)
  }

  /** The agents' logs, for a test that has failed. */
  async logs(): Promise<string> {
    const { nodes } = await this.status()
    return NODES.map((node) => `--- ${node}\n${fs.readFileSync(nodes[node].log, 'utf8')}`).join('\n')
  }

  async down(): Promise<void> {
    this.observer?.close()
    if (process.env.MIRRORPAIR_LOGS) process.stdout.write(`${await this.logs()}\n`)
    await this.verb(['down'])
    for (const program of this.programs) program.kill('SIGKILL')
  }
}

export interface LabStatus {
  hosts: Record<Host, { power: string; addresses: string[] }>
  nodes: Record<Node, { engine: number | null; log: string; agent: StatusAnswer | { error: { message: string } } | null }>
}

export const jobOf = (seen: Seen, node: Node, job = JOB): JobView | null => statusOf(seen[node])?.self.jobs[job] ?? null

export function isOnline(seen: Seen, node: Node, job = JOB): boolean {
  const view = jobOf(seen, node, job)
  return view !== null && view.phase === 'online' && view.record.owner === node && view.vips.every((vip) => vip.up)
}

export function isWhole(seen: Seen, source: Node, job = JOB): boolean {
  const from = jobOf(seen, source, job)?.data
  const into = jobOf(seen, otherNode(source), job)?.data
  if (!from || !into) return false
  return from.connected && from.mirror.state === 'Idle' && from.needToVerify === 'No' && into.role === 'target' && into.copyComplete
}

/** One node serves, the other stands by with a whole copy, both in words of their own that are younger than this moment; null: not yet. */
export function settledOwner(seen: Seen, sinceMs: number, job = JOB): Node | null {
  if (!NODES.every((node) => isSince(seen[node], sinceMs))) return null
  const online = NODES.filter((node) => isOnline(seen, node, job))
  const owner = online.length === 1 ? online[0] : undefined
  if (owner === undefined || jobOf(seen, otherNode(owner), job)?.phase !== 'standby' || !isWhole(seen, owner, job)) return null
  return NODES.every((node) => mayTakeOver(jobOf(seen, node, job)?.record)) ? owner : null
}

/** With safety FULL a whole copy is not enough: it is recorded that every acknowledged write is in it. */
const mayTakeOver = (record: JobView['record'] | undefined): boolean => record !== undefined && (record.safety === 'off' || record.mirrorInSync)

/** Nothing is on its way: the target has applied what the source has given a number, this one and all that it told of. */
export function isApplied(seen: Seen, source: Node, lsn: number, job = JOB): boolean {
  const [from, into] = [jobOf(seen, source, job)?.data, jobOf(seen, otherNode(source), job)?.data]
  return isWhole(seen, source, job) && !!from && !!into && into.appliedLsn >= Math.max(lsn, from.lsn)
}
