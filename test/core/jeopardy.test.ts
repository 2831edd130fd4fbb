import { nodeView, statusAnswer } from '../../src/core'
import type { Jeopardy } from '../../src/wire'
import { STATUS_DEFAULTS } from '../fakes/dataDefaults'
import { B, JOB, quorumConfig } from '../fakes/pairConfig'
import { Desk, heartbeat, owner, peerView, record } from './desk'

const jeopardy = (desk: Desk): Jeopardy[] => nodeView(desk.state).jobs[JOB]?.jeopardy ?? []
const texts = (desk: Desk): string[] => jeopardy(desk).map(({ text }) => text)
const problems = (desk: Desk): string[] =>
  statusAnswer(desk.state, { atMs: desk.atMs, wallMs: desk.state.wallMs, utcOffsetMinutes: 0, heartbeat: desk.state.heartbeat }).problems

const healthy = (): Desk => owner().peerSays(peerView(B, {}))

function linksUp(desk: Desk, ...names: string[]): Desk {
  const facts = heartbeat(desk.config, desk.node)
  desk.tell({ kind: 'heartbeatChanged', heartbeat: { ...facts, links: facts.links.map((link) => ({ ...link, up: names.includes(link.name) })) } }, 1_000)
  return desk
}

test('a healthy pair is in no jeopardy, nor is a job that nobody wants to run', () => {
  expect(jeopardy(healthy())).toEqual([])
  const offline = new Desk(B, quorumConfig()).boot(record({ desired: 'offline', mirrorInSync: false })).hear({ peerAlive: false })
  expect(jeopardy(offline)).toEqual([])
})

test('one heartbeat link left: since when is kept while it lasts, also when another one takes its turn', () => {
  const desk = linksUp(healthy(), 'link-0')
  const [first] = jeopardy(desk)
  expect(first).toEqual({ cause: 'oneLink', text: 'one heartbeat link is left: link-0', sinceMs: desk.state.wallMs })
  linksUp(desk, 'link-1')
  expect(jeopardy(desk)).toEqual([{ cause: 'oneLink', text: 'one heartbeat link is left: link-1', sinceMs: first?.sinceMs }])
  expect(problems(desk)).toContain('DB_Group has been in jeopardy for 1 s: one heartbeat link is left: link-1')
  expect(jeopardy(linksUp(desk, 'link-0', 'link-1'))).toEqual([])
})

test('the peer, the mirror and what is acknowledged without it', () => {
  const desk = healthy().hear({ peerAlive: false })
  expect(texts(desk)).toEqual(['RMHW132 is not heard'])
  desk.dataSays({ role: 'source', connected: false, session: { ...STATUS_DEFAULTS.session, why: 'no answer on link-0', exposedSinceMs: 5 } })
  expect(texts(desk)).toEqual(['RMHW132 is not heard', 'writes are acknowledged without the mirror: no answer on link-0'])
  const mirror = new Desk(B).boot(record({ mirrorInSync: false })).hear()
  expect(texts(mirror)).toEqual(['the copy on RMHW132 is not in sync'])
})

test('a witness that does not answer, as this node sees it', () => {
  const mirror = new Desk(B, quorumConfig()).boot(record({ safety: 'full' })).hear()
  expect(texts(mirror)).toEqual(['the witness is UNKNOWN as RMHW132 sees it'])
  const ballot = { roleSequence: 1, owner: 'RMHW131', mirrorInSync: true, syncSequence: 1, configVersion: 1 }
  const { number } = mirror.job.quorum!.asked.witness
  const reply = { number, incarnation: 'W-1', granted: false, why: null, ballot, leasedTo: 'RMHW131' }
  mirror.tell({ kind: 'voteAnswered', job: JOB, voter: 'witness', number, reply })
  expect(jeopardy(mirror)).toEqual([])
  expect(nodeView(mirror.state).jobs[JOB]?.quorum).toMatchObject({ witnessAddress: '192.168.150.153', witnessHolds: { ballot, leasedTo: 'RMHW131', ageMs: 0 } })
  mirror.tell({ kind: 'ticked', heartbeat: null }, 6_000)
  expect(texts(mirror)).toEqual(['the witness is DISCONNECTED as RMHW132 sees it'])
})
