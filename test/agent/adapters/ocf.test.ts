import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { createApplicationPort } from '../../../agent/adapters'
import { cgroupDirectory } from '../../../agent/adapters/applications/cgroup'
import { applicationFiles } from '../../../agent/adapters/applications/files'
import type { ApplicationConfig } from '../../../src/model'
import type { ReportError } from '../../../src/report/report'
import { alive, application, bundleProgram, job, keptLog, makePlaces, removePlaces, until, whyNoNamespaces } from './surroundings'

const ROOT = '/usr/lib/ocf'
const asInstalled = fs.existsSync(`${ROOT}/resource.d/heartbeat/Dummy`) ? describe : describe.skip
if (process.env.CI === 'true' && asInstalled === describe.skip) throw new Error('the package resource-agents is not installed')

/** An agent whose every action is a line of shell; it leaves a trace of what it was told. */
const agentText = (actions: Record<string, string>): string => `#!/bin/sh
echo "$1 $OCF_RESKEY_CRM_meta_interval $OCF_RESKEY_CRM_meta_timeout $OCF_CHECK_LEVEL" >> "$OCF_RESKEY_home/calls"
cd "$OCF_RESKEY_home" || exit 5
case $1 in
${Object.entries({ start: 'touch running', stop: 'rm -f running', monitor: '[ -e running ] || exit 7', ...actions })
  .map(([action, line]) => `${action}) ${line} ;;`)
  .join('\n')}
*) exit 3 ;;
esac
`

/** Also where nobody reaps the dead soon. */
const RUNS = '[ -e running ] && grep -q sleep /proc/$(cat running)/cmdline || exit 7'

