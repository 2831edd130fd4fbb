import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Bench } from './harness'
import { cuiSim, linesOf, ONLINE, PAIR_FILE } from './simulation'

const ownerIn = (result: Record<string, unknown> | undefined): unknown => (result?.['jobs'] as { activite?: string }[] | undefined)?.[0]?.activite

test('a pair is brought in, switched and looked at as the real one is, without a server', async () => {
  const { exitCode, results } = await linesOf([...ONLINE, 'switch DB_Group', 'hbtstate', 'jobstate DB_Group', 'history DB_Group'])
  expect(exitCode).toBe(0)
  const moved = results[2] as { state: string; steps: { text: string; state: string }[] }
  expect(moved.state).toBe('done')
  expect(moved.steps.map(({ text, state }) => `${text} ${state}`)).toContain('Hand over to RMHW132 (role sequence 2) done')
  expect(results[5]).toMatchObject({ job: 'DB_Group' })
})

test('every order that a step begins is told to its end', async () => {
  const { results } = await linesOf([...ONLINE, 'switch DB_Group'])
  const steps = (results[2] as { steps: { node: string; text: string; state: string }[] }).steps
  const open = steps.filter(
    ({ node, text, state }) => state === 'begin' && !steps.some((other) => other.state !== 'begin' && other.node === node && other.text === text)
  )
  expect(open).toEqual([])
})

test('a node without power: the other one takes over, nothing acknowledged is missing, and the first comes back as mirror', async () => {
  const { exitCode, results } = await linesOf([
    ...ONLINE,
    'sim write DB_Group 10MiB',
    'sim kill RMHW131',
    'sim advance 30s',
    'sim',
    'sim write DB_Group 5MiB',
    'sim start RMHW131',
    'wait DB_Group synchronized --timeout 2m',
    'sim'
  ])
  expect(exitCode).toBe(0)
  const machines = (place: number) => (results[place] as { machines: { node: string; up: boolean; applications: string[]; data: object[] }[] }).machines
  expect(machines(5)).toMatchObject([
    { node: 'RMHW131', up: false, applications: [] },
    { node: 'RMHW132', up: true, applications: ['DB_Group/POSTGRES', 'DB_Group/AGENT'], data: [{ role: 'source', lsn: 1 }] }
  ])
  expect(machines(9)).toMatchObject([{ data: [{ role: 'target', lsn: 2 }] }, { data: [{ role: 'source', lsn: 2 }] }])
})

test('cut off from each other, one serves and the other one does not; healed, both are equal again', async () => {
  const { results } = await linesOf([
    ...ONLINE,
    'sim cut all',
    'sim advance 1m',
    'sim',
    'sim write DB_Group 1MiB',
    'sim heal',
    'wait DB_Group synchronized',
    'sim'
  ])
  const serving = (results[4] as { machines: { vips: string[] }[] }).machines.filter(({ vips }) => vips.length > 0)
  expect(serving).toHaveLength(1)
  const versions = (results[8] as { machines: { data: { lsn: number }[] }[] }).machines.map(({ data }) => data[0]?.lsn)
  expect(versions).toEqual([1, 1])
})

test('an owner that is cut off from the other node and from the witness serves no more before its lease is over', async () => {
  const { results } = await linesOf([...ONLINE, 'sim cut all', 'sim cut witness', 'sim advance 30s', 'sim'])
  const machines = (results[5] as { machines: { vips: string[]; applications: string[] }[] }).machines
  expect(machines.flatMap(({ vips, applications }) => [...vips, ...applications])).toEqual([])
})

test('an application that dies is started again; one that does not start any more makes the job fail over', async () => {
  const again = await linesOf([...ONLINE, 'sim fail-app DB_Group AGENT', 'sim advance 20s', 'sim'])
  expect((again.results[4] as { machines: { applications: string[] }[] }).machines[0]?.applications).toContain('DB_Group/AGENT')
  const over = await linesOf([...ONLINE, 'sim break-app DB_Group AGENT', 'sim advance 3m', 'sim', 'clearerr DB_Group RMHW131 --yes'])
  expect(over.exitCode).toBe(0)
  expect((over.results[4] as { machines: { applications: string[] }[] }).machines[1]?.applications).toContain('DB_Group/AGENT')
})

