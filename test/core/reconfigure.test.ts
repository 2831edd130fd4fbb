import { configDifferences, type Config, type JobConfig, type JobMode, type Safety } from '../../src/model'
import { A, B, DATA, JOB, jobConfig, pairConfig, quorumConfig } from '../fakes/pairConfig'
import { dataStatus, type Desk, owner, peerView, record, standby } from './desk'

const withJob = (change: Partial<JobConfig>): Config => pairConfig(jobConfig(change))
const moved = (address: string, name = 'IP-DB_Group') => ({ ...jobConfig().vips[0]!, name, address })
const change = (desk: Desk, config: Config, version = 2) => desk.tell({ kind: 'configChanged', config, configHash: `hash ${version}`, version })
const hold = (desk: Desk, next: Config) => {
  desk.tell({ kind: 'configHeld', request: 1, next, dryRun: false })
  const reply = desk.actions.find((action) => action.do === 'reply')
  return reply?.do === 'reply' && !reply.outcome.ok ? reply.outcome.error.message : null
}
const vipOrders = (desk: Desk) =>
  desk.actions.flatMap((action) => (action.do === 'order' && 'vip' in action.order ? [`${action.order.do} ${action.order.vip.address}`] : []))
const links = (change: Partial<Config['links'][number]>): Config => {
  const config = pairConfig()
  return { ...config, links: config.links.map((link) => (link.name === 'service' ? { ...link, ...change } : link)) }
}

describe('what a change needs', () => {
  const needs = (next: Config) => configDifferences(pairConfig(), next).map(({ where, needs: what }) => `${where}: ${what}`)

  test.each([
    [
      'an address of a link',
      links({ addresses: { [A]: '10.1.0.1', [B]: '10.1.0.2' } }),
      [`links service addresses ${A}: nothing`, `links service addresses ${B}: nothing`]
    ],
    ['a virtual address', withJob({ vips: [moved('192.168.150.140')] }), [`jobs ${JOB} vips IP-DB_Group address: nothing`]],
    ['a limit of the data', withJob({ data: { ...DATA, partnerTimeoutMs: 20_000 } }), [`jobs ${JOB} data partnerTimeoutMs: nothing`]],
    ['a folder', withJob({ data: { ...DATA, folders: [{ path: '/srv/other', exclude: [] }] } }), [`jobs ${JOB} data folders: stopped`]],
    ['a mode', withJob({ mode: 'high-performance' }), [`jobs ${JOB} mode: nothing`]],
    ['the name of the cluster', { ...pairConfig(), cluster: 'busan' }, ['cluster: agents stopped']],
    ['a port of the agents', { ...pairConfig(), api: { ...pairConfig().api, port: 7331 } }, ['api port: agents stopped']],
    ['the order of the links', { ...pairConfig(), links: [...pairConfig().links].reverse() }, ['links order: nothing']]
  ])('%s', (_what, next, expected) => expect(needs(next)).toEqual(expected))

  // What a job on a pair does then: test/commands/sim.test.ts.
  const SAFETY = { where: `jobs ${JOB} data safety`, needs: 'nothing', job: JOB }
  test.each<[string, JobMode, Safety, JobMode, Safety, object]>([
    ['a mode with a safety of its own: it follows', 'guide', 'off', 'high-availability', 'full', SAFETY],
    ['the guide leaves it open: it is one to begin with', 'high-availability', 'full', 'guide', 'off', { ...SAFETY, begins: true }],
    ['another one to begin with', 'guide', 'off', 'guide', 'full', { ...SAFETY, begins: true }]
  ])('%s', (_what, mode, safety, nextMode, nextSafety, expected) => {
    const of = (is: JobMode, its: Safety): Config => pairConfig(jobConfig({ mode: is, data: { ...DATA, safety: its } }))
    const [found] = configDifferences(of(mode, safety), of(nextMode, nextSafety)).filter(({ where }) => where.endsWith('safety'))
    expect(found).toEqual({ ...expected, before: JSON.stringify(safety), after: JSON.stringify(nextSafety) })
  })

  test('nothing differs from itself', () => expect(needs(pairConfig())).toEqual([]))
})

