import fs from 'node:fs'
import path from 'node:path'
import { createDataPort } from '../../../agent/adapters/data/port'
import type { JobConfig } from '../../../src/model'
import type { ReportError } from '../../../src/report/report'
import { DATA_DEFAULTS } from '../../fakes/dataDefaults'
import { job, keptLog, link, makePlaces, removePlaces, until } from './surroundings'

/** About 120 ms on a quiet machine; far below the 5 s of the status questions on a busy one. */
const NOTICED_MS_MAX = 2_000

const data = (folder: string): JobConfig['data'] => ({
  folders: [{ path: folder, exclude: [] }],
  port: 7340,
  capture: 'fuse',
  queueBytes: 1_000,
  ...DATA_DEFAULTS
})
const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: ReportError) => error.report.code
  )

describe('mirrord of a job (with a stand-in that speaks its protocol)', () => {
  const group = job({ data: data('/srv/db') })
  const broken = job({ name: 'Broken', data: data('/srv/none') })
  const places = makePlaces('RMHW131', { links: [link({}), link({ name: 'service', data: false })], jobs: { DB_Group: group, Broken: broken } })
  const command = { file: process.execPath, args: [path.join(__dirname, 'fakeMirrord.cjs')] }
  const ports: { close(): void }[] = []
  const engine = () => {
    const port = createDataPort(places, keptLog(), { command })
    const lost: { why: string; atMs: number }[] = []
    const roles: string[] = []
    port.onLost((_job, why) => lost.push({ why, atMs: performance.now() }))
    port.onStatus((_job, status) => roles.push(status.role))
    ports.push(port)
    return { port, lost, roles }
  }
  const pid = (): number => JSON.parse(fs.readFileSync(path.join(places.runDirectory, 'DB_Group.mirrord.json'), 'utf8')).pid

  afterEach(async () => {
    await engine().port.end('DB_Group')
    for (const port of ports.splice(0)) port.close()
  })
  afterAll(() => removePlaces(places))

  test('another job of the name of one that is leaving waits for its end, and finds nothing of it', async () => {
    const { port } = engine()
    await port.ensure(group)
    const before = pid()
    const kept = path.join(places.stateDirectory, 'DB_Group.copy.json')
    fs.writeFileSync(kept, 'of the first one')
    const gone = port.forget('DB_Group')
    expect((await port.ensure(group)).ran).toBe(false)
    expect(fs.existsSync(kept)).toBe(false)
    expect(pid()).not.toBe(before)
    await gone
    const [place] = fs.readdirSync(path.join(places.stateDirectory, 'removed'))
    expect(fs.readFileSync(path.join(places.stateDirectory, 'removed', place!, 'DB_Group.copy.json'), 'utf8')).toBe('of the first one')
  })

  test('what an engine that died had not put aside, the next one does: of jobs that have gone, and of no other', async () => {
    const { port } = engine()
    const files = ['Web.copy.json', 'DB_Group.copy.json'].map((name) => path.join(places.stateDirectory, name))
    for (const file of files) fs.writeFileSync(file, 'kept')
    await port.forgetOthers(['DB_Group'])
    expect(files.map((file) => fs.existsSync(file))).toEqual([false, true])
  })

  test('started and configured once, adopted by the next engine, whose requests it serves', async () => {
    const first = engine()
    expect((await first.port.ensure(group)).ran).toBe(false)
    const started = pid()
    first.port.close()
    const second = engine()
    expect((await second.port.ensure(group)).ran).toBe(true)
    expect((await second.port.ensure(group)).ran).toBe(true)
    expect(pid()).toBe(started)
    await second.port.source('DB_Group', 4, true)
    await until('its status', () => second.roles.includes('source'))
    expect((await second.port.ensure(group)).status.roleSequence).toBe(4)
    expect(second.lost).toEqual([])
  })

  test('it dies: noticed within 200 ms, said once with how, and the next ensure starts a new one', async () => {
    const { port, lost } = engine()
    await port.ensure(group)
    const waiting = code(port.drain('DB_Group', 60_000))
    const killedMs = performance.now()
    process.kill(pid(), 'SIGKILL')
    await until('lost', () => lost.length > 0)
    expect((lost[0]?.atMs ?? 0) - killedMs).toBeLessThan(NOTICED_MS_MAX)
    expect(lost[0]?.why).toBe('its process was ended by SIGKILL')
    expect(await waiting).toBe('E_MIRRORD_LOST')
    expect(await code(port.source('DB_Group', 1, false))).toBe('E_MIRRORD_LOST')
    expect((await port.ensure(group)).ran).toBe(false)
    expect(lost).toHaveLength(1)
  })

  test('only the connection ends: taken up again, nothing is lost', async () => {
    const { port, lost } = engine()
    await port.ensure(group)
    const started = pid()
    await port.stop('DB_Group', { force: true })
    await until('connected again', () => code(port.source('DB_Group', 5, true)).then((each) => each === 'no error'))
    expect([pid(), lost.length]).toEqual([started, 0])
  })

  test('what it refuses, and a fault that it reports, come through in its words', async () => {
    const { port, lost } = engine()
    await port.ensure(group)
    expect(await code(port.mirror('DB_Group', 'start'))).toBe('E_NO_PEER')
    await port.target('DB_Group', 6)
    await until('the fault', () => lost.length > 0)
    expect(lost[0]?.why).toBe('disk full (E_REDO)')
  })

  test('it hands over: whoever asks meanwhile waits, nothing is lost, and it says how long the pause was', async () => {
    const { port, lost } = engine()
    await port.ensure(group)
    await port.source('DB_Group', 4, true)
    const before = pid()
    const handed = port.upgrade('DB_Group')
    await new Promise((resolve) => setImmediate(resolve))
    const [now, meanwhile] = [await handed, await port.ensure(group)]
    expect(now).toEqual({ version: '2.0.0', pausedMs: 42, silentMs: expect.any(Number) })
    expect(meanwhile.status.role).toBe('source')
    expect(pid()).not.toBe(before)
    expect(lost).toEqual([])
  })

  test('one that ends slowly still takes connections: what goes on in its place is waited for', async () => {
    const lingers = job({ name: 'lingers', data: data('/srv/lingers') })
    places.config.jobs['lingers'] = lingers
    const { port, lost } = engine()
    await port.ensure(lingers)
    await port.source('lingers', 4, true)
    const now = await port.upgrade('lingers')
    await port.end('lingers')
    expect({ now, lost }).toEqual({ now: { version: '2.0.0', pausedMs: 42, silentMs: expect.any(Number) }, lost: [] })
  })

  test('one that serves nothing is ended, and the installed one started', async () => {
    const { port, lost } = engine()
    await port.ensure(group)
    const before = pid()
    expect(await port.upgrade('DB_Group')).toEqual({ version: '1.0.0', pausedMs: null, silentMs: null })
    expect(pid()).not.toBe(before)
    expect(lost).toEqual([])
  })

  test.each([
    ['stays', 'it refuses to: it goes on', 'E_HAND_OVER', true],
    ['instead', 'the program that was to go on does not: the one before does', 'E_MIRRORD_INSTEAD', false],
    ['dies', 'it dies of it: its keeper starts another one', 'E_MIRRORD_LOST', false]
  ])('%s: %s', async (folder, _how, refusal, stays) => {
    const other = job({ name: folder, data: data(`/srv/${folder}`) })
    places.config.jobs[folder] = other
    const { port, lost } = engine()
    await port.ensure(other)
    await port.source(folder, 4, true)
    const noted = () => JSON.parse(fs.readFileSync(path.join(places.runDirectory, `${folder}.mirrord.json`), 'utf8')).pid as number
    const before = noted()
    const refused = await code(port.upgrade(folder))
    const { status } = await port.ensure(other)
    const after = noted()
    await port.end(folder)
    expect({ refused, role: status.role, stays: after === before, lost }).toEqual({ refused: refusal, role: 'source', stays, lost: [] })
  })

  test('one that was started with another configuration is explained and left alone', async () => {
    await engine().port.ensure(group)
    const started = pid()
    const other = engine()
    expect(await code(other.port.ensure({ ...group, data: data('/srv/other') }))).toBe('E_MIRRORD_CONFIG')
    expect(pid()).toBe(started)
  })

  test('one that ends at once says why; a clean end is no loss', async () => {
    await expect(engine().port.ensure(broken)).rejects.toThrow(/mirrord of Broken did not start .* exit code 3 \(no such folder\)/)
    const { port, lost } = engine()
    await port.ensure(group)
    await port.end('DB_Group')
    expect(fs.existsSync(path.join(places.runDirectory, 'DB_Group.mirrord.json'))).toBe(false)
    expect(lost).toEqual([])
  })
})