test('refusals are those of the real pair, with their exit codes', async () => {
  const early = await cuiSim(['switch', 'DB_Group', '--json'])
  expect(early.exitCode).toBe(5)
  const unknown = await cuiSim(['bringin', 'XX_Group'])
  expect(unknown.exitCode).toBe(2)
  const late = await linesOf(['sim kill RMHW132', 'wait DB_Group synchronized --timeout 5m'])
  expect(late).toMatchObject({ exitCode: 6, error: { code: 'E_WAIT_TIMEOUT' } })
  const gone = await linesOf(['sim kill RMHW131', 'sim kill RMHW132', 'allstate'])
  expect(gone).toMatchObject({ exitCode: 3, error: { code: 'E_NO_ANSWER' } })
})

test('a dry run changes nothing there either', async () => {
  const { results } = await linesOf([...ONLINE, 'sim', 'switch DB_Group --dry-run', 'sim'])
  expect({ ...results[4], atMs: 0, wallMs: 0 }).toEqual({ ...results[2], atMs: 0, wallMs: 0 })
})

test('the configuration is agreed on by both simulated nodes, and FILE is only read', async () => {
  const before = fs.readFileSync(PAIR_FILE, 'utf8')
  const { exitCode, results } = await linesOf(['vip modify DB_Group --address 192.168.150.140/16 --yes', 'config history', 'bringin DB_Group', 'sim'])
  expect(exitCode).toBe(0)
  expect(results[0]).toMatchObject({ followed: true })
  expect((results[3] as { machines: { vips: string[] }[] }).machines[0]?.vips).toEqual(['192.168.150.140'])
  expect(fs.readFileSync(PAIR_FILE, 'utf8')).toBe(before)
})

test('a frozen machine wakes up and finds that the other one serves: it does not serve beside it', async () => {
  const { exitCode, results } = await linesOf([
    ...ONLINE,
    'sim freeze RMHW131 40s',
    'sim advance 35s',
    'sim',
    'sim advance 10s',
    'sim',
    'wait DB_Group synchronized'
  ])
  expect(exitCode).toBe(0)
  const serving = (place: number) => (results[place] as { machines: { node: string; frozen: boolean; vips: string[] }[] }).machines
  expect(serving(4)[1]?.vips).toHaveLength(1)
  expect(serving(6).filter(({ vips }) => vips.length > 0)).toHaveLength(1)
})

test('what cannot be simulated is said: a file that is no configuration, a word that is none, a machine that is not there', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cui-sim-file-'))
  const wrong = path.join(folder, 'wrong.yaml')
  fs.writeFileSync(wrong, 'cluster: x\nnodes: { A: { address: 10.0.0.1 } }\n')
  expect(await cuiSim(['allstate'], [], wrong)).toMatchObject({ exitCode: 2, err: expect.stringContaining('Nothing can be simulated') })
  expect(await cuiSim(['allstate'], [], path.join(folder, 'none.yaml'))).toMatchObject({ exitCode: 1 })
  expect(await cuiSim(['sim', 'kill', 'RMHW139'])).toMatchObject({ exitCode: 2, err: expect.stringContaining('RMHW131, RMHW132') })
  expect(await cuiSim(['sim', 'burn', 'RMHW131'])).toMatchObject({ exitCode: 2 })
  fs.rmSync(folder, { recursive: true })
})

test('sim is refused where the servers are real', async () => {
  const bench = await new Bench().up()
  const ran = await bench.cui(['sim', 'kill', 'RMHW131'])
  expect(ran).toMatchObject({ exitCode: 5, err: expect.stringContaining('The servers are real') })
  await bench.down()
})

test('when a comparison is through nothing moves any more', async () => {
  const { exitCode, results } = await linesOf([...ONLINE, 'verify DB_Group start', 'jobstate DB_Group'])
  expect(exitCode).toBe(0)
  const { properties } = results[3] as { properties: { property: string; value: string }[] }
  const value = (name: string) => properties.find(({ property }) => property === name)?.value
  expect([value('Replication'), value('Speed (bytes/s)')]).toEqual(['Idle', '0'])
})

