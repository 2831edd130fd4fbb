import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { inDays, newLicensor } from '../agent/licence/kit'
import { cuiSim, linesOf, PAIR_FILE, type Result } from './simulation'

const RUNBOOKS = path.join(__dirname, '..', '..', 'man', 'runbooks')
const NODES = { ACTIVE: 'RMHW131', STANDBY: 'RMHW132' }

let folder: string
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'runbooks-'))
})
afterAll(() => fs.rmSync(folder, { recursive: true }))

const settings = (values: Record<string, string>): string[] => Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`])

/** A pair that serves, or what `before` leaves of it, and then the runbook as it stands. */
async function rehearse(name: string, values: Record<string, string>, { before = ['bringin $JOB', 'wait $JOB synchronized'], file = PAIR_FILE } = {}) {
  const written = fs.readFileSync(path.join(RUNBOOKS, name), 'utf8')
  const rehearsed = path.join(folder, name)
  fs.writeFileSync(rehearsed, [...before, written, 'sim'].join('\n'))
  const ran = await cuiSim(['run', rehearsed, '--json', ...settings({ JOB: 'DB_Group', ...values })], [], file)
  const said = JSON.parse(ran.out) as { lines?: { command: string; result: Result }[]; error?: { message: string } }
  expect(said.error ?? null).toBeNull()
  const lines = said.lines ?? []
  const { machines } = (lines.at(-1) as { result: unknown }).result as {
    machines: { node: string; up: boolean; vips: string[]; data: { role: string; lsn: number }[] }[]
  }
  return {
    lines,
    serving: machines.filter(({ vips }) => vips.length > 0).map(({ node }) => node),
    versions: machines.map(({ data }) => data[0]?.lsn),
    machines
  }
}

test('every runbook that ships is in the manual, and its names are explained', () => {
  const manual = fs.readFileSync(path.join(RUNBOOKS, '..', 'cui.1'), 'utf8')
  const files = fs.readdirSync(RUNBOOKS)
  expect(files.length).toBeGreaterThan(4)
  for (const file of files) {
    expect(manual).toContain(file)
    const text = fs.readFileSync(path.join(RUNBOOKS, file), 'utf8')
    const used = [...new Set(text.match(/\$[A-Z][A-Z_]*/g))]
    expect(used.filter((name) => !new RegExp(`^# \\${name}\\s+\\S`, 'm').test(text))).toEqual([])
  }
})

test('update of the operating system: both machines are rebooted, the service moves once', async () => {
  const { serving, lines } = await rehearse('os-update.runbook', { ...NODES, UPDATE: 'apt-get -y upgrade' })
  expect(serving).toEqual(['RMHW132'])
  expect(lines.filter(({ command }) => /reboot$/.test(command)).map(({ result }) => result)).toEqual([
    { node: 'RMHW132', work: 'reboot', by: 'the simulation' },
    { node: 'RMHW131', work: 'reboot', by: 'the simulation' }
  ])
})

test('patch of a database: out of service, patched on both, in service again and seen on the other node', async () => {
  const { serving, versions } = await rehearse('database-patch.runbook', {
    ...NODES,
    PATCH: 'apt-get -y install postgresql-15',
    STOP: 'systemctl stop postgresql'
  })
  expect(serving).toEqual(['RMHW132'])
  expect(versions[0]).toBe(versions[1])
})

test('other addresses: the job is served at its new one', async () => {
  const addresses = {
    NODE_A: 'RMHW131',
    OLD_A: '192.168.150.151',
    NEW_A: '192.168.160.151',
    NODE_B: 'RMHW132',
    OLD_B: '192.168.150.152',
    NEW_B: '192.168.160.152'
  }
  const { machines } = await rehearse('ip-change.runbook', { ...addresses, LINK: 'service', NIC: 'eth0', PREFIX: '16', NEW_VIP: '192.168.160.150' })
  expect(machines[0]?.vips).toEqual(['192.168.160.150'])
})

test('exchange of a network card: the machine goes off and comes back, and both copies are compared', async () => {
  const { serving, machines } = await rehearse('nic-exchange.runbook', { NODE: 'RMHW132' })
  expect(serving).toEqual(['RMHW131'])
  expect(machines.every(({ up }) => up)).toBe(true)
})

