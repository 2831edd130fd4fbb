import { dataStatus, standby } from './desk'

test('a mirror whose data program was stopped by an order of before, which ended late, receives again', () => {
  const mirror = standby()
  expect(mirror.job.dataRole).toBe('target')
  mirror.tell({ kind: 'dataStatusChanged', job: mirror.job.name, status: dataStatus({ role: 'none', roleSequence: mirror.job.record.roleSequence }) })
  expect(mirror.orders).toEqual(['target'])
  mirror.dataSays({ role: 'target' })
  mirror.end('target')
  expect(mirror.hear().orders).toEqual([])
})
