import fs from 'node:fs'
import path from 'node:path'
import { type Authority, makeAuthority, makeKeyPair, signNode } from '../../../agent/setup/x509'
import type { EtcdConfig } from '../../../src/model'
import { firstOwnPort } from '../../kit/ports'
import type { Host, Lab } from './lab'
import { type Finished, runProgram, startProgram } from './programs'

const MEMBERS = [0, 1, 2]
const READY_MS = 120_000
const USER = 'mirrorpair'
const PASSWORD = 'a long way'
const LOOK_MS = 20

function runs(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

async function certified(authority: Authority, name: string, address: string): Promise<{ cert: string; key: string }> {
  const { keys, keyPem } = await makeKeyPair()
  return { cert: await signNode(authority, keys.publicKey, name, [address]), key: keyPem }
}

/** Where its members run: on this machine, or in a host of a lab. */
export interface EtcdHost {
  address: string
  firstPort: number
  /** Starts a program there that writes its process id into this file. */
  start(command: string[], pidFile: string): void
  run(command: string[], environment: Record<string, string>): Promise<Finished>
}

/** A program that writes its process id into a file before it runs. */
export const recorded = (command: string[], pidFile: string): string[] => ['sh', '-c', 'echo $$ > "$0" && exec "$@"', pidFile, ...command]

function thisMachine(): EtcdHost {
  return {
    address: '127.0.0.1',
    firstPort: firstOwnPort(),
    start: (command, pidFile) => {
      const child = startProgram(recorded(command, pidFile))
      for (const stream of [child.stdout, child.stderr]) stream.resume()
    },
    run: (command, environment) => runProgram(command, { env: { ...process.env, ...environment } })
  }
}

/** The same in a host of a lab, where members live as long as the host does. */
export const etcdHostOf = (lab: Lab, host: Host, address: string, firstPort: number): EtcdHost => ({
  address,
  firstPort,
  start: (command, pidFile) => {
    const child = lab.start(host, recorded(command, pidFile))
    for (const stream of [child.stdout, child.stderr]) stream.resume()
  },
  run: (command, environment) => lab.exec(host, ['env', ...Object.entries(environment).map(([name, value]) => `${name}=${value}`), ...command])
})

/** Three members, with TLS, certificates of their clients, and accounts. */
export class EtcdCluster {
  private readonly started = new Set<number>()

  private constructor(
    private readonly folder: string,
    private readonly host: EtcdHost
  ) {}

  static async start(folder: string, host: EtcdHost = thisMachine()): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(folder, host)
    const { authority } = await makeAuthority('etcd')
    // etcd's JSON door refuses clients whose certificate has a common name.
    const [server, client] = await Promise.all(['etcd', ''].map((name) => certified(authority, name, host.address)))
    const files = { 'ca.crt': authority.certificatePem, 'e.crt': server?.cert, 'e.key': server?.key, 'c.crt': client?.cert, 'c.key': client?.key }
    for (const [name, text] of Object.entries({ ...files, password: `${PASSWORD}\n` })) fs.writeFileSync(cluster.file(name), text ?? '', { mode: 0o600 })
    for (const member of MEMBERS) cluster.startMember(member)
    await cluster.setUp()
    return cluster
  }

  config(): EtcdConfig {
    const files = { caFile: this.file('ca.crt'), certFile: this.file('c.crt'), keyFile: this.file('c.key'), passwordFile: this.file('password') }
    return { endpoints: MEMBERS.map((member) => this.client(member)), user: USER, ...files }
  }

  startMember(member: number): void {
    const options = {
      name: `m${member}`,
      'data-dir': this.file(`m${member}`),
      'listen-client-urls': this.client(member),
      'advertise-client-urls': this.client(member),
      'listen-peer-urls': this.peer(member),
      'initial-advertise-peer-urls': this.peer(member),
      'initial-cluster': MEMBERS.map((each) => `m${each}=${this.peer(each)}`).join(','),
      'cert-file': this.file('e.crt'),
      'key-file': this.file('e.key'),
      'trusted-ca-file': this.file('ca.crt')
    }
    const words = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
    this.started.add(member)
    this.host.start(['/usr/bin/etcd', '--client-cert-auth', '--logger=zap', '--log-level=error', ...words], this.pidFile(member))
  }

  async kill(member: number): Promise<void> {
    if (!this.started.delete(member)) return
    const pid = await this.pidOf(member)
    fs.rmSync(this.pidFile(member))
    process.kill(pid, 'SIGKILL')
    while (runs(pid)) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }

  async stop(): Promise<void> {
    for (const member of MEMBERS) await this.kill(member)
  }

  /** Its shell writes it down before it becomes etcd: on a busy machine that is not at once. */
  private async pidOf(member: number): Promise<number> {
    for (const deadline = performance.now() + READY_MS; ; await new Promise((resolve) => setTimeout(resolve, LOOK_MS))) {
      const text = fs.existsSync(this.pidFile(member)) ? fs.readFileSync(this.pidFile(member), 'utf8') : ''
      if (text.endsWith('\n')) return Number(text)
      if (performance.now() > deadline) throw new Error(`member ${member} of etcd has not started`)
    }
  }

  private file = (name: string): string => path.join(this.folder, name)
  private pidFile = (member: number): string => this.file(`m${member}.pid`)
  private client = (member: number): string => `https://${this.host.address}:${this.host.firstPort + member}`
  private peer = (member: number): string => `http://${this.host.address}:${this.host.firstPort + MEMBERS.length + member}`

  /** An account that may change what is mirrorpair's, and nothing else. */
  private async setUp(): Promise<void> {
    const deadline = performance.now() + READY_MS
    while ((await this.control('endpoint', 'health', '--cluster')).code !== 0) {
      if (performance.now() > deadline) throw new Error('etcd does not come up')
    }
    const commands = [
      ['user', 'add', `root:${PASSWORD}`],
      ['user', 'grant-role', 'root', 'root'],
      ['role', 'add', USER],
      ['role', 'grant-permission', USER, '--prefix=true', 'readwrite', 'mirrorpair/'],
      ['user', 'add', `${USER}:${PASSWORD}`],
      ['user', 'grant-role', USER, USER],
      ['auth', 'enable']
    ]
    for (const words of commands) {
      const { code, stderr } = await this.control('--command-timeout=60s', ...words)
      if (code !== 0) throw new Error(`etcdctl ${words.join(' ')}: ${stderr}`)
    }
  }

  private control(...words: string[]) {
    const tls = [`--cacert=${this.file('ca.crt')}`, `--cert=${this.file('e.crt')}`, `--key=${this.file('e.key')}`]
    return this.host.run(['/usr/bin/etcdctl', `--endpoints=${this.client(0)}`, ...tls, ...words], { ETCDCTL_API: '3' })
  }
}
