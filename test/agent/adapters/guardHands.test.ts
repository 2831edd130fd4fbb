import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Guarded } from '../../../agent/adapters/guard/guarded'
import { machineHands } from '../../../agent/adapters/guard/hands'

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'mp-hands-'))
const hands = machineHands({ node: 'RMHW131', runDirectory: path.join(root, 'run'), cgroupRoot: root }, () => undefined)
afterAll(() => fs.rmSync(root, { recursive: true }))

const serves = (unit: string): Guarded => ({
  job: 'DB_Group',
  roleSequence: 1,
  untilMs: 0,
  killAtMs: 0,
  applications: [{ name: 'DB', cgroup: null, noteFile: path.join(root, 'none.json'), unit }],
  vips: []
})

// systemd.slice(5), systemd.special(7): one of a template is in a slice of it, whose name is escaped; a name without a type is that of a service.
test.each([
  ['nginx.service', 'system.slice/nginx.service'],
  ['redis', 'system.slice/redis.service'],
  ['postgresql@15-main', 'system.slice/system-postgresql.slice/postgresql@15-main.service'],
  ['my-db@a.b.service', String.raw`system.slice/system-my\x2ddb.slice/my-db@a.b.service`]
])('a service is there while its cgroup has processes, however its unit is written: %s', (unit, below) => {
  const directory = path.join(root, below)
  expect(hands.alive(serves(unit))).toEqual([])
  fs.mkdirSync(directory, { recursive: true })
  fs.writeFileSync(path.join(directory, 'cgroup.procs'), '4711\n')
  expect(hands.alive(serves(unit))).toEqual(['DB'])
})
