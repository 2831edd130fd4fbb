import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { stringify } from 'yaml'
import type { StatusAnswer } from '../../../src/wire'
import { LabError } from '../labError'
import { NODES } from '../plan'
import { labProgram, program } from '../programs'
import { attempt, pauseMs, run } from '../run'
import { JOB } from './tour'

export const ADDRESSES: Record<string, string> = { RMHW131: '127.0.0.2', RMHW132: '127.0.0.3' }
const SECOND_LINK: Record<string, string> = { RMHW131: '127.0.1.2', RMHW132: '127.0.1.3' }
const VIP = '127.0.0.50'
export const SERVICE = `${VIP}:17400`
const API_PORT = 17330
const DATA_PORT = 17340
const HEARTBEAT_PORTS = { service: 13002, 'link-0': 13001 }
const ACCOUNT = 'administrator'
const PASSWORD_BYTES = 9
const READY_TIMEOUT_MS = 120_000
const READY_POLL_MS = 200
const END_TIMEOUT_MS = 5_000

/** Two agents on loopback addresses, everything of them in one temporary directory. */
export class LocalPair {
  readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-demo-'))
  private readonly engines: ChildProcess[] = []

  start(): void {
    this.writeFiles()
    for (const node of NODES) this.startEngine(node)
    this.waitUntilReady()
    for (const node of NODES)
      this.mustRun([
        ...program('cui'),
        'open',
        `${ADDRESSES[node]}:${API_PORT}`,
        '--account',
        ACCOUNT,
        '--password-file',
        this.at('password'),
        '--trust-on-first-use'
      ])
  }

  at(...parts: string[]): string {
    return path.join(this.directory, ...parts)
  }

  environment(): NodeJS.ProcessEnv {
    return { ...process.env, MIRRORPAIR_HOME: this.at('shell') }
  }

  private mustRun(command: string[], input = ''): void {
    run(command, { env: this.environment(), input })
  }

  private writeFiles(): void {
    const password = randomBytes(PASSWORD_BYTES).toString('base64url')
    fs.writeFileSync(this.at('password'), password, { mode: 0o600 })
    fs.writeFileSync(this.at('mirrorpair.yaml'), stringify(this.configuration()))
    fs.mkdirSync(this.at('shell'), { mode: 0o700 })
    this.mustRun([...program('agent'), 'init', '--all', '--out', this.at('keys'), '--config', this.at('mirrorpair.yaml')])
    for (const node of NODES) {
      for (const folder of ['data', 'run']) fs.mkdirSync(this.at(node, folder), { recursive: true, mode: 0o700 })
      fs.cpSync(this.at('keys', node), this.at(node, 'state'), { recursive: true })
      this.mustRun([...program('agent'), 'users', 'add', ACCOUNT, '--password-stdin', '--state', this.at(node, 'state')], `${password}\n`)
    }
  }

  private configuration() {
    const link = (name: 'service' | 'link-0', addresses: Record<string, string>) => ({ name, heartbeat: HEARTBEAT_PORTS[name], data: true, ...addresses })
    const paths = Object.fromEntries(NODES.map((node) => [node, this.at(node, 'data')]))
    // Each agent's HOME is its node's own directory: so one start command serves both.
    const start = `${labProgram('kv').join(' ')} --listen ${SERVICE} --folder "$HOME/data"`
    return {
      cluster: 'mirrorpair-demo',
      nodes: Object.fromEntries(NODES.map((node) => [node, { address: ADDRESSES[node] }])),
      heartbeat: { interval: '500ms', maxMiss: 3 },
      links: [link('service', ADDRESSES), link('link-0', SECOND_LINK)],
      jobs: {
        [JOB]: {
          mode: 'guide',
          vips: [{ name: `IP-${JOB}`, address: `${VIP}/8` }],
          applications: [{ name: 'KV', process: { start, check: [...labProgram('kv'), '--ask', SERVICE, 'COUNT'].join(' ') } }],
          data: { folders: [{ path: paths }], capture: 'watch', port: DATA_PORT }
        }
      },
      api: { port: API_PORT, listen: 'address', login: 'users' }
    }
  }

  private startEngine(node: string): void {
    const log = fs.openSync(this.at(`${node}.log`), 'a')
    const places = ['--config', this.at('mirrorpair.yaml'), '--node', node, '--state', this.at(node, 'state'), '--run', this.at(node, 'run')]
    const [file = '', ...args] = [...program('agent'), 'run', ...places]
    this.engines.push(spawn(file, args, { stdio: ['ignore', log, log], detached: true, cwd: '/', env: { ...process.env, HOME: this.at(node) } }))
    fs.closeSync(log)
  }

  private waitUntilReady(): void {
    const deadline = performance.now() + READY_TIMEOUT_MS
    while (!this.isReady()) {
      const logs = NODES.map((node) =>
        fs
          .readFileSync(this.at(`${node}.log`), 'utf8')
          .trimEnd()
          .split('\n')
          .slice(-5)
          .join('\n')
      )
      if (performance.now() > deadline) throw new LabError(`the two agents do not find each other:\n${logs.join('\n')}`, 'see the ends of their logs above')
      pauseMs(READY_POLL_MS)
    }
  }

  private isReady(): boolean {
    const addresses = Object.values(ADDRESSES).flatMap((address) => ['--address', address])
    const files = ['--password-file', this.at('password'), '--ca', this.at('keys/RMHW131/tls/ca.crt'), '--tokens', this.at('tokens.json')]
    const asked = attempt([...labProgram('observer'), ...addresses, '--port', String(API_PORT), '--account', ACCOUNT, ...files])
    if (asked.status !== 0) return false
    const answers = Object.values((JSON.parse(asked.stdout) as { nodes: Record<string, Partial<StatusAnswer>> }).nodes)
    return answers.every((answer) => answer.peerAlive === 'up' && answer.peer)
  }

  /** Ends every program of this pair: the engines, and those that outlive an engine, known by this pair's directory in their words. */
  stop(): void {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      for (const pid of this.programs()) tryKill(pid, signal)
      const deadline = performance.now() + END_TIMEOUT_MS
      while (this.programs().length > 0 && performance.now() < deadline) pauseMs(READY_POLL_MS)
    }
    fs.rmSync(this.directory, { recursive: true, force: true })
  }

  private programs(): number[] {
    return fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && commandLine(name).includes(this.directory))
      .map(Number)
  }
}

function commandLine(pid: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}
