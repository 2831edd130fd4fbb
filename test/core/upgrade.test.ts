import { A, B, JOB } from '../fakes/pairConfig'
import { type Desk, owner, peerView, standby } from './desk'

const RESULT = { version: '0.2.0', pausedMs: 120, silentMs: 300 }
const ticketOf = (desk: Desk) => Object.values(desk.state.tickets).at(-1)!
const steps = (desk: Desk) => ticketOf(desk).steps.map(({ text, state }) => `${text} ${state}`)
const receiving = (): Desk => {
  const desk = standby().endAll().dataSays({ role: 'target', connected: true })
  desk.command('upgrade', { node: B })
  return desk
}

test('the data program of the owner hands over with the job online; the ticket says how long applications waited', () => {
  const desk = owner()
  desk.command('upgrade', { node: A })
  expect(desk.orders).toEqual(['upgrade'])
  expect(desk.job.phase).toBe('online')
  desk.end('upgrade', null, RESULT)
  expect(ticketOf(desk)).toMatchObject({ state: 'done', purpose: 'upgrade' })
  expect(steps(desk)[2]).toBe('Data program 0.2.0 goes on; applications waited 120 ms; connected to RMHW132 again after 300 ms done')
  expect(desk.job.plan).toBeNull()
})

test('that of the standby is replaced there, wherever it was typed, and says nothing of applications', () => {
  const there = owner()
  expect(there.command('upgrade', { node: B })).toEqual({ is: 'forwarded' })
  expect(there.actions).toContainEqual(expect.objectContaining({ do: 'forward', command: 'upgrade', options: { node: B } }))
  const desk = receiving()
  expect(desk.orders).toEqual(['upgrade'])
  desk.end('upgrade', null, { ...RESULT, pausedMs: null })
  expect(steps(desk)[2]).toBe('Data program 0.2.0 goes on; connected to RMHW131 again after 300 ms done')
  expect(ticketOf(desk).state).toBe('done')
})

test('a program that did not take over fails the command in its own words, and nothing else', () => {
  const desk = owner()
  desk.command('upgrade', { node: A })
  desk.end('upgrade', 'it did not take over')
  const error = { code: 'E_UPGRADE_FAILED', message: expect.stringContaining('it did not take over'), tryThis: 'Nothing.' }
  expect(ticketOf(desk)).toMatchObject({ state: 'failed', error })
  expect(desk.job.phase).toBe('online')
  desk.tell({ kind: 'ticked', heartbeat: null })
  expect(desk.orders).toEqual([])
})

test('a takeover does not wait for it: the standby takes over, and the command says that the job has moved', () => {
  const desk = receiving()
  const ticket = ticketOf(desk).id
  desk.hear({ peerAlive: false })
  expect(desk.orders).toEqual(['probe'])
  expect(desk.state.tickets[ticket]).toMatchObject({ state: 'failed', error: { code: 'E_UPGRADE_OVERTAKEN' } })
  desk.endAll()
  expect(desk.job).toMatchObject({ phase: 'online', record: { owner: B, roleSequence: 2 } })
})

test('a planned handover is accepted meanwhile: the service of the owner is stopped already', () => {
  const desk = receiving()
  const record = { ...peerView(A, {}).jobs[JOB]!.record, roleSequence: 2, owner: B }
  desk.tell({ kind: 'handoverReceived', request: 9, job: JOB, roleSequence: 2, record, start: true, ticket: 'RMHW131-7' })
  desk.tell({ kind: 'ticked', heartbeat: null })
  desk.endAll(() => RESULT)
  expect(desk.job).toMatchObject({ phase: 'online', record: { owner: B } })
})
