import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { stringify } from 'yaml'
import { describePair } from './kit/needs'

const root = path.join(__dirname, '..', '..')
const ADDRESSES: Record<string, string> = { RMHW131: '127.0.0.71', RMHW132: '127.0.0.72' }
const NODES = Object.keys(ADDRESSES)
const API_PORT = 17_930
const ACCOUNT = 'administrator'
/** What the programs call: no Node among it. */
const TOOLS = ['ip', 'mount', 'umount', 'sh', 'sleep']
const DEADLINE_MS = 90_000
/** Above the sum of what is waited for. */
const TEST_TIMEOUT_MS = 900_000

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-binary-'))
const at = (...parts: string[]) => path.join(folder, ...parts)
const environment = { PATH: at('tools'), HOME: at('home'), MIRRORPAIR_HOME: at('shell') }

const run = (args: string[], input = '') =>
  spawnSync(at('mirrorpair'), args, { cwd: at('empty'), env: environment, input, encoding: 'utf8', timeout: DEADLINE_MS })
const cui = (...args: string[]) => run(['cui', ...args])

async function until<T>(what: string, look: () => T | null | false): Promise<T> {
  for (const deadline = Date.now() + DEADLINE_MS; ; ) {
    const found = look()
    if (found !== null && found !== false) return found
    if (Date.now() > deadline) throw new Error(`${what}: not within ${DEADLINE_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function writeFiles(): void {
  for (const name of ['empty', 'home', 'shell', 'tools']) fs.mkdirSync(at(name), { mode: 0o700 })
  for (const tool of TOOLS) fs.symlinkSync(execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(), at('tools', tool))
  fs.writeFileSync(at('password'), 'right horse', { mode: 0o600 })
  const config = {
    cluster: 'binary',
    nodes: Object.fromEntries(NODES.map((node) => [node, { address: ADDRESSES[node] }])),
    heartbeat: { interval: '500ms', maxMiss: 6 },
    links: [{ name: 'link-0', heartbeat: 13_771, data: true, ...ADDRESSES }],
    jobs: {
      DB_Group: {
        applications: [{ name: 'SLEEP', process: { start: 'sleep 1000' } }],
        data: { folders: [{ path: Object.fromEntries(NODES.map((node) => [node, at(node, 'data')])) }], port: 17_940 }
      }
    },
    api: { port: API_PORT, listen: 'address', login: 'users' }
  }
  fs.writeFileSync(at('mirrorpair.yaml'), stringify(config))
}

function startAgent(node: string): void {
  const places = ['--config', at('mirrorpair.yaml'), '--node', node, '--state', at(node, 'state'), '--run', at(node, 'run')]
  const log = fs.openSync(at(`${node}.log`), 'a')
  spawn(at('mirrorpair'), ['agent', 'run', ...places], { cwd: at('empty'), env: environment, stdio: ['ignore', log, log], detached: true }).unref()
  fs.closeSync(log)
}

/** Every program of this test has its folder in its words. */
function endAll(): void {
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    try {
      if (fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  for (const node of NODES) spawnSync('umount', ['-l', at(node, 'data')])
  fs.rmSync(folder, { recursive: true, force: true })
}

describePair('the single executable, in an empty folder, without Node on the PATH', {}, () => {
  beforeAll(() => {
    execFileSync(process.execPath, [path.join(root, 'bin', 'binary.cjs'), at('mirrorpair')], { cwd: root, stdio: 'ignore' })
    writeFiles()
  }, TEST_TIMEOUT_MS)
  afterAll(endAll)

  test(
    'is shell, agent and data plane: a pair starts and a job moves',
    async () => {
      expect(spawnSync('sh', ['-c', 'command -v node'], { env: environment }).status).not.toBe(0)
      expect(run(['agent', 'init', '--all', '--config', at('mirrorpair.yaml'), '--out', at('keys')]).stderr).toBe('')
      for (const node of NODES) {
        fs.cpSync(at('keys', node), at(node, 'state'), { recursive: true })
        for (const name of ['run', 'data']) fs.mkdirSync(at(node, name), { recursive: true })
        expect(run(['agent', 'users', 'add', ACCOUNT, '--password-stdin', '--state', at(node, 'state')], 'right horse\n').status).toBe(0)
        startAgent(node)
      }
      const open = (node: string) =>
        cui('open', `${ADDRESSES[node]}:${API_PORT}`, '--account', ACCOUNT, '--password-file', at('password'), '--trust-on-first-use')
      for (const node of NODES) await until(`${node} answers`, () => open(node).status === 0)
      await until('both hear each other', () => !cui('hbtstate').stdout.includes('error') && cui('bringin', 'DB_Group', '--dry-run').status === 0)
      expect(cui('bringin', 'DB_Group', '--yes').stdout).toContain('Send bringin Job command succeeded!')
      fs.writeFileSync(at('RMHW131', 'data', 'written'), 'before the switch')
      await until('the copy is whole', () => cui('switch', 'DB_Group', '--yes', '--dry-run').status === 0)
      // As the refusal says, who comes while something automatic runs waits for it.
      const moved = await until('nothing else runs', () => {
        const said = cui('switch', 'DB_Group', '--yes')
        return said.stderr.includes(' is busy on ') ? null : said
      })
      expect({ status: moved.status, text: moved.stdout + moved.stderr }).toEqual({
        status: 0,
        text: expect.stringContaining('Send switch Job command succeeded!')
      })
      expect(JSON.stringify(JSON.parse(cui('allstate', '--json').stdout))).toContain('"RMHW132"')
      expect(fs.readFileSync(at('RMHW132', 'data', 'written'), 'utf8')).toBe('before the switch')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'its links are the programs of their names',
    () => {
      for (const name of ['cui', 'rcli', 'mirrorpair-agent']) {
        fs.symlinkSync(at('mirrorpair'), at('empty', name))
        expect(spawnSync(`./${name}`, ['--version'], { cwd: at('empty'), env: environment, encoding: 'utf8' }).stdout).toMatch(/^mirrorpair \d/)
      }
    },
    TEST_TIMEOUT_MS
  )
})
