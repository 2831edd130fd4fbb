import { createLeasePort } from '../../../agent/adapters'
import type { Places } from '../../../agent/ports'
import { job, keptLog, makePlaces, removePlaces } from './surroundings'

const NEVER_MS = 1e9
let places: Places & { root: string }
const told: string[] = []

beforeEach(() => {
  told.splice(0)
  places = makePlaces('RMHW131', { jobs: { DB_Group: job({ mode: 'high-availability' }) } })
})
afterEach(() => removePlaces(places))

const lease = () => {
  const guard = {
    tell: ({ job: name }: { job: string }) => void told.push(`guard ${name}`),
    forget: (name: string) => void told.push(`forget ${name}`),
    known: () => Promise.resolve(),
    held: () => null,
    onKilled: () => undefined
  }
  const data = { lease: (name: string) => void told.push(`data ${name}`) }
  return createLeasePort(places, { clock: { nowMs: () => 0 }, data, vip: { extend: () => Promise.resolve() }, guard, log: keptLog() })
}

test('a lease that was renewed while the job was just being taken out of the configuration is told to nobody, and no reason to end', () => {
  const port = lease()
  port.tell('DB_Group', 3, NEVER_MS, NEVER_MS)
  expect(told).toContain('guard DB_Group')
  told.splice(0)
  places.config = { ...places.config, jobs: {} }
  port.tell('DB_Group', 3, 2 * NEVER_MS, 2 * NEVER_MS)
  expect(told).toEqual([])
  port.forget('DB_Group')
  expect(told).toEqual(['forget DB_Group'])
})
