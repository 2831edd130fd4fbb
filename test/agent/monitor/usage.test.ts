import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ANSWER_TIMEOUT_MS, createUsagePort } from '../../../agent/adapters/usage/port'
import { Sampler, wholeKeys } from '../../../agent/adapters/usage/sampler'
import type { MonitorConfig } from '../../../src/model'
import type { UsagePort } from '../../../agent/ports'

/** Real load on a real machine: processes that burn, a file system that fills, and what cannot be read. */
const MIB = 1024 ** 2
const EXECUTABLE = process.execPath
const root = process.getuid?.() === 0
if (!root && process.env.CI === 'true') throw new Error('file systems must be mounted in CI, which needs root')
if (!root) console.warn('no file system is filled or hangs here: mounting needs root')
/** Tests that mount something. */
const asRoot = root ? test : test.skip

let folder: string
const children: ChildProcess[] = []
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'usage-test-'))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  fs.rmSync(folder, { recursive: true, force: true })
})

/** A program that calls itself so, and runs this until the test is over; it has said that it is ready. */
async function program(name: string, code: string): Promise<ChildProcess> {
  const child = spawn(EXECUTABLE, ['-e', `process.title = '${name}'; ${code}; console.log('ready')`, folder], { stdio: ['ignore', 'pipe', 'ignore'] })
  children.push(child)
  await new Promise((resolve) => child.stdout?.once('data', resolve))
  return child
}

const WAITS = 'setInterval(() => {}, 1000)'

test('a process that holds memory is seen with it, two of them with both', async () => {
  await program('mon-eater', `globalThis.held = Buffer.alloc(${200 * MIB}, 1); ${WAITS}`)
  const sampler = new Sampler()
  const { 'process mon-eater memory': one, 'process mon-eater count': count } = await sampler.sample(['process mon-eater memory', 'process mon-eater count'])
  expect(count).toBe(1)
  expect(one).toBeGreaterThan(200 * MIB)
  await program('mon-eater', `globalThis.held = Buffer.alloc(${200 * MIB}, 1); ${WAITS}`)
  const { 'process mon-eater memory': both } = await sampler.sample(['process mon-eater memory'])
  expect(both).toBeGreaterThan(400 * MIB)
})

test('a process that burns a processor is seen to, by its name, its command line and the file with its number; one that waits is not', async () => {
  const busy = await program('mon-burner', `setTimeout(() => { for (;;); }, 50)`)
  await program('mon-waiter', WAITS)
  fs.writeFileSync(path.join(folder, 'pid'), `${busy.pid}\n`)
  const keys = ['process mon-burner cpu', 'cmdline mon-burner cpu', `pidfile ${folder}/pid cpu`, 'process mon-waiter cpu', 'cpu']
  const values = await new Sampler().sample(keys)
  const one = 100 / os.availableParallelism()
  const waits = values['process mon-waiter cpu'] as number
  // Others may want the processors as well: how much it got of one is theirs to say.
  for (const key of keys.slice(0, 3)) {
    expect(values[key]).toBeGreaterThan(Math.max(waits, one * 0.01))
    expect(values[key]).toBeLessThanOrEqual(one * 1.3)
  }
  expect(waits).toBeLessThan(one * 0.1)
  expect(values['cpu']).toBeGreaterThan(0)
})

test('a program that calls itself something else is found by its file', async () => {
  const { 'process node count': count } = await new Sampler().sample(['process node count'])
  expect(count).toBeGreaterThanOrEqual(1)
})

test('threads and open files are counted', async () => {
  await program('mon-opener', `const fs = require('fs'); for (let i = 0; i < 50; i++) fs.openSync('/dev/null'); ${WAITS}`)
  const values = await new Sampler().sample(['process mon-opener files', 'process mon-opener threads'])
  expect(values['process mon-opener files']).toBeGreaterThan(50)
  expect(values['process mon-opener threads']).toBeGreaterThan(1)
})

test('where no such process runs its number is 0, and nothing else can be read', async () => {
  fs.writeFileSync(path.join(folder, 'stale'), '4194304\n')
  const keys = [
    'process mon-nobody count',
    'process mon-nobody cpu',
    'process mon-nobody memory',
    `pidfile ${folder}/stale count`,
    `pidfile ${folder}/none count`
  ]
  expect(Object.values(await new Sampler().sample(keys))).toEqual([0, null, null, 0, 0])
})

asRoot('a disk that fills is seen to; a path that is not there cannot be read', async () => {
  const place = path.join(folder, 'small')
  fs.mkdirSync(place)
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,nr_inodes=100', 'mon-test', place]).status).toBe(0)
  try {
    const keys = [`disk ${place}`, `disk-free ${place}`, `inodes ${place}`, `disk ${place}/none`]
    const sampler = new Sampler()
    const [empty, free, inodes, none] = Object.values(await sampler.sample(keys))
    expect(empty).toBe(0)
    expect(free).toBe(8 * MIB)
    expect(inodes).toBeLessThan(5)
    expect(none).toBeNull()
    fs.writeFileSync(path.join(place, 'big'), Buffer.alloc(6 * MIB))
    for (let i = 0; i < 50; i++) fs.writeFileSync(path.join(place, String(i)), '')
    const [full, left, used] = Object.values(await sampler.sample(keys))
    expect(full).toBe(75)
    expect(left).toBe(2 * MIB)
    expect(used).toBeGreaterThan(50)
  } finally {
    spawnSync('umount', ['-l', place])
  }
})

