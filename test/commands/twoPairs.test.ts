import { Bench } from './harness'
import { statusOf } from './views'

/** Nodes of two pairs are open, and each pair has a DB_Group: RMHW131 owns that of seoul-db, RMHW132 that of busan-db. */
let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
  const seoul = statusOf('RMHW131')
  bench.a.status = { ...seoul, peerNode: 'RMHW139', peer: null }
  const busan = statusOf('RMHW131')
  const job = busan.self.jobs['DB_Group']!
  const self = { ...busan.self, node: 'RMHW132', jobs: { DB_Group: { ...job, record: { ...job.record, owner: 'RMHW132' } } } }
  bench.b.status = { ...busan, cluster: 'busan-db', node: 'RMHW132', peerNode: 'RMHW138', self, peer: null }
})
afterEach(() => bench.down())

const sent = (agent: Bench['a']) => agent.heard.filter(({ line }) => line.startsWith('POST /v1/jobs/')).map(({ line }) => line.split('/').at(-1))

test.each(['switch DB_Group', 'bringout DB_Group', 'wait DB_Group online', 'status query DB_Group is-online'])(
  '%s: which of the two is meant is asked for, not guessed',
  async (line) => {
    const ran = await bench.cui(line.split(' '))
    expect(ran.err).toContain('DB_Group is a job of each of these: seoul-db (RMHW131, RMHW139); busan-db (RMHW132, RMHW138).')
    expect(ran.exitCode).toBe(line.startsWith('status') ? 1 : 2)
    expect([...sent(bench.a), ...sent(bench.b)]).toEqual([])
  }
)

test('a mirror of the one pair is followed to its own end, not to that of the other', async () => {
  const mirror = { state: 'Mirror', percent: 10, leftBytes: 900, leftMs: 9_000 } as const
  bench.b.status.self.jobs['DB_Group']!.data!.mirror = mirror
  const ran = await bench.cui('mirror DB_Group start --node RMHW132 --timeout 10s'.split(' '))
  expect([sent(bench.a), sent(bench.b)]).toEqual([[], ['mirror']])
  expect(ran).toMatchObject({ exitCode: 6, err: expect.stringContaining('Mirror, 900 bytes left') })
}, 60_000)