test('other licences: temporary ones and then the final ones, on both nodes, after a card was exchanged and while the job serves', async () => {
  const esk = await newLicensor()
  const file = path.join(esk.folder, 'pair.yaml')
  fs.copyFileSync(PAIR_FILE, file)
  const idsOf = async (...lines: string[]): Promise<string[]> => {
    const { nodes } = (await linesOf([...lines, 'hostid'], file)).results.at(-1) as { nodes: { hostId: string }[] }
    return nodes.map(({ hostId }) => hostId)
  }
  const [old = '', other = ''] = await idsOf()
  const [exchanged = ''] = await idsOf('sim exchange RMHW131')
  const files = {
    TEMPORARY_A: await esk.sign(exchanged, inDays(14)),
    FINAL_A: await esk.sign(exchanged, 'never'),
    TEMPORARY_B: await esk.sign(other, inDays(14)),
    FINAL_B: await esk.sign(other, 'never')
  }
  const before = [`license install ${await esk.sign(old)} RMHW131`, 'bringin $JOB', 'wait $JOB synchronized', 'sim exchange RMHW131', 'sim advance 1m']
  const { serving, lines } = await rehearse('licence-renewal.runbook', { NODE_A: 'RMHW131', NODE_B: 'RMHW132', ...files }, { before, file })
  esk.remove()
  expect(serving).toEqual(['RMHW131'])
  const shown = lines.filter(({ command }) => command === 'license show').map(({ result }) => result['nodes'] as { word: string; expires: string | null }[])
  expect(shown.map((nodes) => nodes.map(({ word }) => word))).toEqual([
    ['WrongHost', 'Missing'],
    ['Valid', 'Valid'],
    ['Valid', 'Valid']
  ])
  expect(shown.at(-1)?.map(({ expires }) => expires)).toEqual([null, null])
})

test('split brain: nothing is overwritten before it is said whose data is right, then both are equal', async () => {
  const guide = path.join(folder, 'guide.yaml')
  fs.writeFileSync(guide, fs.readFileSync(PAIR_FILE, 'utf8').replace(/^witness: .*\n/m, ''))
  const before = ['bringin $JOB', 'wait $JOB synchronized', 'sim cut all', 'sim advance 1m', 'sim write $JOB 1MiB', 'sim heal', 'sim advance 20s']
  const apart = await cuiSim(
    ['--json'],
    [...before, 'jobstate $JOB'].map((line) => line.replace('$JOB', 'DB_Group')),
    guide
  )
  expect(apart.out).toContain('Manually')
  const { serving, versions } = await rehearse('split-brain.runbook', { SOURCE: 'RMHW132' }, { before, file: guide })
  expect(serving).toEqual(['RMHW132'])
  expect(versions[0]).toBe(versions[1])
})

// ── what a runbook refuses ────────────────────────────────────────────────

const written = (name: string, ...lines: string[]): string => {
  const file = path.join(folder, name)
  fs.writeFileSync(file, lines.join('\n'))
  return file
}

test('a name without a value is refused before anything is run, with what it means', async () => {
  const file = written('unset.runbook', '# $JOB  the job', 'bringin $JOB', 'wait $JOB online', '# on $NODE: reboot')
  const ran = await cuiSim(['run', file])
  expect(ran).toMatchObject({
    exitCode: 2,
    out: '',
    err: expect.stringMatching(/needs JOB \(the job\), NODE; nothing of it was run\.\nTry: --set JOB=… --set NODE=…/)
  })
})

test('a value that the file does not use is a mistake too, and so is a word that sets nothing', async () => {
  const file = written('set.runbook', 'bringin $JOB')
  expect(await cuiSim(['run', file, '--set', 'JOB=DB_Group', '--set', 'NDOE=x'])).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('does not use NDOE')
  })
  expect(await cuiSim(['run', file, '--set', 'job=DB_Group'])).toMatchObject({ exitCode: 2 })
})

test('the first command that fails stops it, and its line is named', async () => {
  const file = written('fails.runbook', 'bringin DB_Group', '', 'switch XX_Group', 'sim kill RMHW131')
  const ran = await cuiSim(['run', file])
  expect(ran).toMatchObject({ exitCode: 2, err: expect.stringContaining(`Stopped at line 3 of ${file}: switch XX_Group`) })
})

test.each([
  ['config apply FILE'],
  ['config restore FILE'],
  ['config check FILE'],
  ['job create Mail --file FILE'],
  ['drill DB_Group switch --target outage=1ms --yes']
])('%s that has come to nothing stops the runbook there', async (line) => {
  const wrong = path.join(folder, 'wrong.yaml')
  fs.writeFileSync(wrong, 'cluster: seoul-db\nnodes: {}\n')
  const file = path.join(folder, 'stops.runbook')
  fs.writeFileSync(file, ['bringin DB_Group', 'wait DB_Group synchronized', line.replace('FILE', wrong), 'version'].join('\n'))
  const ran = await cuiSim(['run', file])
  expect(ran).toMatchObject({ exitCode: 1, err: expect.stringContaining(`Stopped at line 3 of ${file}`) })
  expect(ran.out).not.toContain('mirrorpair ')
})
