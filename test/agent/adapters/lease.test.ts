import { createLeasePort } from '../../../agent/adapters'
import type { Guarded } from '../../../agent/adapters/guard/guarded'
import type { Places } from '../../../agent/ports'
import { job, keptLog, makePlaces, removePlaces } from './surroundings'

const NEVER_MS = 1e9
let places: Places & { root: string }
const told: string[] = []
let held: Guarded | null = null

beforeEach(() => {
  told.splice(0)
  held = null
  places = makePlaces('RMHW131', { jobs: { DB_Group: job({ mode: 'high-availability' }) } })
})
afterEach(() => removePlaces(places))

const lease = () => {
  const guard = {
    tell: (guarded: Guarded) => void told.push(`guard ${[guarded.job, ...guarded.vips.map(({ name }) => name)].join(' ')}`),
    forget: (name: string) => void told.push(`forget ${name}`),
    known: () => Promise.resolve(),
    held: (name: string) => (name === held?.job ? held : null),
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

test('an engine that starts by another configuration: what the job has no more is not ended for it', async () => {
  const vip = { name: 'IP', address: '127.0.0.29', prefix: 8, family: 4 as const, nicGroup: null, nic: null }
  const stays = { ...vip, name: 'IP-2', address: '127.0.0.30' }
  held = { job: 'DB_Group', roleSequence: 3, untilMs: 100, killAtMs: 90, applications: [], vips: [vip, stays] }
  places.config = { ...places.config, jobs: { DB_Group: job({ mode: 'high-availability', vips: [stays] }), Web: job({ name: 'Web', vips: [vip] }) } }
  await lease().known()
  expect(told).toEqual(['guard DB_Group IP-2'])
})