asRoot('of the whole server a file system is seen whatever its place is called', async () => {
  const place = path.join(folder, 'Größe 데이터')
  fs.mkdirSync(place)
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'mon-test', place]).status).toBe(0)
  try {
    expect(await new Sampler().sample(wholeKeys())).toMatchObject({ [`disk ${place}`]: 0, [`disk-free ${place}`]: 8 * MIB })
  } finally {
    spawnSync('umount', ['-l', place])
  }
})

test('the whole server: each value is a number in its bounds, or cannot be read', async () => {
  const values = await new Sampler().sample(wholeKeys())
  expect(Object.keys(values)).toEqual(expect.arrayContaining(['cpu', 'load', 'memory', 'swap', 'disk /', 'disk-free /']))
  for (const [key, value] of Object.entries(values)) {
    if (value === null) continue
    expect(value).toBeGreaterThanOrEqual(0)
    if (/^(cpu|memory|swap|disk \/.*|inodes .*)$/.test(key)) expect(value).toBeLessThanOrEqual(100)
  }
})

describe('the program that looks in the place of the engine', () => {
  let port: UsagePort | null = null
  afterEach(() => port?.close())
  const through = (code: string): UsagePort => {
    const file = path.join(folder, 'looks.cjs')
    fs.writeFileSync(file, code)
    port = createUsagePort({ command: { file: EXECUTABLE, args: [file] } })
    return port
  }
  const real = (): UsagePort => {
    port = createUsagePort({ command: { file: EXECUTABLE, args: [path.join(__dirname, '../../../dist/agent.cjs'), 'usage'] } })
    return port
  }

  test('answers what is asked, one question after the other and side by side', async () => {
    const usage = real()
    const [one, other] = await Promise.all([usage.look(['memory', 'no such thing']), usage.look(['disk /'])])
    expect(one).toEqual({ memory: expect.any(Number), 'no such thing': null })
    expect(other).toEqual({ 'disk /': expect.any(Number) })
    expect(Object.keys(await usage.whole())).toContain('memory-free')
  })

  test('looks as often as the monitor says, at what it watches', async () => {
    const monitor: MonitorConfig = {
      intervalMs: 1_000,
      switchPauseMs: 600_000,
      alarmCommand: null,
      alarmTimeoutMs: 30_000,
      events: [{ name: 'a', conditions: ['memory > 0%', 'disk /none NA', 'memory > 1%'], averageMs: null, responses: ['equal 1 alarm'], export: null }]
    }
    const usage = real()
    const seen: Record<string, number | null>[] = []
    await new Promise<void>((resolve) =>
      usage.watch(
        () => monitor,
        (values) => void (seen.push(values) === 3 && resolve())
      )
    )
    expect(seen).toEqual(Array.from({ length: 3 }, () => ({ memory: expect.any(Number), 'disk /none': null })))
  })

  asRoot(
    'a file system whose server does not answer cannot be read, once and again; everything else can',
    async () => {
      const place = path.join(folder, 'hung')
      fs.mkdirSync(place)
      // Nobody will ever answer what is asked of it.
      const fuse = fs.openSync('/dev/fuse', 'r+')
      const options = 'fd=3,rootmode=40000,user_id=0,group_id=0'
      expect(spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'mon-hung', place], { stdio: ['ignore', 'ignore', 'ignore', fuse] }).status).toBe(0)
      try {
        const usage = real()
        for (let i = 0; i < 2; i++) {
          const began = performance.now()
          const looked = usage.look([`disk ${place}`, 'disk /', 'memory'])
          // The loop of whoever asks goes on meanwhile.
          await new Promise((resolve) => setImmediate(resolve))
          expect(performance.now() - began).toBeLessThan(1_000)
          expect(await looked).toEqual({ [`disk ${place}`]: null, 'disk /': expect.any(Number), memory: expect.any(Number) })
          expect(performance.now() - began).toBeLessThan(ANSWER_TIMEOUT_MS)
        }
      } finally {
        fs.closeSync(fuse)
        spawnSync('umount', ['-l', place])
      }
    },
    20_000
  )

  test('one that hangs is ended, and what it was asked cannot be read; the engine waits no longer than it says', async () => {
    const file = path.join(folder, 'pid')
    const usage = through(`process.stdin.once('data', () => { require('fs').writeFileSync('${file}', String(process.pid)); for (;;); })`)
    const began = performance.now()
    expect(await usage.look(['cpu'])).toEqual({ cpu: null })
    expect(performance.now() - began).toBeLessThan(ANSWER_TIMEOUT_MS + 2_000)
    const pid = Number(fs.readFileSync(file, 'utf8'))
    while (fs.existsSync(`/proc/${pid}`)) await new Promise((resolve) => setImmediate(resolve))
  }, 20_000)

  test('one that dies at once makes nothing readable, and is not started again and again', async () => {
    const file = path.join(folder, 'starts')
    const usage = through(`require('fs').appendFileSync('${file}', 'x'); process.exit(1)`)
    for (let i = 0; i < 5; i++) expect(await usage.look(['cpu'])).toEqual({ cpu: null })
    expect(fs.readFileSync(file, 'utf8')).toBe('x')
  })

  test('ends when the engine is gone, without a word from it', async () => {
    const child = spawn(EXECUTABLE, [path.join(__dirname, '../../../dist/agent.cjs'), 'usage'], { stdio: ['pipe', 'ignore', 'ignore'] })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.stdin.end()
    expect(await ended).toBe(0)
  })
})
