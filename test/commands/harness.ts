import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import type { ApiError, CommandRequest, ConfigChangeAnswer, ConfigRequest, ConfigView } from '../../src/wire'
import type { Io } from '../../commands/io'
import { runCui } from '../../commands/main'
import type { OpenSimulation } from '../../commands/simulation'
import { makeCertificate } from './certificate'
import { FakeAgent, routeAddresses } from './fakeAgent'

export interface Ran {
  exitCode: number
  out: string
  err: string
}

/** A pair of fake agents and a home of its own for the shell. */
export class Bench {
  readonly home = fs.mkdtempSync(path.join(os.tmpdir(), 'cui-test-'))
  a!: FakeAgent
  b!: FakeAgent
  readonly passwordFile = path.join(this.home, 'password')

  async up(): Promise<this> {
    routeAddresses()
    this.a = new FakeAgent('RMHW131', await makeCertificate('RMHW131'))
    this.b = new FakeAgent('RMHW132', await makeCertificate('RMHW132'))
    await Promise.all([this.a.start(), this.b.start()])
    fs.writeFileSync(this.passwordFile, 'secret\n', { mode: 0o600 })
    return this
  }

  async down(): Promise<void> {
    await Promise.all([this.a.stop(), this.b.stop()])
    jest.restoreAllMocks()
    fs.rmSync(this.home, { recursive: true })
  }

  file(name: string, text: string): string {
    const file = path.join(this.home, name)
    fs.writeFileSync(file, text)
    return file
  }

  /** One call of `cui` without a terminal; `input` is its standard input. */
  cui(argv: string[], input = ''): Promise<Ran> {
    return callCui(argv, this.home, input)
  }

  /** Both nodes run this configuration and take each change of it; what they are asked for. `says`: what there is to say of it, beyond that. */
  takesChanges(
    config: ConfigView,
    says: (body: ConfigRequest, agent: FakeAgent) => Partial<ConfigChangeAnswer> | { refuse: ApiError } = () => ({})
  ): ConfigRequest[] {
    const sent: ConfigRequest[] = []
    for (const agent of [this.a, this.b]) {
      agent.config = config
      agent.onChange = (body) => {
        sent.push(body)
        const { dryRun = false } = body
        const version = config.agreed.version + (dryRun ? 0 : 1)
        return { dryRun, node: agent.node, version, differences: [], followed: true, ...says(body, agent) }
      }
    }
    return sent
  }

  /** What the first node is ordered to do; a dry run would take these steps. */
  ordersOf(steps: string[]): CommandRequest[] {
    const sent: CommandRequest[] = []
    this.a.onCommand = (_job, _command, body) => {
      sent.push(body)
      return body.dryRun ? { dryRun: true, steps } : { dryRun: false, ticket: 'T-1' }
    }
    return sent
  }

  /** Opens both nodes, as a script does. */
  async openBoth(): Promise<void> {
    for (const address of ['192.168.150.151', '192.168.150.152']) {
      const ran = await this.cui(['open', address, '--account', 'administrator', '--password-file', this.passwordFile, '--trust-on-first-use'])
      if (ran.exitCode !== 0) throw new Error(ran.err)
    }
  }
}

/** The same with any home, of the real servers or of simulated ones. */
export async function callCui(
  argv: string[],
  home: string,
  input: string,
  openSimulation: OpenSimulation | null = null,
  more: NodeJS.ProcessEnv = {}
): Promise<Ran> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end(input)
  const io: Io = { stdin, stdout, stderr, env: { MIRRORPAIR_HOME: home, ...more }, onInterrupt: () => () => undefined, onEnd: () => () => undefined }
  const exitCode = await runCui(argv, io, '0.1.0', openSimulation)
  return { exitCode, out: read(stdout), err: read(stderr) }
}

const read = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? ''
