import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { createApplicationPort, createHeartbeatPort, createLeasePort, createVipPort } from '../../../agent/adapters'
import { createClockPort, monotonicMs } from '../../../agent/adapters/clock'
import type { Places } from '../../../agent/ports'
import type { JobConfig } from '../../../src/model'
import { firstOwnPort } from '../../kit/ports'
import { alive, application, bundleProgram, job, keptLog, link, makePlaces, removePlaces, until } from './surroundings'

/** The real program, and the end of it when a test run was killed before it could ask for that. */
const PROGRAM = `import { runHeartbeatProgram } from '../../../agent/adapters/heartbeat/program'
  const parent = process.ppid
  setInterval(() => process.ppid === parent || process.exit(1), 1_000).unref()
  void runHeartbeatProgram(process.argv.slice(2)).then((code) => process.exit(code))`
const SHORT_MS = 400
const LONG_MS = 60_000

/** A cgroup is named after it: other tests, which may run at the same time, have another one. */
const APP = application({ name: 'GUARDED', start: 'setsid sleep 300 & sleep 300' })
/** It has no process at all: whether it is there is a file's matter. */
const AGENT = application({ name: 'FILE', kind: 'agent', agent: { provider: 'test', type: 'file', parameters: {}, checkLevel: 0 } })
const AGENT_TEXT = `#!/bin/sh
file=$(dirname "$0")/there
case $1 in start) touch "$file" ;; stop) rm -f "$file" ;; *) [ -e "$file" ] || exit 7 ;; esac
`
const VIP = { name: 'IP', address: '127.0.0.29', prefix: 8, family: 4 as const, nicGroup: null, nic: null }
const JOB: JobConfig = job({ mode: 'high-protection', applications: [APP], vips: [VIP] })

