import { nodeView } from '../../../src/core'
import type { Config } from '../../../src/model'
import { A, B, JOB, QUORUM, quorumConfig } from '../../fakes/pairConfig'
import { Desk, dataStatus, peerView, record } from '../desk'

/** The owner serves under a lease. */
function serving(): Desk {
  const desk = new Desk(A, quorumConfig())
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record({ safety: 'full' }) } })
  const data = { ran: true, status: dataStatus({ role: 'source', roleSequence: 1 }) }
  return desk.end('observe', null, { held: ['IP-DB_Group'], running: ['POSTGRES', 'AGENT'], data, leaseUntilMs: desk.atMs + QUORUM.leaseMs }).hear()
}

test('a change that says nothing about the quorum does not cost an owner its lease', () => {
  const desk = serving()
  const untilMs = desk.job.quorum?.lease.untilMs
  const config: Config = { ...quorumConfig(), quorum: { ...QUORUM, configVersion: 2 } }
  desk.tell({ kind: 'configChanged', config, configHash: 'two', version: 2 })
  expect(desk.job.quorum?.lease.untilMs).toBe(untilMs)
  expect(desk.orders).toEqual([])
  expect(desk.job.phase).toBe('online')
})

test('other times: the owner goes on under the lease that it has, asks for the next one at once, and is not stopped by the margins of the new one', () => {
  const desk = serving()
  const untilMs = desk.job.quorum?.lease.untilMs
  desk.tell({ kind: 'configChanged', config: { ...quorumConfig(), quorum: { ...QUORUM, leaseMs: 60_000, configVersion: 2 } }, configHash: 'two', version: 2 })
  expect(desk.job.quorum?.lease.untilMs).toBe(untilMs)
  expect(desk.orders).toEqual([])
  const asked = desk.actions.flatMap((action) =>
    action.do === 'sendVote' ? [`${action.to} ${action.message.ask.do} ${action.message.ballot.configVersion}`] : []
  )
  expect(asked).toEqual(['peer renew 2', 'witness renew 2'])
})

test('another witness: what the one before has said is not its word, and an answer of it that is still on its way counts no more', () => {
  const desk = serving()
  const word = () => nodeView(desk.state).jobs[JOB]?.quorum?.witness
  const ballot = { roleSequence: 1, owner: A, mirrorInSync: true, syncSequence: 1, configVersion: QUORUM.configVersion }
  const answers = (number: number, incarnation = 'W-1') =>
    desk.tell({ kind: 'voteAnswered', job: JOB, voter: 'witness', number, reply: { number, incarnation, granted: false, why: null, ballot, leasedTo: null } })
  answers(desk.job.quorum!.asked.witness.number)
  expect(word()).toBe('CONNECTED')
  const asked = desk.job.quorum!.asked.witness.number
  const config: Config = { ...quorumConfig(), witness: { address: '192.168.150.154', port: 7330, since: 2 }, quorum: { ...QUORUM, configVersion: 2 } }
  desk.tell({ kind: 'configChanged', config, configHash: 'two', version: 2 })
  desk.peerSays({ ...peerView(B, {}, { config }), configHash: 'two', configVersion: 2 })
  expect(word()).toBe('UNKNOWN')
  answers(asked)
  expect(word()).toBe('UNKNOWN')
  answers(desk.job.quorum!.asked.witness.number, 'W-2')
  expect(word()).toBe('CONNECTED')
})
