import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import type { MirrordConfig, MirrordReply, MirrordRequest, MirrordStatus, ProgramCommand } from '../../../src/wire'
import { programCommand } from '../../../agent/native/programs'
import { mirrordDefaults } from '../../fakes/dataDefaults'
import { firstOwnPort } from '../../kit/ports'

const START_MS = 10_000
const POLL_MS = 20
export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

type Order = MirrordRequest extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never

/** A CA and a certificate a node, as `init` and `join` leave them. */
export function makeCertificates(directory: string, nodes: string[]): void {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test cluster', '-days', '2')
  for (const node of nodes) {
    openssl('req', ...key, '-keyout', `${node}.key`, '-out', `${node}.csr`, '-subj', `/CN=${node}`)
    openssl('x509', '-req', '-in', `${node}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-out', `${node}.crt`, '-days', '2')
  }
}

/** By file name: made once a test file, for all of its pairs. Each would be five runs of openssl. */
const certificates = new Map<string, Buffer>()

function giveCertificates(directory: string): void {
  if (certificates.size === 0) {
    makeCertificates(directory, ['RMHW131', 'RMHW132'])
    for (const name of fs.readdirSync(directory)) certificates.set(name, fs.readFileSync(path.join(directory, name)))
  }
  for (const [name, content] of certificates) fs.writeFileSync(path.join(directory, name), content, { mode: 0o600 })
}

/** One mirrord, started and spoken to as the agent does. */
export class TestMirrord {
  private child: ChildProcess | null = null
  private socket: net.Socket | null = null
  private nextId = 1
  private readonly waiting = new Map<number, (reply: MirrordReply) => void>()
  readonly faults: string[] = []
  log = ''

  constructor(
    readonly node: string,
    readonly config: MirrordConfig,
    private readonly directory: string
  ) {}

  get folder(): string {
    return this.config.folders[0]!.path
  }

  /** `kept`: by a keeper, as the agent does, which starts another one when it dies. `program`: another file than the one that was built. `logFd`: its log. */
  async start({ kept = false, program, logFd, env }: { kept?: boolean; program?: string; logFd?: number; env?: NodeJS.ProcessEnv } = {}): Promise<void> {
    const mirrord = program === undefined ? programCommand('mirrord') : { file: process.execPath, args: [program] }
    const { file, args } = kept ? programCommand('keeper') : mirrord
    const places = ['--job', this.config.job, '--node', this.node, '--run', this.directory, '--state', this.directory]
    fs.mkdirSync(this.directory, { recursive: true })
    this.child = spawn(file, [...args, ...places, ...(kept ? ['--', mirrord.file, ...mirrord.args] : [])], {
      stdio: ['ignore', 'ignore', logFd ?? 'pipe'],
      env: { ...process.env, ...env }
    })
    this.child.stderr?.on('data', (text) => (this.log += String(text)))
    await this.connect()
    await this.ask({ do: 'configure', config: this.config })
  }

  private async connect(): Promise<void> {
    const socketFile = path.join(this.directory, `${this.config.job}.mirrord.sock`)
    for (let waited = 0; ; waited += POLL_MS) {
      const socket = net.connect(socketFile)
      const connected = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
      if (connected) {
        this.socket = socket
        break
      }
      if (waited > START_MS) throw new Error(`mirrord of ${this.node} does not answer: ${this.log}`)
      await delay(POLL_MS)
    }
    this.socket.on('error', () => undefined)
    const lines = readline.createInterface({ input: this.socket }).on('error', () => undefined)
    lines.on('line', (line) => this.heard(JSON.parse(line)))
  }

  private heard(message: MirrordReply & { event?: string; code?: string }): void {
    if (message.event === 'fault') this.faults.push(String(message.code))
    if (message.event !== undefined) return
    this.waiting.get(message.id)?.(message)
    this.waiting.delete(message.id)
  }

  /** The bare line, for requests that nobody should send. */
  send(line: string, id: number): Promise<MirrordReply> {
    return new Promise((resolve) => {
      this.waiting.set(id, resolve)
      this.socket!.write(`${line}\n`)
    })
  }

  async ask(order: Order): Promise<unknown> {
    const id = this.nextId++
    const reply = await this.send(JSON.stringify({ id, ...order }), id)
    if (reply.ok) return reply.result
    throw Object.assign(new Error(`${reply.error.code}: ${reply.error.message}`), { code: reply.error.code })
  }

  async status(): Promise<MirrordStatus> {
    return (await this.ask({ do: 'status' })) as MirrordStatus
  }

  async until(what: string, holds: (status: MirrordStatus) => boolean, timeoutMs = 20_000): Promise<MirrordStatus> {
    for (const deadline = Date.now() + timeoutMs; ; await delay(POLL_MS)) {
      const status = await this.status()
      if (holds(status)) return status
      if (Date.now() > deadline) throw new Error(`${this.node}: not ${what} after ${timeoutMs} ms: ${JSON.stringify(status)}\n${this.log}`)
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child!.kill(name)
  }

  /** Resolves when each of its threads stands still; SIGCONT sets it going again. */
  async stopped(): Promise<void> {
    this.signal('SIGSTOP')
    const tasks = `/proc/${this.child!.pid}/task`
    const stands = (task: string): boolean => /\) T /.test(fs.readFileSync(path.join(tasks, task, 'stat'), 'utf8'))
    while (!fs.readdirSync(tasks).every(stands)) await delay(POLL_MS)
  }

  async kill(): Promise<void> {
    if (this.child === null || this.child.exitCode !== null || this.child.signalCode !== null) return
    const exited = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await exited
  }

  /** One that is kept: killed, and spoken to again as soon as its successor serves. */
  async crash(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { pid } = this
    process.kill(pid, signal)
    await this.noted(pid)
  }

  /** Spoken to again when its keeper has noted another one than that. */
  async noted(pid: number): Promise<void> {
    while (this.pid === pid) await delay(POLL_MS)
    await this.connect()
  }

  /** One that is kept hands over; spoken to again as soon as another one serves. */
  async handOver(command?: ProgramCommand): Promise<void> {
    const { pid } = this
    await this.ask(command === undefined ? { do: 'handOver' } : { do: 'handOver', command })
    while (this.pid === pid) await delay(POLL_MS)
    await this.connect()
  }

  async reconnect(): Promise<void> {
    await this.connect()
  }

  /** As its keeper has noted it. */
  get pid(): number {
    return (JSON.parse(fs.readFileSync(path.join(this.directory, `${this.config.job}.mirrord.json`), 'utf8')) as { pid: number }).pid
  }

  /** As at the node's shutdown: the role is kept. */
  async leave(): Promise<void> {
    const exited = once(this.child!, 'exit')
    await this.ask({ do: 'exit' }).catch(() => undefined)
    await exited
  }

  async end(): Promise<void> {
    if (this.child === null || this.child.exitCode !== null || this.child.signalCode !== null) return
    const exited = once(this.child, 'exit')
    const stopped = await this.ask({ do: 'stop', force: true }).then(
      () => true,
      () => false
    )
    if (stopped) await this.ask({ do: 'exit' }).catch(() => undefined)
    else this.child.kill('SIGKILL')
    await exited
  }
}

/** As the source says it: the target has had all of it, and no mirror runs. */
export const isMirrored = ({ connected, needToVerify, mirror }: MirrordStatus): boolean => connected && needToVerify === 'No' && mirror.state === 'Idle'

export interface TestPair {
  one: TestMirrord
  two: TestMirrord
  directory: string
  end(): Promise<void>
}

let nextPort = firstOwnPort()

/** Two mirrords on loopback addresses, not started yet. */
export function makePair(change: Partial<MirrordConfig> = {}): TestPair {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrord-test-'))
  giveCertificates(directory)
  const port = nextPort++
  const make = (node: string, peerNode: string, own: number, peer: number): TestMirrord => {
    const folder = path.join(directory, `${node}-data`)
    fs.mkdirSync(folder)
    const links = [
      { name: 'link-0', localAddress: `127.0.0.${own}`, peerAddress: `127.0.0.${peer}` },
      { name: 'link-1', localAddress: `127.0.1.${own}`, peerAddress: `127.0.1.${peer}` }
    ]
    const tls = { caFile: path.join(directory, 'ca.crt'), certFile: path.join(directory, `${node}.crt`), keyFile: path.join(directory, `${node}.key`) }
    const config: MirrordConfig = {
      job: 'DB_Group',
      node,
      peerNode,
      folders: [{ path: folder, name: 'data', exclude: ['*.pid'] }],
      capture: 'fuse',
      queueBytes: 32 * 1024 * 1024,
      port,
      links,
      tls,
      ...mirrordDefaults(path.join(directory, `${node}.data`)),
      ...change
    }
    return new TestMirrord(node, config, path.join(directory, `${node}-run`))
  }
  const one = make('RMHW131', 'RMHW132', 2, 3)
  const two = make('RMHW132', 'RMHW131', 3, 2)
  const end = async (): Promise<void> => {
    await one.end()
    await two.end()
    fs.rmSync(directory, { recursive: true, force: true })
  }
  return { one, two, directory, end }
}