test('a virtual address moves under a running job: the old one goes, the new one comes, the applications are not touched', () => {
  const desk = owner()
  change(desk, withJob({ vips: [moved('192.168.150.140')] }))
  expect(vipOrders(desk)).toEqual(['drop 192.168.150.130'])
  desk.end('drop')
  expect(vipOrders(desk)).toEqual(['raise 192.168.150.140'])
  desk.end('raise')
  expect(desk.job).toMatchObject({
    phase: 'online',
    vips: { 'IP-DB_Group': 'up' },
    applications: { POSTGRES: 'online', AGENT: 'online' },
    stale: { vips: [], data: null }
  })
  expect(desk.job.restarts).toEqual([])
})

test('one more and one less: each is seen to, and the one that is gone is forgotten', () => {
  const desk = owner(withJob({ vips: [moved('192.168.150.130'), moved('192.168.150.131', 'old')] }))
  change(desk, withJob({ vips: [moved('192.168.150.130'), moved('192.168.150.132', 'new')] }))
  desk.endAll()
  expect(desk.job.vips).toEqual({ 'IP-DB_Group': 'up', new: 'up' })
})

test('links change: the data program is told, and nothing else happens, on the owner as on the standby', () => {
  for (const desk of [owner(), standby().dataSays({ role: 'target' })]) {
    change(desk, links({ addresses: { [A]: '192.168.150.141', [B]: '192.168.150.142' } }))
    expect(desk.orders).toEqual(['reconfigure'])
    desk.end('reconfigure')
    expect(desk.job.plan).toBeNull()
  }
})

test('a data program that cannot take it on goes on with what it has, and the job says so', () => {
  const desk = owner()
  change(desk, links({ data: true }))
  desk.end('reconfigure', 'it is of an older version')
  expect(desk.job.phase).toBe('online')
  expect(desk.job.note).toContain('it is of an older version')
})

test('what needs the job offline is refused while it serves, and while it is being brought out', () => {
  const desk = owner()
  const next = withJob({ applications: [] })
  expect(hold(desk, next)).toContain(`needs ${JOB} detached or brought out, and it is online on ${A}`)
  desk.command('bringout')
  expect(hold(desk, next)).toContain('bringout')
  desk.endAll()
  expect(hold(desk, next)).toBeNull()
})

test('the standby says of a job that serves elsewhere where that is', () => {
  const desk = standby().peerSays(peerView(A, {}, { phase: 'online', state: 'online' }))
  expect(hold(desk, withJob({ applications: [] }))).toContain(`needs ${JOB} detached or brought out, and it is online on ${A}`)
})

test('a job that is held for a change is not brought in before it is decided', () => {
  const desk = owner()
  desk.command('bringout')
  desk.endAll()
  hold(desk, withJob({ data: { ...DATA, folders: [{ path: '/srv/other', exclude: [] }] } }))
  expect(desk.command('bringin')).toMatchObject({ is: 'refused', error: { code: 'E_CONFIG_PENDING' } })
  desk.tell({ kind: 'configReleased' })
  expect(desk.command('bringin')).toMatchObject({ is: 'accepted' })
})

test('another folder while it is brought out: the data program of the standby takes it up at once, and what is in the new one on the standby is not known', () => {
  const desk = standby({ desired: 'offline' }).dataSays({ role: 'target' })
  change(desk, withJob({ data: { ...DATA, folders: [{ path: '/srv/other', exclude: [] }] } }))
  expect(desk.actions[0]).toMatchObject({ do: 'persist', records: { [JOB]: { copyComplete: false } } })
  expect(desk.orders).toEqual(['rebuild'])
  desk.end('rebuild', null, dataStatus({ role: 'target', roleSequence: 1 }))
  expect(desk.job).toMatchObject({ dataRole: 'target', stale: { anew: false }, plan: null })
})

test('a job more begins offline on both, owned by the first node; a job less is forgotten', () => {
  const desk = owner()
  const more = { ...pairConfig(), jobs: { ...pairConfig().jobs, Web: { ...jobConfig(), name: 'Web', vips: [], data: null } } }
  change(desk, more)
  expect(desk.actions[0]).toMatchObject({ do: 'persist', records: { Web: { owner: A, desired: 'offline', roleSequence: 1 } } })
  change(desk, pairConfig(), 3)
  expect(Object.keys(desk.state.jobs)).toEqual([JOB])
  expect(desk.actions).toContainEqual({ do: 'forget', job: 'Web' })
})