describe('the guard', () => {
  const ofAgent = job({ name: 'OCF_Guarded', mode: 'high-protection', applications: [AGENT] })
  const device = (places: { root: string }): string => path.join(places.root, 'watchdog')
  const made = makePlaces('RMHW131', { links: [link({ heartbeatPort: firstOwnPort(), intervalMs: 100 })], jobs: { DB_Group: JOB, OCF_Guarded: ofAgent } })
  const quorum = { leaseMs: 10_000, driftMs: 250, configVersion: 1 }
  const places = { ...made, config: { ...made.config, quorum, watchdog: device(made) } }
  let command = { file: '', args: [''] }
  const ends: (() => Promise<void> | void)[] = []

  beforeAll(() => {
    // The program looks for its threads beside itself.
    command = bundleProgram(places.root, 'agent', PROGRAM)
    fs.copyFileSync(path.join(process.cwd(), 'dist', 'guard.worker.cjs'), path.join(places.root, 'guard.worker.cjs'))
    fs.writeFileSync(path.join(places.stateDirectory, 'heartbeat.key'), randomBytes(32), { mode: 0o600 })
    fs.writeFileSync(device(places), '')
  })
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  afterAll(() => removePlaces(places))

  /** An engine's doors; `crash` ends it without a word. */
  async function engine(at: Places = places) {
    const log = keptLog()
    const heartbeat = createHeartbeatPort(at, log, { command })
    const vip = createVipPort(at, log)
    const lease = createLeasePort(at, { clock: createClockPort(), data: { lease: () => undefined }, vip, guard: heartbeat.guard, log })
    await heartbeat.start(() => undefined)
    const applications = createApplicationPort(at, log)
    const crash = async (): Promise<void> => {
      applications.close()
      await heartbeat.close(false)
    }
    ends.push(async () => {
      await applications.stop(JOB, APP, { kill: true })
      applications.close()
      await heartbeat.close(true)
    })
    const tell = (forMs: number, roleSequence = 3): void => lease.tell('DB_Group', roleSequence, monotonicMs() + forMs + 100, monotonicMs() + forMs)
    const serve = async (): Promise<void> => {
      await vip.raise(VIP, monotonicMs() + LONG_MS)
      await applications.start(JOB, APP)
    }
    return { log, heartbeat, lease, applications, vip, crash, tell, serve }
  }
  const noteFile = path.join(places.runDirectory, 'applications', 'DB_Group.GUARDED.json')
  const runs = (): boolean => {
    const { identity, cgroup } = JSON.parse(fs.readFileSync(noteFile, 'utf8'))
    if (cgroup !== null) return fs.readFileSync(path.join(cgroup.directory, 'cgroup.procs'), 'utf8') !== ''
    return alive(identity.pid)
  }
  const program = (): Promise<number> =>
    new Promise((resolve) => {
      const socket = net.connect(path.join(places.runDirectory, 'heartbeat.sock'))
      socket.once('error', () => resolve(0))
      socket.once('data', (bytes) => {
        socket.destroy()
        resolve(JSON.parse(bytes.toString().split('\n')[0] ?? '').pid)
      })
    })

  test('the engine dies and its lease ends: what it had started is killed, all of it, and its address dropped', async () => {
    const first = await engine()
    first.tell(LONG_MS)
    await first.serve()
    await first.crash()
    // A look for which a short lease may leave no time.
    expect([runs(), await first.vip.held(VIP)]).toEqual([true, true])
    const second = await engine()
    second.tell(SHORT_MS, 4)
    await second.crash()
    await until('killed', () => !runs())
    await until('dropped', async () => !(await second.vip.held(VIP)))
  })

  test('renewed in time nothing is touched; the next engine learns until when it may go on, and an old role sequence may not begin', async () => {
    const first = await engine()
    first.tell(LONG_MS, 5)
    await first.serve()
    first.tell(SHORT_MS, 6)
    first.tell(LONG_MS, 6)
    await first.crash()
    await new Promise((resolve) => setTimeout(resolve, SHORT_MS * 2))
    expect([runs(), await first.vip.held(VIP)]).toEqual([true, true])
    const second = await engine()
    await second.lease.known()
    expect((second.lease.untilMs('DB_Group') ?? 0) - monotonicMs()).toBeGreaterThan(LONG_MS / 2)
    expect([second.lease.runs('DB_Group', 6), second.lease.runs('DB_Group', 5)]).toEqual([true, false])
  })

  test('an engine that hangs: the guard does not ask it, and it hears what was ended', async () => {
    const first = await engine()
    first.tell(LONG_MS, 6)
    await first.serve()
    first.tell(SHORT_MS, 7)
    await until('killed', () => !runs())
    await until('told', () => first.log.lines.some((line) => /guard has ended GUARDED, IP/.test(line)))
    expect(first.lease.runs('DB_Group', 7)).toBe(false)
  })

  test('what an agent has started and is no process ends with the lease as well: by the agent', async () => {
    const root = path.join(places.root, 'ocf', 'resource.d', 'test')
    fs.mkdirSync(root, { recursive: true })
    fs.writeFileSync(path.join(root, 'file'), AGENT_TEXT, { mode: 0o755 })
    const before = process.env.OCF_ROOT
    process.env.OCF_ROOT = path.join(places.root, 'ocf')
    ends.push(() => void (before === undefined ? delete process.env.OCF_ROOT : (process.env.OCF_ROOT = before)))
    const first = await engine()
    first.lease.tell('OCF_Guarded', 1, monotonicMs() + LONG_MS + 100, monotonicMs() + LONG_MS)
    await first.applications.start(ofAgent, AGENT)
    expect(fs.existsSync(path.join(root, 'there'))).toBe(true)
    first.lease.tell('OCF_Guarded', 2, monotonicMs() + SHORT_MS + 100, monotonicMs() + SHORT_MS)
    const { cgroup } = JSON.parse(fs.readFileSync(path.join(places.runDirectory, 'applications', 'OCF_Guarded.FILE.json'), 'utf8'))
    await until('stopped', () => !fs.existsSync(path.join(root, 'there')))
    await until('told', () => first.log.lines.some((line) => /guard has ended FILE/.test(line)))
    await until('it counts as gone', () => !fs.existsSync(path.join(places.runDirectory, 'applications', 'OCF_Guarded.FILE.json')))
    // The kernel gives it free when its last process is reaped.
    if (cgroup !== null) await until('its cgroup is gone', () => !fs.existsSync(cgroup.directory))
  })

  test('its program is killed: the next one guards what the last one did', async () => {
    const first = await engine()
    first.tell(LONG_MS, 8)
    await first.serve()
    first.tell(SHORT_MS * 5, 9)
    const pid = await program()
    process.kill(pid, 'SIGKILL')
    await until('a successor', async () => ![0, pid].includes(await program()))
    await first.crash()
    await until('killed', () => !runs(), 10_000)
  })

  test('another configuration: the next program guards what the last one did; a mode without quorum needs none', async () => {
    const first = await engine()
    first.tell(LONG_MS, 10)
    await first.crash()
    const second = await engine({ ...places, config: { ...places.config, links: [link({ heartbeatPort: firstOwnPort(), intervalMs: 70 })] } })
    expect(second.lease.untilMs('DB_Group')).not.toBeNull()
    await second.crash()
    const third = await engine({ ...places, config: { ...places.config, jobs: { DB_Group: { ...JOB, mode: 'guide' } } } })
    expect(third.lease.untilMs('DB_Group')).toBeNull()
  })

  test('the disk of its log is full: it goes on, and what outlives its lease is ended all the same', async () => {
    const logFile = path.join(places.stateDirectory, 'log', 'heartbeat.log')
    fs.rmSync(logFile, { force: true })
    fs.symlinkSync('/dev/full', logFile)
    ends.push(() => fs.rmSync(logFile))
    const first = await engine()
    first.tell(LONG_MS, 12)
    await first.serve()
    const pid = await program()
    first.tell(SHORT_MS, 13)
    await first.crash()
    await until('killed', () => !runs())
    await until('dropped', async () => !(await first.vip.held(VIP)))
    expect(await program()).toBe(pid)
  })

  test('its mode changes while the engine runs: what needs no lease any more is left alone', async () => {
    const changing = { ...places, config: places.config }
    const first = await engine(changing)
    fs.writeFileSync(device(places), '')
    first.tell(LONG_MS, 20)
    await until('guarded', () => fs.readFileSync(device(places), 'utf8') !== '')
    first.tell(SHORT_MS, 21)
    await until('over, and closed for that', () => fs.readFileSync(device(places), 'utf8').endsWith('V'))
    changing.config = { ...places.config, jobs: { DB_Group: { ...JOB, mode: 'guide' } } }
    first.lease.forget('DB_Group')
    expect(first.lease.untilMs('DB_Group')).toBeNull()
    await first.serve()
    await new Promise((resolve) => setTimeout(resolve, SHORT_MS))
    expect([runs(), await first.vip.held(VIP)]).toEqual([true, true])
    await first.vip.drop(VIP)
  })

  test('what another job has since is left to that one', async () => {
    const own = { ...VIP, name: 'IP-2', address: '127.0.0.30' }
    const changing: Places = { ...places, config: { ...places.config, jobs: { DB_Group: { ...JOB, vips: [VIP, own] } } } }
    const first = await engine(changing)
    fs.writeFileSync(device(places), '')
    first.tell(LONG_MS, 22)
    await until('guarded', () => fs.readFileSync(device(places), 'utf8') !== '')
    first.tell(SHORT_MS * 5, 23)
    changing.config = { ...places.config, jobs: { DB_Group: { ...JOB, vips: [own] }, Web: job({ name: 'Web', vips: [VIP] }) } }
    first.lease.reconfigured()
    await until('the lease is over', () => !first.lease.runs('DB_Group', 23))
    await first.vip.raise(VIP, null)
    await first.vip.raise(own, null)
    await until('what is still its own is ended', async () => !(await first.vip.held(own)))
    expect(await first.vip.held(VIP)).toBe(true)
    await first.vip.drop(VIP)
  })

  test('the watchdog (a file in its place) is petted while a job is served, and closed with its word at a clean end', async () => {
    fs.writeFileSync(device(places), '')
    const first = await engine()
    first.tell(LONG_MS, 30)
    await until('petted', () => /^\.{2,}$/.test(fs.readFileSync(device(places), 'utf8')))
    await first.heartbeat.close(true)
    expect(fs.readFileSync(device(places), 'utf8')).toMatch(/^\.+V$/)
  })
})
