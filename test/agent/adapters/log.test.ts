import fs from 'node:fs'
import path from 'node:path'
import { createClockPort, createLogPort } from '../../../agent/adapters'
import { EVENT_LOG_BYTES_MAX } from '../../../agent/adapters/eventFile'
import { makePlaces, removePlaces } from './surroundings'

describe('the event log', () => {
  const places = makePlaces()
  const clock = createClockPort({ MIRRORPAIR_WALL_CLOCK: '2019-09-23T15:26:04' })
  const file = path.join(places.stateDirectory, 'events.log')
  afterAll(() => removePlaces(places))

  test('one line an event, in the form of the guide, in order', async () => {
    const log = createLogPort(places, clock, { standardError: false })
    log.event('info', 'VIP IP-DB_Group raised', 'DB_Group')
    log.event('error', 'two\nlines', 'DB_Group')
    await log.flushed()
    expect(fs.readFileSync(file, 'utf8')).toBe('2019-09-23 15:26:04 | VIP IP-DB_Group raised [RMHW131]\n2019-09-23 15:26:04 | DB_Group: two lines [RMHW131]\n')
  })

  test.each([
    ['check failed: password=geheim host=a', 'geheim'],
    ['PGPASSWORD=geheim psql', 'geheim'],
    ['Authorization: Bearer abcdefgh12345678', 'abcdefgh12345678'],
    ['postgres://app:geheim@10.0.0.1/db', 'geheim'],
    ['-----BEGIN PRIVATE KEY-----\nMIIgeheim\n-----END PRIVATE KEY-----', 'MIIgeheim']
  ])('no secret reaches it: %s', async (text, secret) => {
    const log = createLogPort(places, clock, { standardError: false })
    log.event('info', text)
    await log.flushed()
    expect(fs.readFileSync(file, 'utf8')).not.toContain(secret)
  })

  test('it is bounded, with one older one', async () => {
    const log = createLogPort(places, clock, { standardError: false })
    fs.writeFileSync(file, 'x'.repeat(EVENT_LOG_BYTES_MAX))
    log.event('info', 'first of a new one')
    await log.flushed()
    expect(fs.readFileSync(file, 'utf8')).toBe('2019-09-23 15:26:04 | first of a new one [RMHW131]\n')
    expect(fs.statSync(`${file}.1`).size).toBe(EVENT_LOG_BYTES_MAX)
  })
})