test('another job of the name of one that has gone begins anew, whatever the other node still says of the first one', () => {
  const web: JobConfig = { ...jobConfig(), name: 'Web', vips: [] }
  const withWeb = { ...pairConfig(), jobs: { ...pairConfig().jobs, Web: web } }
  const desk = owner(withWeb)
  const said = (configVersion: number, roleSequence: number) => {
    const view = peerView(B, {}, { config: withWeb })
    const job = { ...view.jobs[JOB]!, record: record({ job: 'Web', owner: B, roleSequence }) }
    return { ...view, configVersion, configAgreed: true, jobs: { ...view.jobs, Web: job } }
  }
  const now = () => desk.state.jobs['Web']?.record
  desk.peerSays(said(1, 7))
  expect(now()).toMatchObject({ owner: B, roleSequence: 7 })
  change(desk, pairConfig())
  change(desk, withWeb, 3)
  expect(now()).toMatchObject({ owner: A, roleSequence: 1, needToVerify: 'No' })
  // It was on its way since before.
  desk.peerSays(said(1, 7))
  expect(now()).toMatchObject({ owner: A, roleSequence: 1 })
  desk.peerSays(said(3, 2))
  expect(now()).toMatchObject({ owner: B, roleSequence: 2 })
})

test('a new job is owned by the node that its part of the configuration names', () => {
  const desk = owner()
  const web = { ...jobConfig(), name: 'Web', vips: [], firstOwner: B }
  change(desk, { ...pairConfig(), jobs: { ...pairConfig().jobs, Web: web } })
  expect(desk.actions[0]).toMatchObject({ do: 'persist', records: { Web: { owner: B, copyComplete: false } } })
})

test('what is kept of a job that has gone is not kept any longer than the next start', () => {
  const desk = owner()
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record(), Web: { ...record(), job: 'Web' } } })
  const persist = desk.actions.find((action) => action.do === 'persist')
  expect(persist?.do === 'persist' && Object.keys(persist.records)).toEqual([JOB])
})

test('a node with an old configuration begins nothing by it, and takes nothing over', () => {
  const newer = { ...peerView(A, {}, { configHash: 'newer', phase: 'online' }), configVersion: 9, configAgreed: true }
  const desk = standby().peerSays(newer)
  desk.hear({ peerAlive: false, up: false } as never)
  expect(desk.orders).toEqual([])
  expect(desk.job.note).toContain('its configuration has version 1, that of RMHW131 version 9')
})

test('a virtual address that was being raised when the change came is not left behind', () => {
  const desk = owner()
  desk.command('bringout')
  desk.endAll()
  desk.command('bringin')
  desk.end('source')
  expect(vipOrders(desk)).toEqual(['raise 192.168.150.130'])
  change(desk, withJob({ vips: [moved('192.168.150.140')] }))
  const dropped: string[] = []
  for (let i = 0; i < 12 && desk.job.plan; i++) {
    desk.end(desk.job.plan.pending[0]!.order.do)
    dropped.push(...vipOrders(desk))
  }
  expect(dropped).toEqual(['drop 192.168.150.130', 'raise 192.168.150.140'])
  expect(desk.job).toMatchObject({ phase: 'online', vips: { 'IP-DB_Group': 'up' } })
})

test('an engine that restarts in the middle of a change drops what the configuration before had raised', () => {
  const desk = owner(withJob({ vips: [moved('192.168.150.140')], data: null }))
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record() }, before: withJob({ data: null }) })
  desk.end('observe', null, { held: ['IP-DB_Group'], running: ['POSTGRES', 'AGENT'], data: null })
  expect(vipOrders(desk)).toEqual(['drop 192.168.150.130'])
})

describe('with quorum', () => {
  const other = (): Config => ({ ...quorumConfig(), witness: { ...quorumConfig().witness!, address: '192.168.150.154' } })

  test('the vote of a new witness counts when the other node, too, asks it', () => {
    const desk = standby({ safety: 'full' }, quorumConfig())
    change(desk, other())
    const asks = () => desk.tell({ kind: 'ticked', heartbeat: null }, 10_000).flatMap((action) => (action.do === 'sendVote' ? [action.to] : []))
    expect(asks()).toEqual(['peer'])
    desk.peerSays({ ...peerView(A, { safety: 'full' }, { config: other(), configHash: 'hash 2' }), configVersion: 2, configAgreed: true })
    expect(asks()).toEqual(['peer', 'witness'])
  })

  test('a configuration that the other node has not seen is nothing to vote by', () => {
    const desk = standby({ safety: 'full' }, quorumConfig())
    desk.state = { ...desk.state, configAgreed: false }
    expect(desk.tell({ kind: 'ticked', heartbeat: null }, 10_000).filter((action) => action.do === 'sendVote')).toEqual([])
  })
})