asInstalled('an application of kind agent', () => {
  const places = makePlaces()
  const log = keptLog()
  const ports: { close(): void }[] = []
  const group = job({ name: 'OCF_Group' })
  const before = { OCF_ROOT: process.env.OCF_ROOT, HA_RSCTMP: process.env.HA_RSCTMP }
  const file = (name: string): string => path.join(places.root, name)
  const calls = (): string[] => (fs.existsSync(file('calls')) ? fs.readFileSync(file('calls'), 'utf8').trim().split(/ *\n/) : [])

  const newEngine = () => {
    const port = createApplicationPort(places, log)
    ports.push(port)
    return port
  }
  const agent = (type: string, parameters: Record<string, string>, change: Partial<ApplicationConfig> = {}, provider = 'test'): ApplicationConfig =>
    application({ name: 'AGENT', kind: 'agent', agent: { provider, type, parameters, checkLevel: 0 }, ...change })
  const written = (actions: Record<string, string>, change: Partial<ApplicationConfig> = {}): ApplicationConfig => {
    fs.writeFileSync(path.join(places.root, 'ocf', 'resource.d', 'test', 'written'), agentText(actions), { mode: 0o755 })
    return agent('written', { home: places.root }, change)
  }
  const refusal = (work: Promise<unknown>): Promise<ReportError> =>
    work.then(
      () => Promise.reject(new Error('it was not refused')),
      (error) => error
    )
  const pidFrom = (name: string): number => Number(fs.readFileSync(file(name), 'utf8'))

  beforeAll(() => {
    fs.mkdirSync(path.join(places.root, 'ocf', 'resource.d', 'test'), { recursive: true })
    fs.symlinkSync(`${ROOT}/lib`, path.join(places.root, 'ocf', 'lib'))
    fs.symlinkSync(`${ROOT}/resource.d/heartbeat`, path.join(places.root, 'ocf', 'resource.d', 'heartbeat'))
    process.env.OCF_ROOT = path.join(places.root, 'ocf')
    process.env.HA_RSCTMP = path.join(places.root, 'rsctmp')
  })
  afterEach(async () => {
    await newEngine().stop(group, written({}), { kill: true })
    for (const port of ports.splice(0)) port.close()
    for (const name of ['calls', 'running', 'stray']) fs.rmSync(file(name), { force: true })
  })
  afterAll(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    removePlaces(places)
  })

  test('Dummy of heartbeat runs unchanged: started, adopted by the next engine, found stopped, stopped', async () => {
    const config = agent('Dummy', { state: file('dummy') }, {}, 'heartbeat')
    const first = newEngine()
    await first.start(group, config)
    expect(fs.existsSync(file('dummy'))).toBe(true)
    first.close()
    const second = newEngine()
    const failures: string[] = []
    second.onFailed((_job, _application, why) => failures.push(why))
    expect(await second.adopt(group, config)).toBe(true)
    fs.rmSync(file('dummy'))
    await until('the failure', () => failures.length > 0)
    expect(failures).toEqual(['its check says: exit code 7, it does not run (No process state file found)'])
    expect(await newEngine().adopt(group, config)).toBe(false)
    await second.start(group, config)
    await second.stop(group, config, { kill: false })
    expect(fs.existsSync(file('dummy'))).toBe(false)
  })

  test('one that was started here and answers with errors is taken for one that is there: the watch says so, and a stop ends it', async () => {
    const broken = { monitor: '[ -e broken ] && exit 1; [ -e running ] || exit 7' }
    const config = written(broken, { checkIntervalMs: 50 })
    fs.writeFileSync(file('broken'), '')
    expect(await newEngine().adopt(group, config)).toBe(false)
    fs.rmSync(file('broken'))
    const first = newEngine()
    await first.start(group, config)
    first.close()
    fs.writeFileSync(file('broken'), '')
    const second = newEngine()
    const failures: string[] = []
    second.onFailed((_job, _application, why) => failures.push(why))
    expect(await second.adopt(group, config)).toBe(true)
    await until('the failure', () => failures.length > 0)
    await second.stop(group, config, { kill: false })
    expect(await newEngine().adopt(group, config)).toBe(false)
    fs.rmSync(file('broken'))
  })

  test('what an agent is told: probes with interval 0, checks with theirs and their level, timeouts in ms', async () => {
    const config = written({}, { startTimeoutMs: 4_000, stopTimeoutMs: 3_000, checkTimeoutMs: 900 })
    const levelled = { ...config, agent: { ...config.agent!, checkLevel: 10 } }
    const port = newEngine()
    await port.start(group, levelled)
    await until('a check at its interval', () => calls().includes('monitor 50 900 10'))
    await port.stop(group, levelled, { kill: false })
    expect(calls().slice(0, 3)).toEqual(['monitor 0 900 10', 'start 0 4000', 'monitor 0 900 10'])
    expect(calls().at(-1)).toBe('stop 0 3000')
  })

  test('a daemon that dies is noticed before the next check, and a stop leaves nothing of what was started', async () => {
    const start = 'setsid sleep 300 & echo $! > stray; setsid sleep 300 & echo $! > running'
    const config = written({ start, stop: 'rm -f running', monitor: RUNS }, { checkIntervalMs: 60_000 })
    const port = newEngine()
    const failures: string[] = []
    port.onFailed((_job, _application, why) => failures.push(why))
    await port.start(group, config)
    const [stray, main] = [pidFrom('stray'), pidFrom('running')]
    await port.stop(group, config, { kill: false })
    expect([alive(stray), alive(main)]).toEqual([false, false])
    await port.start(group, config)
    process.kill(pidFrom('running'), 'SIGKILL')
    await until('the failure', () => failures.length > 0)
    expect(failures[0]).toContain('exit code 7')
  })

  test.each([
    [2, /a parameter is wrong on this node/],
    [4, /lacks a permission/],
    [5, /not installed/],
    [6, /its parameters are wrong/]
  ])('a start that says %i is refused in words, and not as a failure of the application', async (code, words) => {
    const error = await refusal(
      newEngine().start(group, written({ start: `echo ocf-exit-reason:no such thing as secret >&2; exit ${code}`, stop: `exit ${code}` }))
    )
    expect(error.report).toMatchObject({ code: 'E_APPLICATION_AGENT', exitCode: 5, message: expect.stringMatching(words) })
    expect(error.report.message).toContain('no such thing')
  })

  test('an agent that is not there is named with its place', async () => {
    const error = await refusal(newEngine().start(group, agent('pgsq', {}, {}, 'heartbeat')))
    expect(error.report.message).toContain('there is no agent ocf:heartbeat:pgsq (')
  })

  test('what it prints is bounded, and its secrets are not said again', async () => {
    const config = written({ start: 'yes "cannot log in with $OCF_RESKEY_monitor_password" | head -n 5000 >&2; exit 1' })
    config.agent!.parameters.monitor_password = 'geheim-und-lang'
    const error = await refusal(newEngine().start(group, config))
    expect(error.report.code).toBe('E_APPLICATION_START')
    expect(error.report.message).toContain('cannot log in with •••')
    expect(error.report.message).not.toContain('geheim')
    expect(error.report.message.length).toBeLessThan(1_000)
  })

  test('a start that hangs is ended at its timeout with all that it began, and stopped', async () => {
    const config = written({ start: 'setsid sleep 300 & echo $! > stray; touch running; sleep 300' }, { startTimeoutMs: 400 })
    const error = await refusal(newEngine().start(group, config))
    expect(error.report.message).toContain('no answer within 400 ms')
    expect([alive(pidFrom('stray')), fs.existsSync(file('running'))]).toEqual([false, false])
  })

  test('a stop calls off a start that is under way', async () => {
    const port = newEngine()
    const config = written({ start: 'touch begun; sleep 300' }, { startTimeoutMs: 60_000 })
    const started = refusal(port.start(group, config))
    await until('it is under way', () => fs.existsSync(file('begun')))
    await port.stop(group, config, { kill: false })
    expect((await started).report.message).toContain('called off')
  })

  test('a stop that fails or hangs: the processes are killed, and its check says whether it is gone', async () => {
    const start = 'setsid sleep 300 & echo $! > running'
    for (const stop of ['exit 1', 'sleep 300']) {
      const config = written({ start, stop, monitor: RUNS }, { stopTimeoutMs: 300 })
      const port = newEngine()
      await port.start(group, config)
      await port.stop(group, config, { kill: false })
      expect(alive(pidFrom('running'))).toBe(false)
    }
  })

  test('what is no process and cannot be stopped stays a failure, for kill as well', async () => {
    const config = written({ stop: 'echo ocf-exit-reason:it is stuck >&2; exit 1' })
    const port = newEngine()
    await port.start(group, config)
    for (const kill of [false, true]) {
      const { report } = await refusal(port.stop(group, config, { kill }))
      expect(report).toMatchObject({ code: 'E_APPLICATION_STOP', message: expect.stringMatching(/it is stuck.*its check: exit code 0/) })
    }
  })

  test('one that was never started and cannot even be asked does not stand in the way of a stop', async () => {
    await newEngine().stop(group, written({ stop: 'exit 6', monitor: 'exit 6' }), { kill: false })
    await newEngine().stop(group, agent('missing', {}), { kill: true })
    expect(calls().map((line) => line.split(' ')[0])).toEqual(['stop'])
  })

  test('it is stopped as it was started, whatever the configuration says by then', async () => {
    const config = written({ stop: 'rm -f running "$OCF_RESKEY_extra"' })
    const started = { ...config, agent: { ...config.agent!, parameters: { ...config.agent!.parameters, extra: file('stray') } } }
    const port = newEngine()
    await port.start(group, started)
    fs.writeFileSync(file('stray'), '')
    await port.stop(group, config, { kill: false })
    expect(fs.existsSync(file('stray'))).toBe(false)
  })

  test('a check that hangs is a failure after two, and leaves no process behind', async () => {
    const config = written(
      { monitor: '[ -e running ] || exit 7; [ ! -e hang ] || { setsid sleep 300 & echo $! > stray; sleep 300; }' },
      { checkTimeoutMs: 300 }
    )
    const port = newEngine()
    const failures: string[] = []
    port.onFailed((_job, _application, why) => failures.push(why))
    await port.start(group, config)
    fs.writeFileSync(file('hang'), '')
    await until('the failure', () => failures.length > 0)
    fs.rmSync(file('hang'))
    expect(failures).toEqual(['its check says: no answer within 300 ms'])
    expect(alive(pidFrom('stray'))).toBe(false)
    const cgroup = cgroupDirectory(applicationFiles(places, group, config).cgroupName)
    expect(cgroup === null || !fs.existsSync(cgroup) ? [] : fs.readdirSync(cgroup).filter((name) => name.startsWith('monitor'))).toEqual([])
  })
})

