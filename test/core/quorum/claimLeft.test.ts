import { A, B, JOB, pairConfig } from '../../fakes/pairConfig'
import { Desk, peerView, record } from '../desk'

/** This node had voted for itself (role sequence 3); since then the mode was changed to one without votes, and its engine has started again. */
const booted = (): Desk => new Desk(A).boot(record({ claim: { roleSequence: 3 } })).hear()

const view = (roleSequence: number) => ({ ...peerView(B, { roleSequence, owner: A }), configAgreed: true })

test('the vote is taken back once the other node, which knows of the change, says that it has not seconded it', () => {
  const desk = booted()
  expect(desk.job.record.claim).toEqual({ roleSequence: 3 })
  desk.peerSays(view(1))
  expect(desk.job.record).toMatchObject({ roleSequence: 1, claim: null, copyComplete: true })
  expect(desk.logs.join()).toContain('takes its vote')
})

test.each([
  ['still goes by the configuration of before', { configHash: 'of before' }],
  ['does not know yet whether its configuration was agreed on', { configAgreed: false }],
  ['has not heard this engine yet', { heard: `${A}-0` }],
  ['does not know the job', { jobs: {} }]
])('not from one that %s: it may second it still', (_who, change) => {
  const desk = booted().peerSays({ ...view(1), ...change })
  expect(desk.job.record.claim).toEqual({ roleSequence: 3 })
})

test('if the other node has seconded it, this node owns the job, and its copy stays the right one', () => {
  const desk = booted().peerSays(view(3))
  expect(desk.job.record).toMatchObject({ roleSequence: 3, owner: A, claim: null, copyComplete: true })
})

test('a newer record of its own that it never asked for comes from a lost disk: its copy is not trusted', () => {
  const desk = new Desk(A, pairConfig()).boot(record({})).hear().peerSays(view(3))
  expect([JOB, desk.job.record.roleSequence, desk.job.record.copyComplete]).toEqual([JOB, 3, false])
})
