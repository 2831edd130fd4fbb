import type { JobView, QuorumView, WitnessWord } from '../../src/wire'
import type { FakeAgent } from './fakeAgent'
import { Bench } from './harness'
import { TAKE_TIME_MS } from './views'

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
  for (const agent of [bench.a, bench.b]) {
    Object.assign(jobOf(agent).data?.session ?? {}, { safety: 'full', state: 'SYNCHRONIZED' })
    Object.assign(jobOf(agent), { mode: 'high-availability', jeopardy: [], quorum: quorum(agent === bench.a ? 7_940 : null, 'CONNECTED') })
  }
})
afterEach(() => bench.down())

const jobOf = (agent: FakeAgent): JobView => {
  const view = agent.status.self.jobs['DB_Group']
  if (view === undefined) throw new Error('no job')
  return view
}

const BALLOT = { roleSequence: 3, owner: 'RMHW131', mirrorInSync: true, syncSequence: 6, configVersion: 2, safetySequence: 4 }
const quorum = (leaseLeftMs: number | null, witness: WitnessWord): QuorumView => ({
  leaseLeftMs,
  witness,
  witnessAddress: '192.168.150.153',
  witnessHolds: { ballot: BALLOT, leasedTo: 'RMHW131', ageMs: 400 }
})

const rowsOf = (out: string, from: string, to: string): string[] => {
  const lines = out.split('\n')
  return lines.slice(
    lines.findIndex((line) => line.startsWith(from)),
    lines.findIndex((line) => line.startsWith(to))
  )
}

test('the property view says by whose leave the owner serves, and how each partner sees the witness', async () => {
  const { exitCode, out } = await bench.cui(['jobstate', 'DB_Group'])
  expect(exitCode).toBe(0)
  expect(rowsOf(out, 'Operating Mode', 'Safety ')).toEqual([
    'Operating Mode            high-availability',
    'Quorum                    Yes (for 7.9 s if nobody answers)',
    'Witness (RMHW131)         CONNECTED',
    'Witness (RMHW132)         CONNECTED',
    'Jeopardy                  No'
  ])
})

test('jeopardy says since when, and every cause once, whoever of the two sees it', async () => {
  const lost = { cause: 'noWitness' as const, text: 'the witness is DISCONNECTED as RMHW132 sees it', sinceMs: TAKE_TIME_MS - 5_000 }
  const link = { cause: 'oneLink' as const, text: 'one heartbeat link is left: link-0', sinceMs: TAKE_TIME_MS - 65_000 }
  Object.assign(jobOf(bench.a), { jeopardy: [link] })
  Object.assign(jobOf(bench.b), { jeopardy: [{ ...link, sinceMs: TAKE_TIME_MS - 64_000 }, lost], quorum: quorum(null, 'DISCONNECTED') })
  const { out } = await bench.cui(['jobstate', 'DB_Group'])
  expect(rowsOf(out, 'Witness (RMHW132)', 'Safety ')).toEqual([
    'Witness (RMHW132)         DISCONNECTED',
    'Jeopardy                  Yes, 1m 5s (since 2019-10-30 11:46:27)',
    '                          one heartbeat link is left: link-0',
    '                          the witness is DISCONNECTED as RMHW132 sees it'
  ])
  const { observers, mode } = JSON.parse((await bench.cui(['jobstate', 'DB_Group', '--json'])).out)
  expect(mode).toBe('high-availability')
  expect(observers).toMatchObject([
    { node: 'RMHW131', quorum: { leaseLeftMs: 7_940, witness: 'CONNECTED' }, jeopardy: [link] },
    { node: 'RMHW132', quorum: { leaseLeftMs: null, witness: 'DISCONNECTED' }, jeopardy: [{ cause: 'oneLink' }, lost] }
  ])
  const { jobs } = JSON.parse((await bench.cui(['allstate', '--json'])).out)
  expect(jobs).toMatchObject([{ job: 'DB_Group', mode: 'high-availability', quorum: { witness: 'CONNECTED' }, jeopardy: [link], exposedSinceMs: null }])
})

test('what a partner said before it was lost is no cause any more', async () => {
  Object.assign(jobOf(bench.b), { jeopardy: [{ cause: 'noWitness', text: 'the witness is DISCONNECTED as RMHW132 sees it', sinceMs: 0 }] })
  const view = structuredClone(bench.b.status.self)
  await bench.b.stop()
  bench.a.status = { ...bench.a.status, peerAlive: 'lost', peer: { view, ageMs: 12_000 } }
  expect((await bench.cui(['jobstate', 'DB_Group'])).out).toContain('Jeopardy                  No\n')
})

test('an owner without a lease says so', async () => {
  Object.assign(jobOf(bench.a), { quorum: quorum(null, 'DISCONNECTED') })
  expect((await bench.cui(['jobstate', 'DB_Group'])).out).toContain('Quorum                    No\n')
})

test('tables 3 and 4: mirror status shows what principal, mirror and witness hold, in the words of the catalogue views', async () => {
  const blank = { ...quorum(null, 'UNKNOWN'), witnessHolds: { ballot: null, leasedTo: '', ageMs: 12_000 } }
  Object.assign(jobOf(bench.b), { quorum: blank })
  const { out } = await bench.cui(['mirror', 'DB_Group', 'status'])
  expect(out).toContain('mirroring_witness_name        192.168.150.153         192.168.150.153\n')
  expect(out).toContain('mirroring_witness_state_desc  CONNECTED               UNKNOWN\n')
  const table = out.slice(out.indexOf('Witness ')).split('\n')
  expect(table.filter((line) => !line.startsWith('---') && line !== '').map((line) => line.split(/ {2,}/))).toEqual([
    ['Witness', 'DB_Group', 'DB_Group'],
    ['witness', '192.168.150.153', '192.168.150.153'],
    ['principal_server_name', 'RMHW131', '(none)'],
    ['mirror_server_name', 'RMHW132', '(none)'],
    ['safety_level_desc', 'FULL', 'FULL'],
    ['safety_sequence_number', '4', '(none)'],
    ['role_sequence_number', '3', '(none)'],
    ['is_suspended', 'false', '(none)'],
    ['is_suspended_sequence_number', '6', '(none)'],
    ['partner_sync_state_desc', 'SYNCHRONIZED', '(none)'],
    ['leased_to', 'RMHW131', 'unknown'],
    ['config_version', '2', '(none)'],
    ['observer', 'RMHW131', 'RMHW132'],
    ['age', expect.stringMatching(/ms$/), '12s']
  ])
  const { witness } = JSON.parse((await bench.cui(['mirror', 'DB_Group', 'status', '--json'])).out)
  expect(witness).toMatchObject([
    { observer: 'RMHW131', principal_server_name: 'RMHW131', mirror_server_name: 'RMHW132', is_suspended: false, is_suspended_sequence_number: 6 },
    { observer: 'RMHW132', principal_server_name: null, is_suspended: null, config_version: null }
  ])
})

test('a mode without a witness has none in its views', async () => {
  for (const agent of [bench.a, bench.b])
    Object.assign(jobOf(agent), { mode: 'high-protection', quorum: { leaseLeftMs: 1_000, witness: null, witnessAddress: null, witnessHolds: null } })
  expect((await bench.cui(['jobstate', 'DB_Group'])).out).not.toContain('Witness')
  expect((await bench.cui(['mirror', 'DB_Group', 'status'])).out).not.toContain('principal_server_name')
})
