import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Guard } from '../../../agent/adapters/guard/guard'
import type { Guarded } from '../../../agent/adapters/guard/guarded'
import { Watchdog } from '../../../agent/adapters/guard/watchdog'
import { watchdogTimeoutMs } from '../../../src/model'

/** What the driver of the watchdog answers; a file has none. */
const driver = { seconds: null as number | null }
jest.mock('../../../agent/native/libc', () => ({
  ...jest.requireActual<object>('../../../agent/native/libc'),
  ioctl: (_fd: number, _request: number, seconds: Buffer) => (driver.seconds === null ? -1 : seconds.writeInt32LE(driver.seconds))
}))

const lease = (untilMs: number, change: Partial<Guarded> = {}): Guarded => ({
  job: 'DB_Group',
  roleSequence: 7,
  untilMs,
  killAtMs: untilMs - 100,
  applications: [],
  vips: [],
  ...change
})

/** A machine on which something of the job is there, or not, on a clock that is moved by hand. */
function machine() {
  const seen = { nowMs: 10_000, alive: ['POSTGRES', 'VIP'], ended: [] as number[], told: [] as string[] }
  const guard = new Guard({
    nowMs: () => seen.nowMs,
    alive: () => seen.alive,
    end: () => void seen.ended.push(seen.nowMs),
    killed: (_guarded, what) => void seen.told.push(what.join(' '))
  })
  const at = (nowMs: number): number | null => {
    seen.nowMs = nowMs
    return guard.look()
  }
  return { guard, seen, at }
}

test('nothing is ended before its time, all of it then, and again while it is there; it is said once', () => {
  const { guard, seen, at } = machine()
  expect(at(10_000)).toBe(null)
  guard.tell(lease(11_000))
  expect(at(10_000)).toBeLessThanOrEqual(50)
  expect(at(10_899)).toBe(1)
  expect(seen.ended).toEqual([])
  at(10_900)
  at(10_950)
  at(11_400)
  seen.alive = []
  at(12_000)
  expect(seen.ended).toEqual([10_900, 11_400])
  expect(seen.told).toEqual(['POSTGRES VIP'])
})

test('a later lease of the same or a higher role sequence counts, an earlier or an older one does not', () => {
  const { guard, seen, at } = machine()
  guard.tell(lease(11_000))
  guard.tell(lease(12_000))
  guard.tell(lease(11_500))
  guard.tell(lease(99_000, { roleSequence: 6 }))
  at(11_899)
  expect(seen.ended).toEqual([])
  guard.tell(lease(11_950, { roleSequence: 8 }))
  at(11_850)
  expect(seen.ended).toEqual([11_850])
})

test('who sleeps past the end ends it at the first look', () => {
  const { guard, seen, at } = machine()
  guard.tell(lease(11_000))
  at(60_000)
  expect(seen.ended).toEqual([60_000])
})

test('what was begun late, when all had been ended, is found and ended', () => {
  const { guard, seen, at } = machine()
  guard.tell(lease(11_000))
  seen.alive = []
  at(10_900)
  seen.alive = ['POSTGRES']
  at(11_500)
  expect(seen.ended).toEqual([10_900, 11_500])
})

/** The device is a file: it shows what a driver would be told, and resets nothing. */
describe('the watchdog, with a file in its place', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mp-watchdog-'))
  const file = path.join(directory, 'watchdog')
  const LEASE_MS = 10_000
  const T = watchdogTimeoutMs({ leaseMs: LEASE_MS })
  const written = (): string => fs.readFileSync(file, 'utf8')
  beforeEach(() => {
    fs.writeFileSync(file, '')
    driver.seconds = null
  })
  afterAll(() => fs.rmSync(directory, { recursive: true }))

  function guarded() {
    const { guard, seen, at } = machine()
    const said: string[] = []
    const dog = new Watchdog({ file, timeoutMs: T, nowMs: () => seen.nowMs, say: (line) => void said.push(line) })
    /** As the guard's thread does, each 50 ms. */
    const live = (untilMs: number): void => {
      for (let nowMs = seen.nowMs; nowMs <= untilMs; nowMs += 50) {
        at(nowMs)
        dog.look(guard.isOnDuty(), (forMs) => guard.mayOutlive(forMs))
      }
    }
    return { guard, seen, dog, live, said }
  }

  test('half a lease, in whole seconds', () => {
    expect([10_000, 3_000, 2_000].map((leaseMs) => watchdogTimeoutMs({ leaseMs }))).toEqual([5_000, 1_000, 1_000])
  })

  test('it is not opened while nothing is served; petted in a quarter of its time; and closed with its word when the job has gone', () => {
    const { guard, seen, live, said } = guarded()
    live(10_200)
    expect(written()).toBe('')
    guard.tell(lease(20_000))
    live(10_400)
    expect(written()).toBe('.')
    for (let atMs = 12_000; atMs <= 20_000; atMs += 2_000) {
      live(atMs)
      guard.tell(lease(atMs + LEASE_MS))
    }
    expect(written().length).toBeGreaterThanOrEqual(6)
    seen.alive = []
    live(40_000)
    expect(written()).toMatch(/^\.+V$/)
    expect(said).toEqual([expect.stringContaining('resets this machine'), expect.stringContaining('is closed')])
  })

  test('what does not end is fenced: from the last petting on a reset comes before the lease is over', () => {
    const { guard, seen, live } = guarded()
    guard.tell(lease(20_000))
    let last = 0
    let pets = 0
    for (let atMs = 10_000; atMs <= 30_000; atMs += 50) {
      live(atMs)
      if (written().length > pets) last = seen.nowMs
      pets = written().length
    }
    expect(last + T).toBeLessThanOrEqual(20_000)
    expect(written()).toMatch(/^\.+$/)
  })

  test('what ends in time is not fenced, though nobody renews its lease', () => {
    const { guard, seen, live } = guarded()
    guard.tell(lease(20_000))
    live(17_000)
    const before = written().length
    seen.alive = []
    live(17_100)
    expect(written().length).toBe(before + 1)
  })

  test('a driver that only knows a timeout beyond the lease is left alone: it would reset a machine that serves', () => {
    driver.seconds = 30
    const { guard, live, said } = guarded()
    for (let atMs = 12_000; atMs <= 40_000; atMs += 2_000) {
      guard.tell(lease(atMs + LEASE_MS))
      live(atMs)
    }
    expect(written()).toBe('V')
    expect(said).toEqual([expect.stringContaining('has a timeout of 30000 ms')])
  })

  test('a device that cannot be opened is said, once for each reason, however often it is tried', () => {
    fs.rmSync(file)
    const { guard, live, said } = guarded()
    guard.tell(lease(60_000))
    live(40_000)
    expect(said).toEqual([expect.stringContaining('cannot be opened')])
    fs.writeFileSync(file, '')
    live(50_000)
    expect(said.slice(1)).toEqual([expect.stringContaining('resets this machine')])
  })

  test('one that refuses to be petted is said once, though it is tried at each look', () => {
    fs.rmSync(file)
    fs.symlinkSync('/dev/full', file)
    const { guard, live, said } = guarded()
    guard.tell(lease(60_000))
    live(40_000)
    expect(said.filter((line) => line.includes('cannot be written to'))).toHaveLength(1)
    fs.rmSync(file)
  })
})
