import type { ConfigRequest } from '../../src/wire'
import { JOB_MADE, versionOf, viewOf } from './configView'
import { Bench } from './harness'
import { cuiSim } from './simulation'

const TEXT = `cluster: seoul-db
nodes:
  RMHW131: { address: 192.168.150.151 }
  RMHW132: { address: 192.168.150.152 }
links:
  - { name: service, heartbeat: 3002, RMHW131: 192.168.150.151, RMHW132: 192.168.150.152 }
jobs:
  DB_Group:
    vips: [ { name: IP-DB_Group, address: 192.168.150.130/16 } ]
    data: { folders: [ /srv/DB_Group ] }
`
const VIEW = viewOf(versionOf(7, TEXT))
const CREATE = ['job', 'create', 'Web', '--folder', '/srv/web', '--vip', 'IP-Web=192.168.150.131/16', '--service', 'NGINX=nginx']

jest.setTimeout(30_000)

let bench: Bench
let sent: ConfigRequest[] = []
let warnings: string[] = []
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
  warnings = []
  sent = bench.takesChanges(VIEW, (body) => {
    if (!body.dryRun) takeOn(body.text)
    return { differences: [JOB_MADE], warnings }
  })
})
afterEach(() => bench.down())

/** Both agents show the jobs of the text from now on. */
function takeOn(text: string): void {
  for (const agent of [bench.a, bench.b]) {
    const jobs = agent.status.self.jobs
    const view = jobs['DB_Group']!
    if (text.includes('  Web:')) jobs['Web'] = { ...view, state: 'offline', record: { ...view.record, job: 'Web', owner: 'RMHW131', desired: 'offline' } }
    if (!text.includes('  DB_Group:')) delete jobs['DB_Group']
  }
}

test('create: both nodes check it first, then it is sent as it was shown, and what comes next is said', async () => {
  warnings = ['RMHW132: the folder /srv/web is not empty.']
  const { exitCode, out, err } = await bench.cui([...CREATE, '--yes'])
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
  expect(out).toBe(`      vips: [ { name: IP-DB_Group, address: 192.168.150.130/16 } ]
      data: { folders: [ /srv/DB_Group ] }
+   Web:
+     vips:
+       - { name: IP-Web, address: 192.168.150.131/16 }
+     applications:
+       - name: NGINX
+         service: nginx
+     data:
+       folders:
+         - /srv/web
Warning: RMHW132: the folder /srv/web is not empty.
Version 8 of the configuration is in force on both nodes.
Web is offline on RMHW131, which owns it.
Next: bringin Web starts it on RMHW131.
`)
  expect(sent.map(({ dryRun }) => dryRun)).toEqual([true, false])
  expect(sent[0]?.text).toBe(sent[1]?.text)
  expect(sent[1]).toMatchObject({ base: 'hash 7', reason: 'job create Web' })
})

test('a dry run is checked by both nodes and changes nothing', async () => {
  const { exitCode, out } = await bench.cui([...CREATE, '--dry-run', '--json'])
  expect(exitCode).toBe(0)
  expect(JSON.parse(out)).toEqual({
    command: 'job create Web',
    job: 'Web',
    node: 'RMHW131',
    dryRun: true,
    version: 7,
    followed: true,
    differences: [JOB_MADE],
    warnings: [],
    text: 'Web:\n  vips:\n    - { name: IP-Web, address: 192.168.150.131/16 }\n  applications:\n    - name: NGINX\n      service: nginx\n  data:\n    folders:\n      - /srv/web\n'
  })
  expect(sent.map(({ dryRun }) => dryRun)).toEqual([true])
})

test('from a file, and from standard input; what show prints is what create reads', async () => {
  const shown = (await bench.cui(['job', 'show', 'DB_Group'])).out
  expect(shown).toBe('DB_Group:\n  vips: [ { name: IP-DB_Group, address: 192.168.150.130/16 } ]\n  data: { folders: [ /srv/DB_Group ] }\n')
  const web = shown.replaceAll('DB_Group', 'Web').replace('150.130', '150.131')
  expect(await bench.cui(['job', 'create', 'Web', '--file', bench.file('web.yaml', web), '--yes'])).toMatchObject({ exitCode: 0 })
  expect(sent[1]?.text).toContain('  Web:\n    vips: [ { name: IP-Web, address: 192.168.150.131/16 } ]\n')
  const piped = await bench.cui(['job', 'modify', 'DB_Group', '--file', '-', '--set', 'mode=high-performance', '--yes'], shown)
  expect(piped).toMatchObject({ exitCode: 0, err: '' })
  expect(sent[3]?.text).toContain('    mode: high-performance\n')
})

test.each([
  ['one that is there already', [...CREATE.slice(0, 2), 'DB_Group', ...CREATE.slice(3)], 5, 'There is a job DB_Group already'],
  ['one that is not there', ['job', 'modify', 'Mail', '--set', 'mode=guide'], 2, 'The configuration has no job Mail'],
  ['nothing named', ['job', 'create', 'Web'], 2, 'Nothing of Web was named'],
  ['no such action', ['job', 'make', 'Web'], 2, '"make" is not an action of job'],
  ['half an address', ['job', 'create', 'Web', '--vip', 'IP-Web'], 2, '"IP-Web" is not NAME=ADDRESS/PREFIX'],
  ['a part that is not there', ['job', 'modify', 'DB_Group', '--unset', 'applications'], 2, 'no part of the job applications'],
  ['another job confirmed', ['job', 'remove', 'DB_Group', '--confirm', 'Web'], 2, '--confirm names "Web"'],
  ['a file that is not there', ['job', 'create', 'Web', '--file', '/no/such.yaml'], 1, 'it cannot be read (ENOENT)']
])('refused, and nothing sent: %s', async (_what, line, exitCode, words) => {
  const ran = await bench.cui([...line, '--yes'])
  expect(ran).toMatchObject({ exitCode, err: expect.stringContaining(words) })
  expect(sent).toEqual([])
})

