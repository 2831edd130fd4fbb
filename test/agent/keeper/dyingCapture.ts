import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { buildSync } from 'esbuild'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { programCommand } from '../../../agent/native/programs'

export type Place = 'locked' | 'changed' | 'append' | 'unlock'

const BUILD = path.join(__dirname, '..', '..', '..', '.build', `keeper.${process.pid}`)
let built = false

function build(): void {
  if (built) return
  built = true
  buildSync({
    entryPoints: ['dying.thread', 'dying.program'].map((name) => path.join(__dirname, `${name}.ts`)),
    outdir: BUILD,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: ['koffi'],
    logLevel: 'error'
  })
  process.once('exit', () => fs.rmSync(BUILD, { recursive: true, force: true }))
}

/** A folder that is served by a process which dies where it is told to, and is started again by a real keeper. */
export class DyingCapture {
  readonly base = fs.mkdtempSync(path.join(os.tmpdir(), 'keeper-'))
  readonly folder = path.join(this.base, 'folder')
  readonly said: string[] = []
  private readonly armFile = path.join(this.base, 'die')
  private keeper!: ChildProcess
  private heard: (line: string) => void = () => undefined

  async start(): Promise<void> {
    build()
    fs.mkdirSync(this.folder)
    const { file, args } = programCommand('keeper')
    const places = ['--job', 'J', '--node', 'N', '--run', this.base, '--state', this.base]
    const program = [process.execPath, path.join(BUILD, 'dying.program.cjs'), this.folder, this.armFile]
    this.keeper = spawn(file, [...args, ...places, '--', ...program], { stdio: ['ignore', 'ignore', 'pipe'] })
    readline.createInterface({ input: this.keeper.stderr! }).on('line', (line) => {
      this.said.push(line)
      this.heard(line)
    })
    await this.until((line) => line === 'serves')
  }

  private until(holds: (line: string) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.heard = (line) => holds(line) && resolve()
    })
  }

  /** The process dies at this place of the next change. */
  dieAt(place: Place): void {
    fs.writeFileSync(this.armFile, place)
  }

  /** Whether it has. */
  hasDied(): boolean {
    return !fs.existsSync(this.armFile)
  }

  disarm(): void {
    fs.rmSync(this.armFile, { force: true })
  }

  get pid(): number {
    return (JSON.parse(fs.readFileSync(path.join(this.base, 'J.mirrord.json'), 'utf8')) as { pid: number }).pid
  }

  async end(): Promise<void> {
    if (this.keeper.exitCode === null) {
      const ended = once(this.keeper, 'exit')
      this.keeper.kill('SIGTERM')
      await ended
    }
    fs.rmSync(this.base, { recursive: true, force: true })
  }
}
