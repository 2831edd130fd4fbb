import type { Action } from '../../../src/core'
import type { VoterName } from '../../../src/core/event'
import type { Config, JobMode } from '../../../src/model'
import { A, QUORUM, quorumConfig } from '../../fakes/pairConfig'
import { Desk, record } from '../desk'

const config = (mode: JobMode, configVersion = 1): Config => ({ ...quorumConfig(mode), quorum: { ...QUORUM, configVersion } })

const asks = (actions: Action[]) => actions.flatMap((action) => (action.do === 'sendVote' ? [{ to: action.to, ...action.message }] : []))
const numbers = (desk: Desk, to: VoterName) => asks(desk.actions).flatMap((each) => (each.to === to ? [each.number] : []))

test('the mode is changed and changed back: no voter that remembers the questions of before takes the new ones for late', () => {
  const desk = new Desk(A, config('high-availability')).boot(record({})).hear()
  for (let asked = 0; asked < 20; asked++) desk.tell({ kind: 'ticked', heartbeat: null }, QUORUM.leaseMs)
  const last = { peer: Math.max(...numbers(desk, 'peer')), witness: Math.max(...numbers(desk, 'witness')) }
  desk.tell({ kind: 'configChanged', config: config('guide', 2), configHash: 'two', version: 2 })
  expect(desk.job.quorum).toBeNull()
  desk.tell({ kind: 'configChanged', config: config('high-availability', 3), configHash: 'three', version: 3 })
  desk.tell({ kind: 'configReleased' })
  desk.tell({ kind: 'ticked', heartbeat: null }, QUORUM.leaseMs)
  for (const voter of ['peer', 'witness'] as const) expect(Math.min(...numbers(desk, voter))).toBeGreaterThan(last[voter])
})
