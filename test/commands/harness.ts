import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import type { Io } from '../../commands/io'
import { runCui } from '../../commands/main'
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
  async cui(argv: string[], input = ''): Promise<Ran> {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    stdin.end(input)
    const io: Io = { stdin, stdout, stderr, env: { MIRRORPAIR_HOME: this.home }, onInterrupt: () => () => undefined, onEnd: () => () => undefined }
    const exitCode = await runCui(argv, io, '0.1.0')
    return { exitCode, out: read(stdout), err: read(stderr) }
  }

  /** Opens both nodes, as a script does. */
  async openBoth(): Promise<void> {
    for (const address of ['192.168.150.151', '192.168.150.152']) {
      const ran = await this.cui(['open', address, '--account', 'administrator', '--password-file', this.passwordFile, '--trust-on-first-use'])
      if (ran.exitCode !== 0) throw new Error(ran.err)
    }
  }
}

const read = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? ''
