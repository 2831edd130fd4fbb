import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { buildSync } from 'esbuild'
import type { LogPort, Places } from '../../../agent/ports'
import type { ApplicationConfig, Config, JobConfig, LinkConfig } from '../../../src/model'

/** A node with its own directories below a temporary one. */
export function makePlaces(node = 'RMHW131', change: Partial<Config> = {}): Places & { root: string } {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'mp-'))
  const config: Config = {
    cluster: 'seoul-db',
    nodes: { RMHW131: { address: '127.0.0.1' }, RMHW132: { address: '127.0.0.2' } },
    links: [],
    jobs: {},
    api: { port: 7330, listen: 'all', group: 'root', login: 'users', sessionMs: 60_000 },
    ...change
  }
  const places = { root, stateDirectory: path.join(root, 'state'), runDirectory: path.join(root, 'run'), configFile: path.join(root, 'c.yaml'), config, node }
  fs.mkdirSync(places.stateDirectory)
  return places
}

export function removePlaces(places: { root: string }): void {
  fs.rmSync(places.root, { recursive: true, force: true })
}

export interface KeptLog extends LogPort {
  lines: string[]
}

export function keptLog(): KeptLog {
  const lines: string[] = []
  return { lines, event: (_level, text) => void lines.push(text) }
}

export const job = (change: Partial<JobConfig> = {}): JobConfig => ({ name: 'DB_Group', mode: 'guide', vips: [], applications: [], data: null, ...change })

export const link = (change: Partial<LinkConfig>): LinkConfig => ({
  name: 'link-0',
  heartbeatPort: 3001,
  intervalMs: 50,
  maxMiss: 4,
  data: true,
  addresses: { RMHW131: '127.0.0.1', RMHW132: '127.0.0.2' },
  ...change
})

export const application = (change: Partial<ApplicationConfig>): ApplicationConfig => ({
  name: 'APP',
  kind: 'process',
  unit: null,
  start: null,
  stop: null,
  check: null,
  user: null,
  workingDirectory: null,
  environment: {},
  stopSignal: 'SIGTERM',
  startTimeoutMs: 5_000,
  stopTimeoutMs: 2_000,
  checkIntervalMs: 50,
  checkTimeoutMs: 1_000,
  dependsOn: [],
  ...change
})

/** The program of an entry of our own sources, bundled into the directory: the real code in a process of its own. */
export function bundleProgram(directory: string, name: string, source: string): { file: string; args: string[] } {
  const outfile = path.join(directory, `${name}.cjs`)
  const modules = path.join(directory, 'node_modules')
  if (!fs.existsSync(modules)) fs.symlinkSync(path.join(process.cwd(), 'node_modules'), modules)
  buildSync({
    stdin: { contents: source, resolveDir: __dirname, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: ['koffi'],
    logLevel: 'error'
  })
  return { file: process.execPath, args: [outfile] }
}

/** Awaits a condition that an event elsewhere brings about; fails with the words at the timeout. */
export async function until(what: string, met: () => boolean | Promise<boolean>, timeoutMs = 5_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await met())) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Root with network namespaces, or why not. In CI that is a failure, never a silent skip. */
export function whyNoNamespaces(): string | null {
  try {
    const name = `mp-try-${process.pid}`
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' })
    execFileSync('ip', ['netns', 'delete', name], { stdio: 'pipe' })
    return null
  } catch (error) {
    const why = `no network namespaces here: ${(error as Error).message}`
    if (process.env.CI === 'true') throw new Error(why)
    return why
  }
}

/** A process that is there, and not only waits to be reaped. */
export const alive = (pid: number): boolean => fs.existsSync(`/proc/${pid}/stat`) && !/\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, 'latin1'))
