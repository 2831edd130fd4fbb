import { cuiSim, ONLINE } from './simulation'
import type { CheckView, DecisionView, Question, WhyAnswer } from '../../src/wire'
import { Bench } from './harness'
import { NODES, type Node } from './views'

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
  for (const agent of [bench.a, bench.b]) agent.why = whyOf(agent.node)
})
afterEach(() => bench.down())

const check = (name: string, observer: string, why: string | null = null, ageMs: number | null = 0): CheckView => ({
  check: name,
  met: why === null,
  value: why === null ? 'yes' : 'no',
  why,
  observer,
  ageMs
})

const decision = (question: Question, node: Node, ...checks: CheckView[]): DecisionView => ({
  question,
  node,
  yes: checks.every(({ met }) => met),
  checks,
  ...(question === 'failover' ? { trigger: [check('owner gone', node, 'RMHW132 hears RMHW131')] } : {})
})

const ofOwner = (): DecisionView[] => [
  decision('serve', 'RMHW131', check('copy here', 'RMHW131')),
  decision('switch', 'RMHW131', check('online here', 'RMHW131'))
]
const ofStandby = (why: string | null = null): DecisionView[] => [
  decision('failover', 'RMHW132', check('recorded in sync', 'RMHW132', why)),
  decision('accept', 'RMHW132', check('not busy', 'RMHW132', null, 1_200))
]

const whyOf = (node: Node, change: Partial<WhyAnswer> = {}): WhyAnswer => ({
  job: 'DB_Group',
  node,
  owner: 'RMHW131',
  decisions: node === NODES[0] ? [...ofOwner(), ...ofStandby()] : [...ofStandby(), ...ofOwner()],
  unheard: null,
  ...change
})

const NOT_IN_SYNC = 'the copy on RMHW132 is not in sync: RMHW131 acknowledged writes without it'

const notInSync = (): void => {
  for (const agent of [bench.a, bench.b]) agent.why = whyOf(agent.node, { decisions: [...ofOwner(), ...ofStandby(NOT_IN_SYNC)] })
}

/** Each node speaks for itself only. */
const standbyIsAway = async (): Promise<void> => {
  await bench.b.stop()
  bench.a.why = whyOf('RMHW131', { decisions: ofOwner(), unheard: 'RMHW132 cannot be reached from RMHW131' })
}

test('why shows each condition, who saw it and how long ago, and no line is wider than a terminal', async () => {
  const { exitCode, out } = await bench.cui(['why', 'DB_Group'])
  expect(exitCode).toBe(0)
  expect(out.split('\n')).toEqual(
    expect.arrayContaining([
      'May RMHW131 serve DB_Group? Yes.',
      'Would RMHW132 take over by itself if RMHW131 were lost now? Yes.',
      'It has no cause to now: RMHW132 hears RMHW131.',
      'Would switch DB_Group be accepted now? Yes.',
      'Condition             Met    Seen              By       Age',
      'not busy              ok     yes               RMHW132  2s'
    ])
  )
  expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
})

test('nodes that both call themselves the owner are heard, and it is said that both serve', async () => {
  Object.assign(bench.b.status.self.jobs.DB_Group ?? {}, { phase: 'online' })
  Object.assign(bench.b.status.self.jobs.DB_Group?.record ?? {}, { owner: 'RMHW132', roleSequence: 1 })
  Object.assign(bench.a.status.self.jobs.DB_Group?.record ?? {}, { roleSequence: 12 })
  for (const agent of [bench.a, bench.b]) agent.status = { ...agent.status, peerAlive: 'lost' }
  bench.a.why = whyOf('RMHW131', { decisions: ofOwner(), unheard: 'RMHW132 cannot be reached from RMHW131' })
  bench.b.why = whyOf('RMHW132', { owner: 'RMHW132', decisions: [decision('serve', 'RMHW132'), decision('switch', 'RMHW132')] })
  const { exitCode, out } = await bench.cui(['why', 'DB_Group'])
  expect(exitCode).toBe(1)
  expect(out).toContain('! RMHW132, which decides it, was heard, and does not say that RMHW131 owns it')
  expect(out).toMatch(/! The nodes disagree about DB_Group: .*RMHW132 says that RMHW132 owns it \(role sequence 1\)\. Both serve it now\./)
})

test('a condition that is not met is said in words, and the exit code tells', async () => {
  notInSync()
  const { exitCode, out } = await bench.cui(['why', 'DB_Group'])
  expect(exitCode).toBe(1)
  expect(out).toContain('Would RMHW132 take over by itself if RMHW131 were lost now? No.\n')
  expect(out).toContain(`! ${NOT_IN_SYNC}\n`)
  const json = JSON.parse((await bench.cui(['why', 'DB_Group', '--json'])).out)
  expect(json).toMatchObject({ job: 'DB_Group', owner: 'RMHW131', standby: 'RMHW132', failover: { answer: false }, switch: { answer: true }, unheard: [] })
})

