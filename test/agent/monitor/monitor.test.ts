import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { makeCgroup, removeCgroup } from '../../../agent/adapters/applications/cgroup'
import { Alarms, ALARMS_AT_ONCE_MAX } from '../../../agent/adapters/monitor/alarm'
import { createMonitorPort } from '../../../agent/adapters/monitor/port'
import type { MonitorEntry } from '../../../src/wire'
import { until } from '../adapters/surroundings'

let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-test-'))
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

const NODE = 'MONTEST'
const call = (command: string, timeoutMs = 10_000) => ({
  event: 'cpu',
  cause: 'CPU Rate 90% >= 70%, once',
  values: ['CPU Rate 90% >= 70%', 'Disk Rate / NA'],
  command,
  timeoutMs
})
const alarm = (command: string, timeoutMs?: number) => new Alarms({ node: NODE }).run(call(command, timeoutMs))

describe('the command for an alarm', () => {
  test('is told by its environment what has happened, and nothing of the agent', async () => {
    process.env.SECRET_OF_AGENT = 'x'
    const file = path.join(folder, 'told')
    expect(await alarm(`env > ${file}; printf '%s' "$MIRRORPAIR_VALUES" > ${file}.values`)).toBeNull()
    delete process.env.SECRET_OF_AGENT
    const told = fs.readFileSync(file, 'utf8')
    expect(told).toContain(`MIRRORPAIR_NODE=${NODE}\n`)
    expect(told).toContain('MIRRORPAIR_EVENT=cpu\n')
    expect(told).toContain('MIRRORPAIR_CAUSE=CPU Rate 90% >= 70%, once\n')
    expect(fs.readFileSync(`${file}.values`, 'utf8')).toBe('CPU Rate 90% >= 70%\nDisk Rate / NA')
    expect(told).not.toContain('SECRET_OF_AGENT')
  })

  test('that fails says why, with its last lines, however much it has said before', async () => {
    expect(await alarm('seq 1 100000; echo no mail server >&2; exit 3')).toMatch(/^exit code 3: .*100000 \/ no mail server$/)
    expect(await alarm('/no/such/program')).toMatch(/^exit code 127: /)
  })

  test('that does not end is killed with all that it has started, whatever that has done to get away', async () => {
    const file = path.join(folder, 'pid')
    expect(await alarm(`setsid sh -c 'echo $$ > ${file}; trap "" TERM HUP; sleep 600' & sleep 600`, 1_000)).toBe('it did not end within 1000 ms')
    const pid = Number(fs.readFileSync(file, 'utf8'))
    while (fs.existsSync(`/proc/${pid}`) && !/State:\s+[ZX]/.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8')))
      await new Promise((resolve) => setImmediate(resolve))
  })

  test('leaves no cgroup behind, though what was killed in it is reaped a moment later', async () => {
    const name = `${NODE}-ENDED-${process.pid}`
    const probe = makeCgroup(name)
    if (probe === null) return console.warn('nothing is looked for here: there is no cgroup v2 that may be written')
    const folderOfAll = path.dirname(probe.directory)
    expect(await new Alarms({ node: name }).run(call(`for i in $(seq 100); do setsid sleep 600 & done; sleep 600`, 500))).toBe('it did not end within 500 ms')
    const left = (): string[] => (!fs.existsSync(folderOfAll) ? [] : fs.readdirSync(folderOfAll).filter((each) => each.startsWith(`${name}.@alarm-`)))
    removeCgroup(probe)
    await until('its cgroup is gone', () => left().length === 0)
  })

  test('may leave something behind that ends in its time', async () => {
    const file = path.join(folder, 'late')
    expect(await alarm(`(sleep 0.3; echo sent > ${file}) > /dev/null 2>&1 &`)).toBeNull()
    expect(fs.readFileSync(file, 'utf8')).toBe('sent\n')
  })

  test('is not run in a storm', async () => {
    const alarms = new Alarms({ node: NODE })
    const go = path.join(folder, 'go')
    const running = Array.from({ length: ALARMS_AT_ONCE_MAX }, () => alarms.run(call(`while [ ! -e ${go} ]; do sleep 0.05; done`)))
    expect(await alarms.run(call('true'))).toContain('run already')
    fs.writeFileSync(go, '')
    expect(await Promise.all(running)).toEqual(Array.from({ length: ALARMS_AT_ONCE_MAX }, () => null))
  })
})

describe('the history of a monitor', () => {
  const entry = (atMs: number): MonitorEntry => ({ atMs, event: 'cpu', what: 'error', text: 'CPU Rate 90%', values: { cpu: '90%' } })

  test('is there after a restart, the oldest first, and what a crash has cut off is passed over', async () => {
    const first = createMonitorPort({ stateDirectory: folder, node: NODE })
    first.note(entry(1))
    first.note(entry(2))
    await first.flushed()
    fs.appendFileSync(path.join(folder, 'monitor.jsonl'), '{"atMs":3,"ev')
    const second = createMonitorPort({ stateDirectory: folder, node: NODE })
    expect(await second.history(10)).toEqual([entry(1), entry(2)])
    expect(await second.history(1)).toEqual([entry(2)])
  })
})

describe('the export of the usage', () => {
  const CSV = { intervalMs: 60_000, sizeBytes: 200, format: 'csv' } as const
  const read = (name: string) => fs.readFileSync(path.join(folder, 'usage', name), 'utf8')
  const port = () => createMonitorPort({ stateDirectory: folder, node: NODE })

  test('has a heading, one line a look, and nothing where a value could not be read', async () => {
    await port().exportUsage('cpu', CSV, 0, { cpu: 12.34567, 'disk /a,b': null })
    await port().exportUsage('cpu', CSV, 60_000, { cpu: 13, 'disk /a,b': 1 })
    expect(read('cpu.csv')).toBe('time,cpu,"disk /a,b"\n1970-01-01T00:00:00.000Z,12.346,\n1970-01-01T00:01:00.000Z,13,1\n')
  })

  test('never grows beyond its size: a full file becomes the older one', async () => {
    const usage = port()
    for (let i = 0; i < 40; i++) await usage.exportUsage('cpu', CSV, i * 60_000, { cpu: i })
    for (const name of ['cpu.csv', 'cpu.csv.1']) {
      expect(Buffer.byteLength(read(name))).toBeLessThanOrEqual(CSV.sizeBytes)
      expect(read(name).split('\n')[0]).toBe('time,cpu')
    }
    expect(read('cpu.csv').trimEnd().split('\n').at(-1)).toMatch(/,39$/)
  })

  test('begins a new file when the columns are others, and knows one object a line', async () => {
    const usage = port()
    await usage.exportUsage('cpu', CSV, 0, { cpu: 1 })
    await usage.exportUsage('cpu', CSV, 1, { cpu: 1, 'net-send eth1': 2 })
    expect(read('cpu.csv.1')).toContain('time,cpu\n')
    expect(read('cpu.csv')).toContain('time,cpu,net-send eth1\n')
    await usage.exportUsage('../x', { ...CSV, format: 'jsonl' }, 0, { cpu: null })
    const [name = ''] = fs.readdirSync(path.join(folder, 'usage')).filter((each) => each.endsWith('.jsonl'))
    expect(JSON.parse(read(name))).toEqual({ time: '1970-01-01T00:00:00.000Z', cpu: null })
  })
})