test('what is wrong with it is said in the words of the configuration, and not sent', async () => {
  const wrong = await bench.cui(['job', 'create', 'Web', '--vip', 'IP-Web=192.168.150.152/16', '--folder', '/srv/DB_Group/www', '--yes'])
  expect(wrong).toMatchObject({ exitCode: 1, err: '' })
  expect(wrong.out).toContain("is already the node's own address on RMHW132")
  expect(wrong.out).toContain('/srv/DB_Group/www overlaps with /srv/DB_Group')
  expect(await bench.cui(['job', 'create', 'Web', '--file', bench.file('no.yaml', 'data: { folders: [ /srv/web }\n'), '--yes'])).toMatchObject({
    exitCode: 1,
    out: expect.stringContaining('no.yaml:1:')
  })
  expect(sent).toEqual([])
})

describe('with two pairs open, the change is of the one that was asked', () => {
  beforeEach(() => {
    bench.a.status = { ...bench.a.status, cluster: 'busan-mail', peerNode: 'RMHW199', peer: null }
    bench.a.status.self.jobs = {}
    bench.b.status = { ...bench.b.status, peerNode: 'RMHW133', peer: null }
    bench.b.status.self.jobs['DB_Group']!.record.owner = 'RMHW132'
  })

  test('what is not known of its copies is asked about before it is removed', async () => {
    const refused = await bench.cui(['job', 'remove', 'DB_Group', '--node', 'RMHW132', '--yes'])
    expect(refused).toMatchObject({ exitCode: 5, err: expect.stringContaining('It is not known what RMHW133 holds of DB_Group') })
    expect(refused.out).toContain('RMHW132 keeps /srv/DB_Group: the data that the job has served.\n')
    expect(sent.map(({ dryRun }) => dryRun)).toEqual([true])
  })

  test('what comes next is said of it', async () => {
    bench.b.onChange = (body) => {
      if (!body.dryRun) {
        const { jobs } = bench.b.status.self
        const view = jobs['DB_Group']!
        jobs['Web'] = { ...view, state: 'offline', record: { ...view.record, job: 'Web', desired: 'offline' } }
      }
      return { dryRun: body.dryRun ?? false, node: 'RMHW132', version: 8, differences: [JOB_MADE], followed: true }
    }
    const { out } = await bench.cui([...CREATE, '--node', 'RMHW132', '--yes'])
    expect(out).toContain('Web is offline on RMHW132, which owns it.\nNext: bringin Web starts it on RMHW132.\n')
  })
})

test('a refusal of a node comes with its words, before anything is shown or asked', async () => {
  const refuse = bench.a.error(
    'E_CONFIG_PATH',
    'The folder /srv/web of Web cannot be used on RMHW132: ENOENT: no such file or directory.',
    5,
    'Make the folder'
  )
  bench.a.onChange = () => ({ refuse })
  expect(await bench.cui([...CREATE, '--yes'])).toEqual({ exitCode: 5, out: '', err: `[RMHW131]: ${refuse.message}\nTry: Make the folder\n` })
})

test('it has been looked for on its owner when create ends, so that bringin may follow at once', async () => {
  const busy = bench.a.error('E_JOB_BUSY', 'Web is busy on RMHW131.', 5)
  let asked = 0
  bench.a.onCommand = (_job, _command, { dryRun }) => {
    asked += 1
    return asked < 3 ? { refuse: busy } : dryRun ? { dryRun: true, steps: [] } : { dryRun: false, ticket: 'T-1' }
  }
  expect(await bench.cui([...CREATE, '--yes'])).toMatchObject({ exitCode: 0 })
  expect(asked).toBe(3)
})

test('with --bringin it is started at once, and its first copy is followed to its end', async () => {
  const { exitCode, out } = await cuiSim([], ['job create Web --folder /srv/web --mode guide --bringin', 'wait Web synchronized --timeout 1s'])
  expect(exitCode).toBe(0)
  expect(out).toContain('Send bringin Job command succeeded!')
  expect(out).toContain('The first copy of Web is whole.')
  expect(await bench.cui(['job', 'modify', 'DB_Group', '--set', 'mode=guide', '--bringin'])).toMatchObject({ exitCode: 2 })
})

describe('remove', () => {
  test('says what stays where', async () => {
    const { exitCode, out } = await bench.cui(['job', 'remove', 'DB_Group', '--yes'])
    expect(exitCode).toBe(0)
    expect(out).toContain('RMHW131 keeps /srv/DB_Group: the data that the job has served.\nRMHW132 keeps /srv/DB_Group: a copy, as of when')
    expect(out).toContain('No data is deleted.')
    expect(sent[1]?.text).not.toContain('DB_Group')
  })

  test('asks for more than Yes while the copies may differ', async () => {
    for (const agent of [bench.a, bench.b]) agent.status.self.jobs['DB_Group']!.record.needToVerify = 'Manually'
    const refused = await bench.cui(['job', 'remove', 'DB_Group', '--yes'])
    expect(refused).toMatchObject({ exitCode: 5, err: expect.stringContaining('Both nodes hold changes of DB_Group of their own') })
    expect(sent.map(({ dryRun }) => dryRun)).toEqual([true])
    expect(await bench.cui(['job', 'remove', 'DB_Group', '--confirm', 'DB_Group'])).toMatchObject({ exitCode: 0 })
  })
})
