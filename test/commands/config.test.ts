import fs from 'node:fs'
import path from 'node:path'
import type { ConfigRequest } from '../../src/wire'
import { linesOnlyIn, versionOf, viewOf } from './configView'
import { Bench } from './harness'

const TEXT = `# The pair of the Seoul office.
cluster: seoul-db
nodes:
  RMHW131: { address: 192.168.150.151 }
  RMHW132: { address: 192.168.150.152 }
links:
  # The switch upstairs.
  - { name: service, heartbeat: 3002, data: false, RMHW131: 192.168.150.151, RMHW132: 192.168.150.152 }
  - { name: link-0, heartbeat: 3001, RMHW131: 22.22.150.131, RMHW132: 22.22.150.132 }
jobs:
  DB_Group:
    vips: [ { name: IP-DB_Group, address: 192.168.150.130/16 } ] # printed on every desk
`
const VIEW = viewOf(versionOf(7, TEXT, 'annex 1'), [versionOf(6, TEXT.replace('150.130', '150.120'))])
const DIFFERENCE = {
  where: 'jobs DB_Group vips IP-DB_Group address',
  before: '"192.168.150.130"',
  after: '"192.168.150.150"',
  needs: 'nothing' as const,
  job: 'DB_Group'
}

jest.setTimeout(20_000)

let bench: Bench
let sent: ConfigRequest[] = []
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
  sent = bench.takesChanges(VIEW, () => ({ differences: [DIFFERENCE] }))
})
afterEach(() => bench.down())

/** The lines of the text that was sent that are not in the one before. */
const newLines = () => linesOnlyIn(sent[0]!.text, TEXT)

test("the guide's change of the VIP: what differs, the version, and the text with its comments", async () => {
  const { exitCode, out } = await bench.cui(['vip', 'modify', 'DB_Group', '--address', '192.168.150.150/16', '--yes'])
  expect({ exitCode, out }).toEqual({
    exitCode: 0,
    out: 'jobs DB_Group vips IP-DB_Group address: 192.168.150.130 -> 192.168.150.150\nVersion 8 of the configuration is in force on both nodes.\n'
  })
  expect(sent[0]).toMatchObject({ base: 'hash 7', reason: 'vip modify DB_Group 192.168.150.150/16', dryRun: false })
  expect(newLines()).toEqual(['    vips: [ { name: IP-DB_Group, address: 192.168.150.150/16 } ] # printed on every desk'])
})

test("the guide's change of the link: a node whose address it was moves along; the rest of the file stays", async () => {
  await bench.cui(['link', 'modify', 'service', '--address', 'RMHW131=192.168.150.161', '--address', 'RMHW132=192.168.150.162', '--max-miss', '5', '--yes'])
  expect(newLines()).toEqual([
    '  RMHW131: { address: 192.168.150.161 }',
    '  RMHW132: { address: 192.168.150.162 }',
    '  - { name: service, heartbeat: 3002, data: false, RMHW131: 192.168.150.161, RMHW132: 192.168.150.162, maxMiss: 5 }'
  ])
})

test.each([
  [
    'link add link-1 --address RMHW131=11.11.150.131 --address RMHW132=11.11.150.132 --heartbeat 3000 --priority 0',
    '  - { name: link-1, heartbeat: 3000, RMHW131: 11.11.150.131, RMHW132: 11.11.150.132 }'
  ],
  [
    'link add serial --type serial --device RMHW131=/dev/ttyS0 --device RMHW132=/dev/ttyUSB0 --baud 38400',
    '  - { name: serial, type: serial, baud: 38400, RMHW131: /dev/ttyS0, RMHW132: /dev/ttyUSB0 }'
  ],
  [
    'vip modify DB_Group IP-DB_Group --nic eth0,eth1',
    '    vips: [ { name: IP-DB_Group, address: 192.168.150.130/16, nic: [ eth0, eth1 ] } ] # printed on every desk'
  ],
  ['mode DB_Group high-performance --no-wait', '    mode: high-performance'],
  ['witness set 192.168.150.153 --no-wait', 'witness: { address: 192.168.150.153 }'],
  [
    'witness set --etcd https://10.0.0.1:2379,https://10.0.0.2:2379 --ca /etc/e/ca.crt --user mirrorpair --password-file /etc/e/password --no-wait',
    'witness: { etcd: [ https://10.0.0.1:2379, https://10.0.0.2:2379 ], ca: /etc/e/ca.crt, user: mirrorpair, passwordFile: /etc/e/password }'
  ],
  [
    'vip add DB_Group IP-Web --address 192.168.150.131/16',
    '    vips: [ { name: IP-DB_Group, address: 192.168.150.130/16 }, { name: IP-Web, address: 192.168.150.131/16 } ] # printed on every desk'
  ]
])('%s', async (line, expected) => {
  expect(await bench.cui([...line.split(' '), '--yes'])).toMatchObject({ exitCode: 0, err: '' })
  expect(newLines()).toContain(expected)
})

test.each(['mode DB_Group guide --no-wait', 'vip modify DB_Group IP-DB_Group --address 192.168.150.130/16'])(
  'what is so already makes no version: %s',
  async (line) => {
    const { exitCode, out } = await bench.cui([...line.split(' '), '--yes'])
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: 'Nothing differs from what is in force. Version 7 of the configuration stays.\n' })
    expect(sent).toEqual([])
  }
)

test('a value that comes to be null is not told of, and none is shown as null', async () => {
  const part = (where: string, before: string | null, after: string | null) => ({ ...DIFFERENCE, where, before, after })
  const differences = [part('witness etcd user', null, 'null'), part('witness etcd keyFile', '"/etc/e/key"', 'null'), part('witness port', '7330', '2379')]
  bench.takesChanges(VIEW, () => ({ differences }))
  const { out } = await bench.cui(['link', 'remove', 'link-0', '--dry-run'])
  expect(out.split('\n').slice(0, 2)).toEqual(['witness etcd keyFile: /etc/e/key -> (none)', 'witness port: 7330 -> 2379'])
})

