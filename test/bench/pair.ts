import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import readline from 'node:readline'
import { programCommand } from '../../agent/native/programs'
import type { MirrordConfig, MirrordReply, MirrordRequest, MirrordStatus } from '../../src/wire'
import { mirrordDefaults } from '../fakes/dataDefaults'

const START_TIMEOUT_MS = 10_000
const JOB = 'Bench'
const PORT = 17_340
export const NODES = { RMHW131: '127.0.0.31', RMHW132: '127.0.0.32' } as const
type Node = keyof typeof NODES

type Wanted = MirrordRequest extends infer R ? (R extends MirrordRequest ? Omit<R, 'id'> : never) : never

/** One mirrord without an engine: the bench speaks its control protocol itself. */
export class BenchMirrord {
  status: MirrordStatus | null = null
  private readonly waiting = new Map<number, (reply: MirrordReply) => void>()
  private watchers: (() => void)[] = []
  private nextId = 1

  private constructor(
    private readonly child: ChildProcess,
    private readonly socket: net.Socket
  ) {
    readline.createInterface({ input: socket }).on('line', (line) => this.receive(JSON.parse(line)))
  }

  static async start(root: string, node: Node, folder: string): Promise<BenchMirrord> {
    const directory = path.join(root, node)
    fs.mkdirSync(path.join(directory, 'run'), { recursive: true })
    const program = programCommand('mirrord')
    const log = fs.openSync(path.join(directory, 'mirrord.log'), 'a')
    const args = ['--job', JOB, '--node', node, '--run', path.join(directory, 'run'), '--state', directory]
    const child = spawn(program.file, [...program.args, ...args], { stdio: ['ignore', log, log] })
    const mirrord = new BenchMirrord(child, await connect(path.join(directory, 'run', `${JOB}.mirrord.sock`)))
    await mirrord.ask({ do: 'configure', config: configOf(directory, node, folder) })
    return mirrord
  }

  ask(request: Wanted): Promise<unknown> {
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      this.waiting.set(id, (reply) => (reply.ok ? resolve(reply.result) : reject(new Error(`${reply.error.code}: ${reply.error.message}`))))
      this.socket.write(`${JSON.stringify({ id, ...request })}\n`)
    })
  }

  async until(condition: (status: MirrordStatus) => boolean, timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`mirrord did not come to it in ${timeoutMs} ms: ${JSON.stringify(this.status)}`)), timeoutMs)
      const look = () => {
        if (!this.status || !condition(this.status)) return
        clearTimeout(timer)
        this.watchers = this.watchers.filter((watcher) => watcher !== look)
        resolve()
      }
      this.watchers.push(look)
      look()
    })
  }

  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve))
    await this.ask({ do: 'stop', force: true }).catch(() => undefined)
    this.ask({ do: 'exit' }).catch(() => undefined)
    const timer = setTimeout(() => this.child.kill('SIGKILL'), START_TIMEOUT_MS)
    await gone
    clearTimeout(timer)
  }

  /** As a crash does it: the mount stays behind, and what was queued is lost. */
  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGKILL')
    await gone
  }

  private receive(line: MirrordReply | { event: string; status?: MirrordStatus }): void {
    if ('event' in line) {
      if (line.status) this.status = line.status
      for (const watcher of [...this.watchers]) watcher()
      return
    }
    this.waiting.get(line.id)?.(line)
    this.waiting.delete(line.id)
  }
}

async function connect(file: string): Promise<net.Socket> {
  for (const deadline = Date.now() + START_TIMEOUT_MS; ; ) {
    const socket = net.connect(file)
    const good = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
    if (good) return socket
    if (Date.now() > deadline) throw new Error(`mirrord does not answer at ${file}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function configOf(directory: string, node: Node, folder: string): MirrordConfig {
  const peerNode: Node = node === 'RMHW131' ? 'RMHW132' : 'RMHW131'
  const tls = path.join(directory, 'tls')
  return {
    job: JOB,
    node,
    peerNode,
    folders: [{ path: folder, name: 'data', exclude: [] }],
    capture: 'fuse',
    queueBytes: 128 * 1024 * 1024,
    port: PORT,
    ...mirrordDefaults(path.join(directory, `${node}.data`)),
    links: [{ name: 'link-0', localAddress: NODES[node], peerAddress: NODES[peerNode] }],
    tls: { caFile: path.join(tls, 'ca.crt'), certFile: path.join(tls, 'node.crt'), keyFile: path.join(tls, 'node.key') }
  }
}

/** The certificates of both nodes, by the agent's own offline set-up. */
export function makeCertificates(root: string): void {
  const config = path.join(root, 'mirrorpair.yaml')
  const nodes = Object.entries(NODES).map(([name, address]) => `  ${name}: { address: ${address} }`)
  const link = `  - { name: link-0, heartbeat: 13001, RMHW131: ${NODES.RMHW131}, RMHW132: ${NODES.RMHW132} }`
  fs.writeFileSync(config, ['cluster: bench', 'nodes:', ...nodes, 'links:', link, `jobs: { ${JOB}: {} }`, ''].join('\n'))
  const agent = programCommand('agent')
  execFileSync(agent.file, [...agent.args, 'init', '--all', '--config', config, '--out', root], { stdio: ['ignore', 'ignore', 'inherit'] })
}
