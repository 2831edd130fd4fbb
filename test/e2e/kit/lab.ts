import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { JobView, MirrordStatus, StatusAnswer } from '../../../src/wire'
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
const UP_TIMEOUT_MS = 220_000
const BUSY_TIMEOUT_MS = 30_000
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
    while (result.code !== 0 && result.stderr.includes(' is busy on ') && Date.now() < untilMs) {
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

  /** The job is online on this node, in that node's own words, and its address is there. */
  async online(node: Node, timeoutMs: number, job = JOB): Promise<number> {
    return this.watch().waitFor(`${job} online on ${node}`, timeoutMs, (seen) => isOnline(seen, node, job))
  }

  /** The other node's copy is whole, and no mirror runs. What is being written may be on its way (`applied`). */
  async equal(source: Node, timeoutMs: number, job = JOB): Promise<number> {
    return this.watch().waitFor(`${job}: the copy of ${otherNode(source)} is whole`, timeoutMs, (seen) => isWhole(seen, source, job))
  }

  /** Both nodes are back at their places; who serves. `sinceMs`: what was said before it (epoch ms) does not count. */
  async settled(sinceMs: number, timeoutMs: number, job = JOB): Promise<Node> {
    const met = (seen: Seen) => settledOwner(seen, sinceMs, job) !== null
    await this.watch().waitFor(`${job}: one node serves and the other's copy is whole`, timeoutMs, met)
    return settledOwner(this.watch().seen, sinceMs, job) as Node
  }

  /** While nobody writes: all that was written is in the other folder too. */
  async applied(source: Node, timeoutMs: number, job = JOB): Promise<void> {
    const sinceMs = Date.now()
    await this.watch().waitFor(`${job}: ${otherNode(source)} has applied everything`, timeoutMs, (seen) => isApplied(seen, source, sinceMs, job))
  }

  /** This node has lost the other one. */
  async alone(node: Node, timeoutMs: number): Promise<number> {
    return this.watch().waitFor(`${node} is alone`, timeoutMs, (seen) => statusOf(seen[node])?.peerAlive === 'lost')
  }

  /** This node tells of such a problem. */
  async says(node: Node, problem: RegExp, timeoutMs: number): Promise<number> {
    return this.watch().waitFor(`${node} says ${problem}`, timeoutMs, (seen) => statusOf(seen[node])?.problems.some((text) => problem.test(text)) === true)
  }

  /** With these words this node tells why it leaves the job as it is. */
  async notes(node: Node, words: string, timeoutMs: number): Promise<number> {
    return this.watch().waitFor(`${node} notes: ${words}`, timeoutMs, (seen) => jobOf(seen, node)?.note?.includes(words) === true)
  }

  /** In the words of both nodes after this moment (epoch ms): the witness votes. */
  async hearsWitness(sinceMs: number, timeoutMs: number): Promise<number> {
    return this.watch().waitFor('both nodes hear the witness', timeoutMs, (seen) =>
      NODES.every((node) => isSince(seen[node], sinceMs) && jobOf(seen, node)?.quorum?.witness === 'CONNECTED')
    )
  }

  /** Neither agent has anything to complain about. */
  async calm(timeoutMs: number): Promise<number> {
    return this.watch().waitFor('no problems', timeoutMs, (seen) => NODES.every((node) => statusOf(seen[node])?.problems.length === 0))
  }

  /** What a node said last of the job's data. */
  data(node: Node, job = JOB): MirrordStatus {
    const data = jobOf(this.watch().seen, node, job)?.data
    if (!data) throw new Error(`${node} has said nothing of the data of ${job}`)
    return data
  }

  /** This node says something of the job's data, from now on, with which `met` is true. */
  async dataIs(node: Node, what: string, timeoutMs: number, met: (data: MirrordStatus) => boolean): Promise<MirrordStatus> {
    const sinceMs = Date.now()
    await this.watch().waitFor(`${node}: ${what}`, timeoutMs, (seen) => {
      const data = jobOf(seen, node)?.data
      return isSince(seen[node], sinceMs) && !!data && met(data)
    })
    return this.data(node)
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

/** Nothing is on its way: the target has applied the last thing that the source has given a number. */
export function isApplied(seen: Seen, source: Node, sinceMs: number, job = JOB): boolean {
  const [from, into] = [jobOf(seen, source, job)?.data, jobOf(seen, otherNode(source), job)?.data]
  return NODES.every((node) => isSince(seen[node], sinceMs)) && isWhole(seen, source, job) && !!from && !!into && into.appliedLsn >= from.lsn
}