test('ready is for runbooks: 0, or 5 with the reason and the command that shows more', async () => {
  const ready = await bench.cui(['ready', 'DB_Group'])
  const promise = 'RMHW132 would take over by itself if RMHW131 were lost now, and switch DB_Group would be accepted'
  expect(ready).toEqual({ exitCode: 0, out: `DB_Group is ready: ${promise}\n`, err: '' })
  notInSync()
  const not = await bench.cui(['ready', 'DB_Group'])
  expect(not).toEqual({ exitCode: 5, out: '', err: `DB_Group is not ready: RMHW132 would not take over by itself: ${NOT_IN_SYNC}.\nTry: why DB_Group\n` })
  expect((await bench.cui(['ready', 'DB_Group', 'switch'])).exitCode).toBe(0)
  const stopped = await bench.cui([], 'ready DB_Group\nswitch DB_Group\n')
  expect(stopped.exitCode).toBe(5)
  expect(bench.a.heard.map(({ line }) => line)).not.toContain('POST /v1/jobs/DB_Group/switch')
})

test('a standby that nobody hears: it cannot be told, which is not ready', async () => {
  await standbyIsAway()
  const { exitCode, err } = await bench.cui(['ready', 'DB_Group', 'failover'])
  expect(exitCode).toBe(5)
  expect(err).toContain('it cannot be told whether it is: RMHW132, which decides it, was not heard.')
  expect((await bench.cui(['why', 'DB_Group'])).out).toContain('It cannot be told.')
})

test('the other node speaks through the one that is open', async () => {
  await bench.cui(['logout', 'RMHW132'])
  expect((await bench.cui(['ready', 'DB_Group'])).exitCode).toBe(0)
})

test('without a connection the mirror is said to stand, as the property view says it', async () => {
  for (const agent of [bench.a, bench.b]) Object.assign(agent.status.self.jobs['DB_Group']?.data ?? {}, { connected: false })
  expect((await bench.cui(['status', 'query', 'DB_Group', 'is-synchronized'])).out).toMatch(/^DB_Group is-synchronized: no \(.*mirror Stop.*connection Stop/)
})

test('status query: 0 true, 2 false, 1 cannot tell, also for what is typed wrong', async () => {
  const ask = async (...argv: string[]) => (await bench.cui(['status', 'query', ...argv])).exitCode
  expect(await ask('DB_Group', 'is-online')).toBe(0)
  expect(await ask('DB_Group', 'is-synchronized')).toBe(0)
  expect(await ask('DB_Group', 'is-protected')).toBe(0)
  expect(await ask('DB_Group', 'is-onlin')).toBe(1)
  expect(await ask('NoSuchJob', 'is-online')).toBe(1)
  expect((await bench.cui(['status', 'DB_Group'])).exitCode).toBe(1)
  notInSync()
  expect(await bench.cui(['status', 'query', 'DB_Group', 'is-protected'])).toEqual({
    exitCode: 2,
    out: `DB_Group is-protected: no (${NOT_IN_SYNC})\n`,
    err: ''
  })
  for (const agent of [bench.a, bench.b]) Object.assign(agent.status.self.jobs['DB_Group'] ?? {}, { state: 'offline', phase: 'offline' })
  expect(await ask('DB_Group', 'is-online')).toBe(2)
  expect(JSON.parse((await bench.cui(['status', 'query', 'DB_Group', 'is-online', '--json'])).out)).toMatchObject({ query: 'is-online', answer: false })
})

test('status query: old news and two owners are no answer', async () => {
  await standbyIsAway()
  expect((await bench.cui(['status', 'query', 'DB_Group', 'is-protected'])).exitCode).toBe(1)
  expect((await bench.cui(['status', 'query', 'DB_Group', 'is-online'])).exitCode).toBe(0)
  await bench.a.stop()
  expect((await bench.cui(['status', 'query', 'DB_Group', 'is-online'])).exitCode).toBe(1)
  await bench.b.start()
  Object.assign(bench.b.status.self.jobs['DB_Group']?.record ?? {}, { owner: 'RMHW132', roleSequence: 4 })
  await bench.a.start()
  const { exitCode, out } = await bench.cui(['status', 'query', 'DB_Group', 'is-online'])
  expect({ exitCode, out }).toEqual({ exitCode: 1, out: 'DB_Group is-online: cannot tell (the nodes disagree about the owner)\n' })
})

test('times are told in seconds, in the refusal too', async () => {
  const { out } = await cuiSim([], [...ONLINE, 'why DB_Group'])
  expect(out).toMatch(/^quorum +ok +a lease for \d+\.\d s +RMHW131/m)
  expect(out).not.toMatch(/\d ms\b/)
})