test('who owns the job stands in the views as always', async () => {
  const { results } = await linesOf([...ONLINE, 'allstate'])
  expect(ownerIn(results[2])).toBe('RMHW131')
})

test('from high availability to the guide: what the difference says of the safety is what becomes of it', async () => {
  const { exitCode, results } = await linesOf([
    ...ONLINE,
    'mode DB_Group guide --yes',
    'jobstate DB_Group',
    'mode DB_Group high-performance --yes',
    'jobstate DB_Group'
  ])
  expect(exitCode).toBe(0)
  const safetyOf = (place: number): unknown =>
    (results[place] as { differences: { where: string }[] }).differences.find(({ where }) => where.endsWith(' safety'))
  const asked = { where: 'jobs DB_Group data safety', needs: 'nothing', job: 'DB_Group' }
  expect(safetyOf(2)).toEqual({ ...asked, before: '"full"', after: '"off"', begins: true })
  expect(JSON.stringify(results[3])).toContain('"safety":"full"')
  // By the configuration it was OFF already: its mode says so now.
  expect(safetyOf(4)).toBeUndefined()
  expect(JSON.stringify(results[5])).toContain('"safety":"off"')
  const { out } = await cuiSim(['mode', 'DB_Group', 'guide', '--yes', '--dry-run'])
  expect(out).toContain('data safety: full -> off (what it begins with: DB_Group keeps the safety that it has, `safety DB_Group full|off` changes it)')
})

const SERIAL = 'link add serial --type serial --device RMHW131=/dev/ttyS0 --device RMHW132=/dev/ttyS1 --interval 2s --max-miss 5'

test('each link is named as the real heartbeat program names it, a serial line by its devices, as soon as it is there', async () => {
  const { results } = await linesOf([...ONLINE, SERIAL, 'sim advance 5s', 'hbtstate', 'link modify service --heartbeat 3009', 'sim advance 5s', 'hbtstate'])
  const shown = (place: number) =>
    (results[place] as { links: { hbt: string; states: object }[] }).links.map(({ hbt, states }) => [hbt, ...Object.values(states)])
  const others = [
    ['22.22.150.131:3001 <-> 22.22.150.132:3001', 'ok', 'ok'],
    ['11.11.150.131:3000 <-> 11.11.150.132:3000', 'ok', 'ok'],
    ['/dev/ttyS0 <-> /dev/ttyS1', 'ok', 'ok']
  ]
  expect(shown(4)).toEqual([['192.168.150.151:3002 <-> 192.168.150.152:3002', 'ok', 'ok'], ...others])
  expect(shown(7)).toEqual([['192.168.150.151:3009 <-> 192.168.150.152:3009', 'ok', 'ok'], ...others])
})

test('a serial line alone keeps the other node from taking over; nothing else goes over it', async () => {
  const cut = ['sim cut service', 'sim cut link-0', 'sim cut link-1', 'sim advance 1m', 'sim']
  const { results } = await linesOf(['mode DB_Group guide', ...ONLINE, SERIAL, 'sim advance 5s', ...cut, 'allstate', 'sim cut serial', 'sim advance 1m', 'sim'])
  const serving = (place: number) => (results[place] as { machines: { node: string; vips: string[] }[] }).machines.filter(({ vips }) => vips.length > 0)
  expect(serving(9).map(({ node }) => node)).toEqual(['RMHW131'])
  expect(JSON.stringify(results[10])).toContain('is not connected to RMHW132')
  // Without an arbitration, and with nobody who answers: the split of the guide's mode.
  expect(serving(13)).toHaveLength(2)
})

test('a serial line is rehearsed as every link, and a hang of the standby lasts until it has noticed too', async () => {
  const { exitCode, results } = await linesOf([
    ...ONLINE,
    SERIAL,
    'sim advance 5s',
    'drill DB_Group cut-link serial --yes',
    'drill DB_Group freeze-peer --dry-run'
  ])
  expect(exitCode).toBe(0)
  expect(results[4]).toMatchObject({ kind: 'cut-link', what: 'serial', outageMs: 0, lost: 0 })
  // 5 times 2 s of silence and 5 s more; the sockets are silent after 3.
  expect(JSON.stringify(results[5])).toContain('still for 15s')
})
