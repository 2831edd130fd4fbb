import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { createApplicationPort } from '../../../agent/adapters'
import { cgroupMount } from '../../../agent/adapters/applications/cgroup'
import { isOneProgram } from '../../../agent/adapters/applications/shell'
import { identify } from '../../../agent/adapters/processes'
import type { ApplicationConfig } from '../../../src/model'
import type { ReportError } from '../../../src/report/report'
import { alive, application, job, keptLog, makePlaces, removePlaces, until } from './surroundings'

/** About 20 to 120 ms on a quiet machine; far below any check interval on a busy one. */
const NOTICED_MS_MAX = 2_000

const isRoot = process.geteuid?.() === 0

describe('an application of kind process', () => {
  const places = makePlaces()
  const ports: { close(): void }[] = []
  const newEngine = () => {
    const port = createApplicationPort(places, keptLog())
    ports.push(port)
    return port
  }
  const noted = (): number => JSON.parse(fs.readFileSync(path.join(places.runDirectory, 'applications', 'DB_Group.APP.json'), 'utf8')).identity.pid
  const pidFrom = (name: string): number => Number(fs.readFileSync(path.join(places.root, name), 'utf8'))
  const app = (change: Partial<ApplicationConfig>) => application({ workingDirectory: places.root, ...change })
  const group = job()

  afterEach(async () => {
    await newEngine().stop(group, app({ start: 'true' }), { kill: true })
    for (const port of ports.splice(0)) port.close()
  })
  afterAll(() => removePlaces(places))

  test('start waits for the check; stop by its signal leaves nothing, not even what went into a session of its own', async () => {
    const port = newEngine()
    const config = app({ start: 'setsid sleep 300 & echo $! > stray; sleep 0.3; touch ready; sleep 300', check: 'test -e ready' })
    await port.start(group, config)
    expect(fs.existsSync(path.join(places.root, 'ready'))).toBe(true)
    const [main, stray] = [noted(), pidFrom('stray')]
    expect([alive(main), alive(stray)]).toEqual([true, true])
    await port.stop(group, config, { kill: false })
    expect([alive(main), alive(stray)]).toEqual([false, false])
  })

  test('the note of a start cannot be kept, as on a full disk: the start fails, and nothing of it runs on', async () => {
    const notes = path.join(places.runDirectory, 'applications')
    fs.rmSync(notes, { recursive: true, force: true })
    fs.mkdirSync(places.runDirectory, { recursive: true })
    fs.writeFileSync(notes, '')
    try {
      await expect(newEngine().start(group, app({ start: 'sleep 302.5' }))).rejects.toMatchObject({ report: { code: 'E_APPLICATION_START' } })
      expect(execFileSync('ps', ['--ppid', String(process.pid), '-o', 'args='], { encoding: 'utf8' })).not.toContain('302.5')
    } finally {
      fs.rmSync(notes)
    }
  })

  test('an engine restart: the next engine adopts the same process, notices its death within 200 ms, and says so once', async () => {
    const config = app({ start: 'sleep 300' })
    const first = newEngine()
    await first.start(group, config)
    const pid = noted()
    first.close()
    const second = newEngine()
    const failures: { why: string; atMs: number }[] = []
    second.onFailed((_job, _app, why) => failures.push({ why, atMs: performance.now() }))
    expect(await second.adopt(group, config)).toBe(true)
    await second.start(group, config)
    expect(noted()).toBe(pid)
    const killedMs = performance.now()
    process.kill(pid, 'SIGKILL')
    await until('the failure', () => failures.length > 0)
    expect((failures[0]?.atMs ?? 0) - killedMs).toBeLessThan(NOTICED_MS_MAX)
    expect(await newEngine().adopt(group, config)).toBe(false)
    expect(failures).toHaveLength(1)
  })

  test('a start waits until the one before is reaped: its number in a lock file still looks alive', async () => {
    // Whoever took the first engine's place as its parent reaps late: here it never does, and ends.
    const parent = spawn('sh', ['-c', 'sleep 300 & echo $!; exec sleep 300'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const pid = Number(String((await once(parent.stdout, 'data'))[0]))
    // Until then it is a shell, which does reap.
    await until('it is not the shell any more', () => fs.readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n')
    const identity = identify(pid)
    const file = path.join(places.runDirectory, 'applications', 'DB_Group.APP.json')
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, JSON.stringify({ identity, alone: true, cgroup: null }))
    process.kill(pid, 'SIGKILL')
    const port = newEngine()
    await port.stop(group, app({ start: 'sleep 300' }), { kill: true })
    expect([alive(pid), fs.existsSync(`/proc/${pid}`)]).toEqual([false, true])

    const start = port.start(group, app({ start: `! test -e /proc/${pid} && exec sleep 300` }))
    setTimeout(() => parent.kill('SIGKILL'), 300)
    await start
    expect(fs.existsSync(`/proc/${pid}`)).toBe(false)
  })

  test('a number that belongs to another process now is not adopted, and not touched', async () => {
    const config = app({ start: 'sleep 300' })
    const port = newEngine()
    await port.start(group, config)
    const file = path.join(places.runDirectory, 'applications', 'DB_Group.APP.json')
    const note = JSON.parse(fs.readFileSync(file, 'utf8'))
    await port.stop(group, config, { kill: true })
    note.identity.pid = process.pid
    fs.writeFileSync(file, JSON.stringify(note))
    expect(await port.adopt(group, config)).toBe(false)
    await port.stop(group, config, { kill: false })
    expect(alive(process.pid)).toBe(true)
  })

  test('one that ends at once: its exit code and last words are in the error', async () => {
    const failed = newEngine().start(group, app({ start: 'echo no space for password=geheim >&2; exit 3', check: 'sleep 0.3; false' }))
    const error = await failed.then(
      () => null,
      (each: ReportError) => each
    )
    expect(error?.report.code).toBe('E_APPLICATION_START')
    expect(error?.report.message).toMatch(/exit code 3.*no space/)
    expect(error?.report.message).not.toContain('geheim')
  })

  test('never ready: rejected at the start timeout with what its check said last, not with that the timeout ended one; everything of it is stopped', async () => {
    const config = app({
      start: 'echo $$ > pid; exec sleep 300',
      check: 'test -e asked && exec sleep 300; touch asked; echo not yet; false',
      startTimeoutMs: 3_000,
      checkTimeoutMs: 10_000
    })
    await expect(newEngine().start(group, config)).rejects.toThrow(/not ready within 3000 ms; its check said: exit code 1 \(not yet\)/)
    expect(alive(pidFrom('pid'))).toBe(false)
  })

  test('a stop calls off a start that is under way', async () => {
    const port = newEngine()
    const config = app({ start: 'sleep 300', check: 'false', startTimeoutMs: 60_000 })
    const started = port.start(group, config).then(
      () => 'started',
      (error: Error) => error.message
    )
    await until('it runs', () => fs.existsSync(path.join(places.runDirectory, 'applications', 'DB_Group.APP.json')))
    await port.stop(group, config, { kill: false })
    expect(await started).toContain('called off')
  })

  test('deaf to its signal: killed at the stop timeout', async () => {
    const port = newEngine()
    const config = app({ start: 'trap "" TERM; touch deaf; while :; do sleep 0.1; done', check: 'test -e deaf', stopTimeoutMs: 400 })
    await port.start(group, config)
    const pid = noted()
    const beginMs = performance.now()
    await port.stop(group, config, { kill: false })
    expect(performance.now() - beginMs).toBeGreaterThanOrEqual(390)
    expect(alive(pid)).toBe(false)
  })

  /** The program, and a daemon that was forked twice, with a session of its own: neither hears its signal. */
  const deaf = (stopTimeoutMs: number) => {
    const daemon = `(setsid sh -c "trap '' TERM; echo \\$\\$ > daemon; while :; do sleep 1; done" &)`
    return app({ start: `trap '' TERM; (${daemon} ); while :; do sleep 1; done`, check: 'test -s daemon', stopTimeoutMs })
  }

  test('deaf, and with a daemon of its own that is deaf too: the stop leaves neither', async () => {
    fs.rmSync(path.join(places.root, 'daemon'), { force: true })
    const port = newEngine()
    await port.start(group, deaf(300))
    const [main, daemon] = [noted(), pidFrom('daemon')]
    expect([alive(main), alive(daemon)]).toEqual([true, true])
    await port.stop(group, deaf(300), { kill: false })
    expect([alive(main), alive(daemon)]).toEqual([false, false])
  })

  test('deaf, and gone from its cgroup (as `su` does where systemd makes a session of it): the stop leaves nothing, and neither does an accident', async () => {
    const mount = cgroupMount(fs.readFileSync('/proc/self/mountinfo', 'utf8'))?.directory ?? null
    const elsewhere = mount === null ? null : path.join(mount, `mp-elsewhere-${process.pid}`)
    if (elsewhere !== null && isRoot) fs.mkdirSync(elsewhere)
    const leave = elsewhere !== null && isRoot ? `echo $$ > ${elsewhere}/cgroup.procs; ` : ''
    const config = app({ start: `${leave}trap '' TERM; setsid sleep 300 & echo $! > stray; sleep 300 & sleep 300; sleep 300`, stopTimeoutMs: 300 })
    const port = newEngine()
    try {
      for (const end of [() => port.stop(group, config, { kill: false }), () => port.crash(group, config)]) {
        await port.start(group, config)
        const [main, stray] = [noted(), pidFrom('stray')]
        await end()
        await until('all of it is gone', () => !alive(main) && !alive(stray))
      }
    } finally {
      await port.stop(group, config, { kill: true })
      if (elsewhere !== null && isRoot) fs.rmdirSync(elsewhere)
    }
  })

  test('a check that runs when it is stopped is ended with it', async () => {
    const port = newEngine()
    const config = app({ start: 'sleep 300', check: '[ ! -e slow ] || { echo $$ > checking; sleep 300; }', checkTimeoutMs: 60_000 })
    await port.start(group, config)
    fs.writeFileSync(path.join(places.root, 'slow'), '')
    await until('it is being checked', () => fs.existsSync(path.join(places.root, 'checking')) && pidFrom('checking') > 0)
    await port.stop(group, config, { kill: false })
    await until('the check is gone', () => !alive(pidFrom('checking')))
  })

  test('the engine that stopped it is gone in the middle of that: the next one finds it running, and ends it', async () => {
    fs.rmSync(path.join(places.root, 'daemon'), { force: true })
    const first = newEngine()
    await first.start(group, deaf(60_000))
    const [main, daemon] = [noted(), pidFrom('daemon')]
    const stopping = first.stop(group, deaf(60_000), { kill: false })
    first.close()
    const second = newEngine()
    expect(await second.adopt(group, deaf(300))).toBe(true)
    await second.stop(group, deaf(300), { kill: false })
    expect([alive(main), alive(daemon)]).toEqual([false, false])
    await stopping
  })

  test('the stop command is used where there is one', async () => {
    const port = newEngine()
    const config = app({ start: 'trap "touch signalled" TERM; until test -e please; do sleep 0.05; done', stop: 'touch please' })
    await port.start(group, config)
    await port.stop(group, config, { kill: false })
    expect(fs.existsSync(path.join(places.root, 'signalled'))).toBe(false)
    expect(fs.existsSync(path.join(places.root, 'please'))).toBe(true)
  })

  test('a check that fails twice in a row is a failure, one that hangs is ended at its timeout', async () => {
    const port = newEngine()
    const failures: string[] = []
    port.onFailed((jobName, name, why) => failures.push(`${jobName} ${name} ${why}`))
    fs.writeFileSync(path.join(places.root, 'fine'), '')
    await port.start(group, app({ start: 'sleep 300', check: 'test -e fine || sleep 60', checkTimeoutMs: 150 }))
    fs.rmSync(path.join(places.root, 'fine'))
    await until('the failure', () => failures.length > 0)
    expect(failures[0]).toContain('DB_Group APP its check failed: no answer within 150 ms')
  })

  const asRoot = isRoot ? test : test.skip
  asRoot("it runs as its user, with the user's home, and the environment of the job", async () => {
    fs.chmodSync(places.root, 0o777)
    const config = app({
      start: 'sh -c "echo $(id -un) $(id -Gn) $HOME $MIRRORPAIR_JOB $COLOUR > who; exec sleep 300"',
      check: 'test -s who',
      user: 'daemon',
      environment: { COLOUR: 'green' }
    })
    await newEngine().start(group, config)
    const home = execFileSync('getent', ['passwd', 'daemon'], { encoding: 'utf8' }).split(':')[5]
    expect(fs.readFileSync(path.join(places.root, 'who'), 'utf8')).toBe(
      `daemon ${execFileSync('id', ['-Gn', 'daemon'], { encoding: 'utf8' }).trim()} ${home} DB_Group green\n`
    )
  })

  test('an account that does not exist is refused in words', async () => {
    await expect(newEngine().start(group, app({ start: 'true', user: 'nobody-of-that-name' }))).rejects.toThrow(/cannot run as nobody-of-that-name/)
  })

  test.each([
    ['/usr/bin/postgres -D /data > log 2>&1', false],
    ['/usr/bin/postgres -D /data', true],
    ['A=1 run', false],
    ['cd /x', false],
    ['a; b', false]
  ])('signals go to the process alone only when the line is one program: %s', (line, alone) => {
    expect(isOneProgram(line)).toBe(alone)
  })
})

/** A stand-in for `systemctl` on PATH: a unit is a file with its state. systemd itself does not run where the tests do. */
const SYSTEMCTL = `#!/bin/sh
echo "$@" >> "$UNITS/calls"
case $1 in
  start) [ -e "$UNITS/slow" ] && exec sleep 60; [ "$2" = broken.service ] && { echo "Job for $2 failed" >&2; exit 1; }
    [ "$2" = none.service ] && { echo "Unit $2 not found." >&2; exit 5; }; echo active > "$UNITS/$2" ;;
  stop) [ -e "$UNITS/stuck" ] && sleep 60; for unit; do :; done; [ "$unit" = none.service ] && { echo "Unit $unit not loaded." >&2; exit 5; }; echo inactive > "$UNITS/$unit" ;;
  kill) rm -f "$UNITS/stuck" "$UNITS/busy" ;;
  is-system-running) while [ -e "$UNITS/busy" ]; do sleep 0.01; done; echo stopping ;;
  is-active) [ -e "$UNITS/silent" ] && exit 1; cat "$UNITS/$2" 2>/dev/null || echo inactive; [ "$(cat "$UNITS/$2" 2>/dev/null)" = active ] ;;
esac
`

describe('an application of kind service (with a stand-in for systemctl)', () => {
  const places = makePlaces()
  const pathBefore = process.env.PATH
  const port = createApplicationPort(places, keptLog())
  const config = application({ kind: 'service', unit: 'db.service' })
  const unitFile = path.join(places.root, 'db.service')

  beforeAll(() => {
    fs.writeFileSync(path.join(places.root, 'systemctl'), SYSTEMCTL, { mode: 0o755 })
    process.env.PATH = `${places.root}:${pathBefore}`
    process.env.UNITS = places.root
  })
  afterAll(() => {
    port.close()
    process.env.PATH = pathBefore
    delete process.env.UNITS
    removePlaces(places)
  })

  test('starts, is watched, and its end is a failure', async () => {
    const failures: string[] = []
    port.onFailed((_job, _app, why) => failures.push(why))
    expect(await port.adopt(job(), config)).toBe(false)
    await port.start(job(), config)
    expect(await port.adopt(job(), config)).toBe(true)
    fs.writeFileSync(unitFile, 'failed\n')
    await until('the failure', () => failures.length > 0)
    expect(failures).toEqual(['systemd says that db.service is failed'])
  })

  test('where systemd does not answer, a unit is not taken for one that does not run', async () => {
    await port.start(job(), config)
    fs.writeFileSync(path.join(places.root, 'silent'), '')
    await expect(port.adopt(job(), config)).rejects.toMatchObject({ report: { code: 'E_APPLICATION_UNSEEN' } })
    fs.rmSync(path.join(places.root, 'silent'))
    expect(await port.adopt(job(), config)).toBe(true)
  })

  test('where systemd does not answer, the check of the application says whether it runs', async () => {
    const port = createApplicationPort(places, keptLog())
    const failures: string[] = []
    port.onFailed((_job, _app, why) => failures.push(why))
    const [checks, dead] = ['checks', 'dead'].map((name) => path.join(places.root, name))
    const checked = { ...config, check: `echo >> ${checks}; [ ! -e ${dead} ]` }
    await port.start(job(), checked)
    fs.writeFileSync(path.join(places.root, 'silent'), '')
    const before = fs.statSync(checks ?? '').size
    await until('it was checked four times more, or given up', () => failures.length > 0 || fs.statSync(checks ?? '').size >= before + 4)
    expect(failures).toEqual([])
    fs.writeFileSync(dead ?? '', '')
    await until('the failure', () => failures.length > 0)
    expect(failures).toEqual(['its check failed: exit code 1'])
    fs.rmSync(path.join(places.root, 'silent'))
    port.close()
  })

  test('a unit that is on its way is taken for one that runs: a standby stops it; one that is starting has its time', async () => {
    const failures: string[] = []
    port.onFailed((_job, _app, why) => failures.push(why))
    const patient = { ...config, startTimeoutMs: 60_000, checkIntervalMs: 20 }
    fs.writeFileSync(unitFile, 'activating\n')
    expect(await port.adopt(job(), patient)).toBe(true)
    const calls = () => fs.readFileSync(path.join(places.root, 'calls'), 'utf8').split('is-active').length
    const before = calls()
    await until('some looks at it', () => calls() > before + 4)
    expect(failures).toEqual([])
    fs.writeFileSync(unitFile, 'deactivating\n')
    await until('the failure', () => failures.length > 0)
    expect(failures).toEqual(['systemd says that db.service is deactivating'])
    expect(await port.adopt(job(), patient)).toBe(true)
    await port.stop(job(), patient, { kill: false })
    expect(await port.adopt(job(), patient)).toBe(false)
  })

  test('a unit that does not start says why', async () => {
    await expect(port.start(job(), { ...config, unit: 'broken.service' })).rejects.toThrow(/Job for broken.service failed/)
  })

  test('a unit that this node does not have: its start says so, and its stop has nothing to do', async () => {
    const missing = application({ kind: 'service', unit: 'none.service' })
    await expect(port.start(job(), missing)).rejects.toMatchObject({ report: { code: 'E_APPLICATION_START', message: expect.stringContaining('not found') } })
    await port.stop(job(), missing, { kill: false })
    await port.stop(job(), missing, { kill: true })
  })

  test('a stop calls off a start that is under way', async () => {
    const slow = application({ kind: 'service', unit: 'slow.service', startTimeoutMs: 60_000 })
    fs.writeFileSync(path.join(places.root, 'slow'), '')
    const started = port.start(job(), slow)
    const calledOff = expect(started).rejects.toMatchObject({ report: { code: 'E_APPLICATION_START', message: expect.stringContaining('it was called off') } })
    await until('systemd is asked', () => fs.readFileSync(path.join(places.root, 'calls'), 'utf8').includes('start slow.service'))
    await port.stop(job(), slow, { kill: false })
    await calledOff
    fs.rmSync(path.join(places.root, 'slow'))
  })

  test('a check that runs when its unit is stopped is ended with it', async () => {
    const [slow, checking] = ['slowCheck', 'checking'].map((name) => path.join(places.root, name))
    const checked = { ...config, check: `[ ! -e ${slow} ] || { echo $$ > ${checking}; sleep 300; }`, checkTimeoutMs: 60_000 }
    await port.start(job(), checked)
    fs.writeFileSync(slow ?? '', '')
    const pid = () => (fs.existsSync(checking ?? '') ? Number(fs.readFileSync(checking ?? '', 'utf8')) : 0)
    await until('it is being checked', () => pid() > 0)
    await port.stop(job(), checked, { kill: false })
    await until('the check is gone', () => !alive(pid()))
  })

  test('a stop that hangs ends in a kill', async () => {
    await port.start(job(), config)
    fs.writeFileSync(path.join(places.root, 'stuck'), '')
    await port.stop(job(), { ...config, stopTimeoutMs: 300 }, { kill: false })
    expect(fs.readFileSync(path.join(places.root, 'calls'), 'utf8')).toContain('kill --signal=SIGKILL db.service')
    expect(await port.adopt(job(), config)).toBe(false)
  })

  test('a kill waits for no answer of systemd; the stop behind it knows that the machine goes down', async () => {
    await port.start(job(), config)
    fs.writeFileSync(path.join(places.root, 'busy'), '')
    fs.writeFileSync(path.join(places.root, 'calls'), '')
    await port.stop(job(), config, { kill: true })
    const calls = fs.readFileSync(path.join(places.root, 'calls'), 'utf8').trim().split('\n')
    expect(calls.filter((call) => /^(kill|stop) /.test(call))).toEqual(['kill --signal=SIGKILL db.service', 'stop --job-mode=ignore-dependencies db.service'])
    expect(await port.adopt(job(), config)).toBe(false)
  })
})
