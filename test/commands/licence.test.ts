import fs from 'node:fs'
import path from 'node:path'
import { inDays, type Licensing, newLicensor } from '../agent/licence/kit'
import { Bench } from './harness'
import { cuiSim, linesOf, ONLINE, PAIR_FILE, type Result } from './simulation'

test('hostid: each node, its host id and the cards it is made of', async () => {
  const { exitCode, out } = await cuiSim(['hostid'])
  expect(exitCode).toBe(0)
  expect(out).toMatch(/^host +hostId +network cards$/m)
  expect(out).toMatch(/^RMHW131 +[0-9A-Z]{20} +eth0 02:4d:50:..:..:..$/m)
  const { results } = await linesOf(['hostid', 'hostid --node RMHW132'])
  expect(results).toMatchObject([
    { nodes: [{ node: 'RMHW131', hostId: expect.stringMatching(/^[0-9A-Z]{20}$/), cards: [{ name: 'eth0' }, {}, {}] }, { node: 'RMHW132' }], problems: [] },
    { nodes: [{ node: 'RMHW132' }] }
  ])
})

test('hostid: a restart changes nothing, another card makes it another machine, and the other node stays what it was', async () => {
  const { results } = await linesOf(['hostid', 'sim shutdown RMHW131', 'sim start RMHW131', 'hostid', 'sim exchange RMHW131', 'hostid'])
  const idsOf = (result: unknown) => (result as { nodes: { hostId: string }[] }).nodes.map(({ hostId }) => hostId)
  const [before, restarted, exchanged] = [idsOf(results[0]), idsOf(results[3]), idsOf(results[5])]
  expect(restarted).toEqual(before)
  expect(exchanged[0]).not.toBe(before[0])
  expect(exchanged[1]).toBe(before[1])
})

describe('a pair that is there in part', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = await new Bench().up()
    await bench.openBoth()
  })
  afterEach(() => bench.down())

  test('hostid: a node that is silent, and one without a card, are told, and the exit code is 1', async () => {
    bench.a.hostId = { hostId: null, cards: [] }
    await bench.b.stop()
    const { exitCode, out } = await bench.cui(['hostid'])
    expect(exitCode).toBe(1)
    expect(out).toContain('! RMHW131 has no network card, and so no host id\n')
    expect(out).toContain('! 192.168.150.152:7330 cannot be reached')
    expect((await bench.cui(['hostid', '--node', 'XX'])).exitCode).toBe(3)
  })
})

// ── a pair whose distributor asks for licences ────────────────────────────