const whyNot = whyNoNamespaces()
const inNetwork = asInstalled === describe.skip || whyNot !== null ? describe.skip : describe

inNetwork(`IPaddr2 of heartbeat, unchanged, in a network of its own${whyNot === null ? '' : ` (${whyNot})`}`, () => {
  const places = makePlaces()
  const name = `mp-ocf-${process.pid}`
  const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })
  const addresses = (): string => ip('netns', 'exec', name, 'ip', 'address', 'show', 'eth0')
  const config = (parameters: Record<string, string>) =>
    application({ name: 'ADDRESS', kind: 'agent', agent: { provider: 'heartbeat', type: 'IPaddr2', parameters, checkLevel: 0 } })
  let program = { file: '', args: [''] }

  /** Each a new engine in the network. */
  const act = (parameters: Record<string, string>, ...calls: ('start' | 'stop' | 'kill' | 'adopt')[]): string[] => {
    const input = JSON.stringify({ places, job: job({ name: 'OCF_Network' }), application: config(parameters), calls })
    const environment = { ...process.env, HA_RSCTMP: path.join(places.root, 'rsctmp') }
    return execFileSync('ip', ['netns', 'exec', name, program.file, ...program.args, input], { encoding: 'utf8', env: environment })
      .trim()
      .split('\n')
  }

  beforeAll(() => {
    program = bundleProgram(
      places.root,
      'agents',
      `import { createApplicationPort } from '../../../agent/adapters'
       const { places, job, application, calls } = JSON.parse(process.argv[2]!)
       const run = async () => {
         const port = createApplicationPort(places, { event: (_level, text) => console.log(text) })
         for (const call of calls) {
           const work = call === 'start' ? port.start(job, application) : call === 'adopt' ? port.adopt(job, application) : port.stop(job, application, { kill: call === 'kill' })
           console.log(call, await work.catch((error: any) => error.report.code + ' ' + error.message))
         }
         port.close()
       }
       void run()`
    )
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'far0')
    ip('-n', name, 'link', 'set', 'far0', 'up')
    ip('-n', name, 'address', 'add', '192.168.150.151/24', 'dev', 'eth0')
    ip('-n', name, 'link', 'set', 'eth0', 'up')
  })
  afterAll(() => {
    spawnSync('ip', ['netns', 'delete', name])
    removePlaces(places)
  })

  test('started, found by the next engine, stopped; killed it is gone as well, though it is no process', () => {
    const parameters = { ip: '192.168.150.130', cidr_netmask: '24', nic: 'eth0' }
    expect(act(parameters, 'adopt', 'start')).toEqual(['adopt false', 'start undefined'])
    expect(addresses()).toContain('192.168.150.130/24')
    expect(act(parameters, 'adopt', 'start', 'stop', 'adopt')).toEqual(['adopt true', 'start undefined', 'stop undefined', 'adopt false'])
    expect(addresses()).not.toContain('192.168.150.130')
    expect(act(parameters, 'start', 'kill', 'adopt')).toEqual(['start undefined', 'kill undefined', 'adopt false'])
    expect(addresses()).not.toContain('192.168.150.130')
  })

  test('parameters that the agent refuses are said with its own words', () => {
    expect(act({ ip: 'not-an-address' }, 'start')[0]).toMatch(/^start E_APPLICATION_AGENT .*ocf:heartbeat:IPaddr2 says.*exit code [26]/)
  })
})
