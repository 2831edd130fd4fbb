import { problems } from '../../src/core/problems'
import { A, B, JOB, QUORUM, quorumConfig } from '../fakes/pairConfig'
import { Desk, peerView, record } from './desk'

const said = (desk: Desk, part: string): number => desk.logs.filter((line) => line.includes(part)).length

test('a mirror that cannot take over, and whose copy may hold changes of its own, says so once and not with every event', () => {
  const config = quorumConfig()
  const unsure = { safety: 'full', needToVerify: 'Manually', copyComplete: false } as const
  const mirror = new Desk(B, config).boot(record(unsure)).hear()
  mirror.peerSays(peerView(A, unsure, { config, phase: 'starting' }))
  // It is heard, and serves by nobody's leave.
  mirror.tell({ kind: 'ticked', heartbeat: null }, 2 * QUORUM.leaseMs)
  const { number } = mirror.job.quorum!.asked.witness
  const ballot = { roleSequence: 1, owner: A, mirrorInSync: false, syncSequence: 1, configVersion: QUORUM.configVersion }
  mirror.tell({
    kind: 'voteAnswered',
    job: JOB,
    voter: 'witness',
    number,
    reply: { number, incarnation: 'W-1', granted: false, why: null, ballot, leasedTo: null }
  })
  expect(said(mirror, 'does not serve')).toBe(1)
  for (let times = 0; times < 5; times++) expect(mirror.hear().logs).toEqual([])
  expect(mirror.job.note).toContain('cannot take over')
})

test('two nodes that name different owners of one role sequence say so once, and it stays a problem', () => {
  const mirror = new Desk(B).boot(record()).hear()
  const contradicts = () => mirror.peerSays(peerView(A, { owner: B }))
  const text = `${A} says that ${B} owns ${JOB} since role sequence 1, ${B} says ${A}`
  contradicts()
  expect(said(mirror, text)).toBe(1)
  for (let times = 0; times < 5; times++) expect(said(contradicts(), text)).toBe(0)
  expect(problems(mirror.state).join('\n')).toContain(text)
})
