import type { Config } from '../../../src/model'
import { A, JOB, QUORUM, quorumConfig } from '../../fakes/pairConfig'
import { Desk, dataStatus, record } from '../desk'

/** The owner serves under a lease. */
function serving(): Desk {
  const desk = new Desk(A, quorumConfig())
  desk.tell({ kind: 'booted', records: { [JOB]: record({ safety: 'full' }) } })
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

test('other times begin anew: nobody knows what was granted by the old ones', () => {
  const desk = serving()
  desk.tell({ kind: 'configChanged', config: { ...quorumConfig(), quorum: { ...QUORUM, leaseMs: 9_000, configVersion: 2 } }, configHash: 'two', version: 2 })
  expect(desk.job.quorum?.lease.untilMs).toBe(Number.NEGATIVE_INFINITY)
})
