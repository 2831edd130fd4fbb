import type { JobRecord } from '../../../src/model'
import { setRecord } from '../../../src/core/turn'
import { A, B, quorumConfig } from '../../fakes/pairConfig'
import { type Desk, peerView, record, standby } from '../desk'

const CONFIG = quorumConfig('high-availability')
const HISTORY = [
  { roleSequence: 1, owner: A },
  { roleSequence: 2, owner: B }
]
const SECONDED: Partial<JobRecord> = { roleSequence: 2, owner: B, desired: 'online', mirrorInSync: false, syncSequence: 9, history: HISTORY }

/** B had asked for the job; the owner has begun to overwrite its copy since, and then gave it its vote after all: the answer never came, the record did. */
function made(theirs: Partial<JobRecord> = {}): Desk {
  const desk = standby({ desired: 'online', copyComplete: false, history: HISTORY.slice(0, 1) }, CONFIG)
  return says(desk, theirs)
}

const says = (desk: Desk, theirs: Partial<JobRecord>): Desk =>
  desk.peerSays(peerView(A, { ...SECONDED, copyComplete: true, ...theirs }, { phase: 'standby', config: CONFIG }))

test('the job goes back to who served it, with a new role sequence, and is not called equal', () => {
  const desk = made()
  expect(desk.job.record).toMatchObject({ roleSequence: 2, owner: B, copyComplete: false, unserved: true, handover: { to: A, roleSequence: 3 } })
  desk.tell({ kind: 'ticked', heartbeat: null }, 500)
  const offered = desk.actions.find((action) => action.do === 'sendHandover')
  expect(offered).toMatchObject({ roleSequence: 3, start: true, record: { owner: A, takeReason: 'failover', needToVerify: 'Yes', mirrorInSync: false } })
  expect(desk.orders).toEqual([])
})

test('it waits until the copy there is known to be whole', () => {
  const desk = made({ copyComplete: false })
  expect(desk.job).toMatchObject({ phase: 'error', note: `the copy on ${B} is not complete`, record: { handover: null, unserved: true } })
  expect(says(desk, {}).job.record.handover).toMatchObject({ to: A })
})

test('an engine that restarts meanwhile still knows that nothing was served here', () => {
  const kept = record({ ...SECONDED, copyComplete: false, unserved: true })
  const desk = standby({}, CONFIG)
  desk.boot(kept).hear()
  expect(says(desk, {}).job.record.handover).toMatchObject({ to: A, roleSequence: 3 })
})

test.each<[why: string, theirs: Partial<JobRecord>, mine: Partial<JobRecord>]>([
  ['an error flag there', { errorFlag: 'it would not start' }, {}],
  ['both copies may hold changes of their own', { needToVerify: 'Manually' }, {}],
  ['one that may have served, and lost its copy since', {}, { unserved: false }],
  ['the one before it was not the other node', {}, { history: [{ roleSequence: 2, owner: B }] }]
])('it stays: %s', (_why, theirs, mine) => {
  const desk = standby({}, CONFIG)
  desk.boot(record({ ...SECONDED, copyComplete: false, unserved: true, ...mine })).hear()
  expect(says(desk, theirs).job.record).toMatchObject({ owner: B, handover: null })
})

test('once its copy is whole it may serve, and is an owner as any other', () => {
  const desk = made({ copyComplete: false })
  setRecord({ state: desk.state, actions: [], dirty: false, noted: new Map() }, desk.job, { copyComplete: true })
  expect(desk.job.record).toMatchObject({ copyComplete: true, unserved: false })
})