/** The pair's configuration, with the distributor's file beside it. */
describe('license', () => {
  let esk: Licensing
  let file: string
  let ids: string[]
  beforeAll(async () => {
    esk = await newLicensor()
    file = path.join(esk.folder, 'pair.yaml')
    fs.copyFileSync(PAIR_FILE, file)
    ids = idsIn((await linesOf(['hostid'], file)).results[0])
  })
  afterAll(() => esk.remove())

  const idsIn = (result: unknown): string[] => (result as { nodes: { hostId: string }[] }).nodes.map(({ hostId }) => hostId)
  const wordsIn = (result: unknown): string[] => (result as { nodes: { word: string }[] }).nodes.map(({ word }) => word)
  const sign = (node: 0 | 1, expires: string): Promise<string> => esk.sign(ids[node] as string, expires)
  /** Of each allstate: where the job is, and how. */
  const servedIn = (results: Result[]): object[] =>
    results
      .filter((result) => 'hosts' in result)
      .map(({ jobs }) => (jobs as { state: string; activite: string }[])[0])
      .map((job) => ({ state: job?.state, activite: job?.activite }))
  const problemsIn = (result: Result | undefined): string => JSON.stringify(result?.['problems'])

  test('where nobody asks for one, all is as ever, and there is nothing to install', async () => {
    const { results } = await linesOf(['license show', 'allstate'])
    expect(results[0]).toMatchObject({ nodes: [{ word: 'Valid', licensor: null, required: false }, { word: 'Valid' }], problems: [] })
    expect(results[1]).toMatchObject({ hosts: [{ licState: 'Valid', licenseState: 'Valid', expires: null }, {}] })
    expect((await cuiSim(['license', 'show'])).out).toContain('RMHW131 and RMHW132: nobody asks for a licence; mirrorpair is free.\n')
    expect((await linesOf([`license install ${await sign(0, 'never')}`])).error).toMatchObject({ code: 'E_LICENSE_FREE' })
  })

  test('missing: bringing in and changes of the configuration are refused, with what to do; looking is not', async () => {
    const shown = await cuiSim(['license', 'show'], [], file)
    expect(shown.exitCode).toBe(1)
    expect(shown.out).toMatch(/^RMHW131 +Missing +- +\w{20} +-$/m)
    for (const line of ['bringin DB_Group', 'bringin DB_Group --dry-run', 'mode DB_Group guide', 'mode DB_Group guide --dry-run', 'link remove link-0'])
      expect([line, (await linesOf([line], file)).error?.code]).toEqual([line, 'E_LICENSE_REQUIRED'])
    const { error, results } = await linesOf(
      ['allstate', 'hostid', 'log', 'config show', 'why DB_Group', 'jobstate DB_Group', 'login RMHW131 --account a --password-file /dev/null'],
      file
    )
    expect(error).toBeNull()
    expect(results.at(-1)).toMatchObject({ licenseState: 'Missing', licenseWhy: expect.stringContaining('ESK Solution') })
  })

  test('a file finds the node it is for; with both, the job comes into service', async () => {
    const [one, two] = [await sign(1, inDays(400)), await sign(0, inDays(400))]
    const { error, results } = await linesOf(
      [`license install ${one} --dry-run`, 'license show', `license install ${one}`, `license install ${two}`, 'license show', ...ONLINE],
      file
    )
    expect(error).toBeNull()
    expect(results[0]).toMatchObject({ node: 'RMHW132', dryRun: true, before: { word: 'Missing' }, after: { word: 'Valid' } })
    expect(wordsIn(results[1])).toEqual(['Missing', 'Missing'])
    expect(results[2]).toMatchObject({ command: 'license install', node: 'RMHW132', dryRun: false, after: { word: 'Valid', expires: inDays(400) } })
    expect(wordsIn(results[4])).toEqual(['Valid', 'Valid'])
  })

  test('on one node alone: a configuration is of both, so a change is refused wherever it is typed, and changes nothing', async () => {
    const only = [`license install ${await sign(0, 'never')}`]
    for (const lines of [['mode DB_Group guide'], ['mode DB_Group guide --dry-run'], ['link remove link-0'], ['use RMHW132', 'link remove link-0']]) {
      const { error } = await linesOf([...only, ...lines], file)
      expect([lines, error?.code, error?.message]).toEqual([
        lines,
        'E_LICENSE_REQUIRED',
        expect.stringContaining('is refused on RMHW132 while its licence is Missing')
      ])
    }
    expect((await linesOf([...only, ...ONLINE], file)).error).toBeNull()
  })

  test('what it is refused for, and a wrong line', async () => {
    const good = await sign(0, 'never')
    const cases: [string, string, number][] = [
      [`license install ${await esk.sign('G2MJ4RBZ592MSFY29TWZ')}`, 'E_LICENSE_NO_NODE', 5],
      [`license install ${good} RMHW132`, 'E_LICENSE_HOST', 5],
      [`license install ${await sign(0, inDays(-2))}`, 'E_LICENSE_EXPIRED', 5],
      [`license install ${file} RMHW131`, 'E_LICENSE_FILE', 5],
      [`license install ${file}.none`, 'E_SHELL_FILE', 1],
      ['license install /dev/zero', 'E_SHELL_FILE', 1],
      [`license install ${good} XX`, 'E_NODE_NOT_OPEN', 3],
      ['license install', 'E_USAGE', 2],
      ['license remove', 'E_USAGE', 2],
      ['license frobnicate', 'E_USAGE', 2]
    ]
    for (const [line, code, exitCode] of cases) {
      const ran = await linesOf([line], file)
      expect([line, ran.error?.code, ran.exitCode]).toEqual([line, code, exitCode])
    }
  })

  test('it ends while the job serves: the log and allstate say it from 30 days before; the service and the failover go on', async () => {
    const lines = [`license install ${await sign(0, inDays(31))}`, `license install ${await sign(1, inDays(400))}`, ...ONLINE]
    const tick = 'sim advance 2s'
    const before = [...lines, 'allstate', `sim date ${inDays(3)}`, tick, 'allstate']
    const over = [...before, `sim date ${inDays(32)}`, tick, 'allstate', 'license show']
    const died = [...over, 'sim break-app DB_Group POSTGRES', 'sim advance 3m', 'allstate', 'sim heal', 'clearerr DB_Group RMHW131', 'switch DB_Group']
    const { results, error } = await linesOf(died, file)
    expect(error).toBeNull()
    expect(problemsIn(results[lines.length])).not.toContain('licence')
    expect(problemsIn(results[before.length - 1])).toMatch(/the licence of RMHW131 ends on [-\d]+, in 2\d days/)
    expect(problemsIn(results[over.length - 2])).toContain('the licence of RMHW131 is Expired')
    expect(results[over.length - 2]).toMatchObject({ hosts: [{ licState: `Expired ${inDays(31)}` }, {}], jobs: [{ state: 'online', activite: 'RMHW131' }] })
    expect(servedIn(results).at(-1)).toEqual({ state: 'online', activite: 'RMHW132' })
  })

  test('an application dies, a node dies: with no valid licence anywhere it is restarted and taken over as ever', async () => {
    const lines = [
      `license install ${await sign(0, 'never')}`,
      `license install ${await sign(1, 'never')}`,
      ...ONLINE,
      'license remove RMHW131',
      'license remove RMHW132'
    ]
    const faults = [
      'sim fail-app DB_Group AGENT',
      'sim advance 1m',
      'allstate',
      'sim kill RMHW131',
      'sim advance 1m',
      'allstate',
      'sim start RMHW131',
      'sim advance 30s',
      'wait DB_Group synchronized',
      'switch DB_Group',
      'allstate'
    ]
    const { results, error } = await linesOf([...lines, ...faults], file)
    expect(error).toBeNull()
    expect(servedIn(results)).toEqual(['RMHW131', 'RMHW132', 'RMHW131'].map((activite) => ({ state: 'online', activite })))
    const brought = await linesOf([...lines, 'bringout DB_Group', 'bringin DB_Group'], file)
    expect(brought.error).toMatchObject({ code: 'E_LICENSE_REQUIRED' })
  })

  test('a card is exchanged: the licence is not for this machine any more, and a new one is installed while it serves', async () => {
    const lines = [`license install ${await sign(0, 'never')}`, ...ONLINE, 'sim exchange RMHW131', 'sim advance 1m', 'license show', 'hostid']
    const { results } = await linesOf(lines, file)
    expect(results[lines.length - 2]).toMatchObject({ nodes: [{ word: 'WrongHost', why: expect.stringContaining('it is for host id') }, {}] })
    const next = await esk.sign(idsIn(results.at(-1))[0] as string)
    const renewed = await linesOf([...lines, `license install ${next}`, 'allstate'], file)
    expect(renewed.error).toBeNull()
    expect(renewed.results.at(-1)).toMatchObject({ hosts: [{ licenseState: 'Valid' }, {}], jobs: [{ state: 'online', activite: 'RMHW131' }] })
  })
})