test('a dry run is sent as one, and says so; as JSON it is one object', async () => {
  const { out } = await bench.cui(['link', 'remove', 'link-0', '--dry-run', '--json'])
  const said = { command: 'link remove link-0', node: 'RMHW131', dryRun: true, version: 7, followed: true }
  expect(JSON.parse(out)).toEqual({ ...said, differences: [DIFFERENCE], warnings: [] })
  expect(sent[0]?.dryRun).toBe(true)
})

test('what is not there is named with what there is; nothing is sent', async () => {
  expect(await bench.cui(['link', 'modify', 'link-9', '--no-data', '--yes'])).toMatchObject({
    exitCode: 2,
    err: 'The configuration has no link link-9.\nTry: It has service, link-0.\n'
  })
  expect(await bench.cui(['vip', 'modify', 'Web', '--nic', 'eth1', '--yes'])).toMatchObject({ exitCode: 2, err: expect.stringContaining('no job Web') })
  expect(await bench.cui(['link', 'modify', 'link-0', '--yes'])).toMatchObject({ exitCode: 2, err: expect.stringContaining('Nothing to change') })
  expect(sent).toEqual([])
})

test.each([
  'link add serial --type serial --address RMHW131=192.168.150.151',
  'link add serial --type serial --device RMHW131=/dev/ttyS0 --data',
  'link add link-2 --type socket --baud 9600',
  'link add link-2 --device RMHW131'
])('what a link of its type does not have is refused, and nothing sent: %s', async (line) => {
  expect(await bench.cui([...line.split(' '), '--yes'])).toMatchObject({ exitCode: 2 })
  expect(sent).toEqual([])
})

test.each([
  'set',
  'set 192.168.150.153 --etcd https://10.0.0.1:2379',
  'set --user mirrorpair',
  'set --etcd 10.0.0.1:2379',
  'set 192.168.150.153 --ca /etc/e/ca.crt',
  'remove 192.168.150.153'
])('a witness has an address, or it is etcd; nothing is sent: witness %s', async (line) => {
  expect(await bench.cui(['witness', ...line.split(' '), '--yes'])).toMatchObject({ exitCode: 2, err: expect.stringContaining('Try: ') })
  expect(sent).toEqual([])
})

test('a refusal comes with its words and exit code', async () => {
  const refuse = bench.a.error('E_CONFIG_LINKS', 'No heartbeat link would stay.', 5, 'one after the other')
  bench.a.onChange = () => ({ refuse })
  expect(await bench.cui(['link', 'remove', 'link-0', '--yes'])).toEqual({
    exitCode: 5,
    out: '',
    err: '[RMHW131]: No heartbeat link would stay.\nTry: one after the other\n'
  })
})

test('apply sends the whole file, restore a version of before; a wrong one is told line by line, and not sent', async () => {
  const file = bench.file('new.yaml', TEXT.replace('150.130', '150.150'))
  expect(await bench.cui(['config', 'apply', file, '--yes'])).toMatchObject({ exitCode: 0 })
  expect(await bench.cui(['config', 'restore', '6', '--yes', '--reason', 'it was better'])).toMatchObject({ exitCode: 0 })
  expect(sent).toEqual([
    { text: fs.readFileSync(file, 'utf8'), reason: `config apply ${file}`, dryRun: false },
    { text: VIEW.history[0]?.text, reason: 'it was better', dryRun: false }
  ])
  const wrong = await bench.cui(['config', 'apply', bench.file('wrong.yaml', TEXT.replace('150.130/16', '150.152/16')), '--yes'])
  expect(wrong).toMatchObject({ exitCode: 1, out: expect.stringContaining('wrong.yaml:12:') })
  expect(sent).toHaveLength(2)
})

test('show, history, diff and backup change nothing', async () => {
  expect((await bench.cui(['config', 'show'])).out).toBe(TEXT)
  expect((await bench.cui(['config', 'history'])).out).toMatch(/^7 +2019-09-23 06:07:00 +administrator +annex 1$/m)
  expect((await bench.cui(['config', 'diff', '6'])).out).toBe('jobs DB_Group vips IP-DB_Group address: 192.168.150.120 -> 192.168.150.130\n')
  const file = path.join(bench.home, 'kept.yaml')
  expect(await bench.cui(['config', 'backup', file])).toMatchObject({ exitCode: 0 })
  expect(fs.readFileSync(file, 'utf8')).toBe(TEXT)
  expect(await bench.cui(['config', 'backup', file])).toMatchObject({ exitCode: 1, err: expect.stringContaining('it is there already') })
  expect((await bench.cui(['link', 'list'])).out).toMatch(/^0 +service +3002 +5s +3 +no +192\.168\.150\.151 +192\.168\.150\.152$/m)
  const serial = '  - { name: serial, type: serial, RMHW131: /dev/ttyS0, RMHW132: /dev/ttyUSB0 }\njobs:'
  for (const agent of [bench.a, bench.b]) agent.config = { ...VIEW, agreed: versionOf(7, TEXT.replace('jobs:', serial), null) }
  expect((await bench.cui(['link', 'list'])).out).toMatch(/^2 +serial +serial +5s +3 +no +\/dev\/ttyS0 +\/dev\/ttyUSB0$/m)
  for (const agent of [bench.a, bench.b]) agent.config = VIEW
  expect((await bench.cui(['witness', 'show'])).out).toBe('The pair has no witness.\n')
  expect(sent).toEqual([])
})
