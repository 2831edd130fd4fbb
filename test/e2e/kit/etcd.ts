import { type ChildProcessWithoutNullStreams } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { type Authority, makeAuthority, makeKeyPair, signNode } from '../../../agent/setup/x509'
import type { EtcdConfig } from '../../../src/model'
import { firstOwnPort } from '../../kit/ports'
import { runProgram, startProgram } from './programs'

const MEMBERS = [0, 1, 2]
const READY_MS = 30_000
const USER = 'mirrorpair'
const PASSWORD = 'a long way'

async function certified(authority: Authority, name: string): Promise<{ cert: string; key: string }> {
  const { keys, keyPem } = await makeKeyPair()
  return { cert: await signNode(authority, keys.publicKey, name, ['127.0.0.1']), key: keyPem }
}

/** Three members on this machine, with TLS, certificates of their clients, and accounts. */
export class EtcdCluster {
  private readonly members = new Map<number, ChildProcessWithoutNullStreams>()
  private readonly port = firstOwnPort()

  private constructor(private readonly folder: string) {}

  static async start(folder: string): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(folder)
    const { authority } = await makeAuthority('etcd')
    // etcd's JSON door refuses clients whose certificate has a common name.
    const [server, client] = await Promise.all(['etcd', ''].map((name) => certified(authority, name)))
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
    const child = startProgram(['/usr/bin/etcd', '--client-cert-auth', '--logger=zap', '--log-level=error', ...words])
    for (const stream of [child.stdout, child.stderr]) stream.resume()
    this.members.set(member, child)
  }

  async kill(member: number): Promise<void> {
    const child = this.members.get(member)
    if (!child) return
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
    this.members.delete(member)
  }

  async stop(): Promise<void> {
    for (const member of MEMBERS) await this.kill(member)
  }

  private file = (name: string): string => path.join(this.folder, name)
  private client = (member: number): string => `https://127.0.0.1:${this.port + member}`
  private peer = (member: number): string => `http://127.0.0.1:${this.port + MEMBERS.length + member}`

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
      const { code, stderr } = await this.control(...words)
      if (code !== 0) throw new Error(`etcdctl ${words.join(' ')}: ${stderr}`)
    }
  }

  private control(...words: string[]) {
    const tls = [`--cacert=${this.file('ca.crt')}`, `--cert=${this.file('e.crt')}`, `--key=${this.file('e.key')}`]
    return runProgram(['/usr/bin/etcdctl', `--endpoints=${this.client(0)}`, ...tls, ...words], { env: { ...process.env, ETCDCTL_API: '3' } })
  }
}
