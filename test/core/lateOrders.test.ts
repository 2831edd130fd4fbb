import { type JobOrder, Orders } from '../../agent/engine/orders'
import type { JobConfig } from '../../src/model'
import { FakePorts } from '../fakes/fakePorts'
import { A, JOB, jobConfig, pairConfig } from '../fakes/pairConfig'

const LONG_MS = 60_000

function node(change: Partial<JobConfig> = { mode: 'high-availability' }) {
  const job = jobConfig(change)
  const ports = new FakePorts(A, pairConfig(job))
  const orders = new Orders(ports.ports)
  const give = (order: JobOrder, roleSequence = 7): Promise<unknown> => orders.carryOut(job, roleSequence, order)
  const lease = (forMs: number): void => ports.ports.lease.tell(JOB, 7, performance.now() + forMs, performance.now() + forMs)
  return { ports, give, lease, vip: job.vips[0]! }
}

const beginnings = ({ vip }: ReturnType<typeof node>): [string, JobOrder][] => [
  ['source', { do: 'source', peerCopyComplete: false, safety: 'full', safetySequence: 1 }],
  ['raise', { do: 'raise', vip }],
  ['start POSTGRES', { do: 'start', application: 'POSTGRES' }]
]

test('without a lease that runs, and of its own role sequence, nothing that serves is begun', async () => {
  const late = node()
  for (const [, order] of beginnings(late)) await expect(late.give(order)).rejects.toMatchObject({ report: { code: 'E_LEASE_ENDED' } })
  late.lease(-1)
  for (const [, order] of beginnings(late)) await expect(late.give(order)).rejects.toMatchObject({ report: { code: 'E_LEASE_ENDED' } })
  late.lease(LONG_MS)
  for (const [, order] of beginnings(late)) await expect(late.give(order, 6)).rejects.toMatchObject({ report: { code: 'E_LEASE_ENDED' } })
  expect(late.ports.calls.filter((call) => !call.startsWith('lease'))).toEqual([])
  for (const [, order] of beginnings(late)) await late.give(order)
  expect(late.ports.calls).toEqual(expect.arrayContaining(beginnings(late).map(([call]) => call)))
})

test('what waits behind another beginning until the lease is over is not begun any more', async () => {
  const slow = node()
  slow.lease(LONG_MS)
  const first = slow.ports.hold('raise')
  const [done, waits] = [slow.give({ do: 'raise', vip: slow.vip }), slow.give({ do: 'raise', vip: slow.vip })]
  slow.lease(-1)
  first.go()
  await done
  await expect(waits).rejects.toMatchObject({ report: { code: 'E_LEASE_ENDED' } })
})

test('what ends something needs no lease, and a job of the guide never does', async () => {
  const late = node()
  await late.give({ do: 'drop', vip: late.vip })
  await late.give({ do: 'stop', application: 'POSTGRES', kill: true })
  const guide = node({ mode: 'guide' })
  for (const [, order] of beginnings(guide)) await guide.give(order)
  expect([late.ports.calls, guide.ports.calls].map((calls) => calls.filter((call) => /^(drop|stop|raise|start)/.test(call)))).toEqual([
    ['drop', 'stop POSTGRES'],
    ['raise', 'start POSTGRES']
  ])
})
