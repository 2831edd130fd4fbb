import { cuiSim, linesOf } from './simulation'
import { Bench } from './harness'

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
