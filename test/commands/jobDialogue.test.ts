import { parseConfig } from '../../src/model'
import type { ConfigRequest } from '../../src/wire'
import { JOB_MADE, versionOf, viewOf } from './configView'
import { Bench } from './harness'
import { Terminal } from './terminal'

const TEXT = `cluster: seoul-db
nodes:
  RMHW131: { address: 192.168.150.151 }
  RMHW132: { address: 192.168.150.152 }
links:
  - { name: service, heartbeat: 3002, RMHW131: 192.168.150.151, RMHW132: 192.168.150.152 }
jobs:
  DB_Group:
    vips: [ { name: IP-DB_Group, address: 192.168.150.130/16 } ]
    applications: [ { name: POSTGRES, service: postgresql } ]
    data: { folders: [ /srv/DB_Group ] }
`
const VIEW = viewOf(versionOf(7, TEXT))
const [ENTER, DOWN, CTRL_C, CTRL_U] = ['\r', '\u001b[B', '\u0003', '\u0015']

jest.setTimeout(60_000)

let bench: Bench
let terminal: Terminal
let sent: ConfigRequest[] = []
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
  sent = bench.takesChanges(VIEW, (body, agent) => {
    const missing = body.text.includes('/srv/none')
    if (missing) return { refuse: agent.error('E_CONFIG_PATH', 'The folder /srv/none of Web cannot be used on RMHW132: ENOENT.', 5, 'Make the folder first.') }
    return { differences: [JOB_MADE], warnings: ['RMHW132: it is small.'] }
  })
  terminal = new Terminal(bench.home)
  await terminal.sees('cui>')
})
afterEach(async () => {
  terminal.type(CTRL_C)
  terminal.type('exit\r')
  await terminal.exit
  await bench.down()
})

const applied = () => sent.filter(({ dryRun }) => !dryRun)
/** Answers questions one after the other: words that the question has in it, and what is typed at it. */
const answer = async (...pages: [question: string, typed: string][]) => {
  for (const [question, typed] of pages) {
    await terminal.sees(question)
    terminal.type(typed)
  }
}

test('a job page by page: each answer is checked at once, the whole is shown, and Yes makes it', async () => {
  terminal.type('job create\r')
  await answer(['Name of the job:', `DB_Group${ENTER}`])
  await terminal.shows('There is a job DB_Group already.')
  terminal.type(`${CTRL_U}Web${ENTER}`)
  await answer(['Folder to mirror', `/srv/none${ENTER}`])
  await terminal.shows('The folder /srv/none of Web cannot be used on RMHW132')
  terminal.type(`${CTRL_U}/srv/web${ENTER}`)
  await answer(['Left out of /srv/web', `*.tmp cache${ENTER}`], ['Replicated all the same', `/keep.tmp${ENTER}`])
  await terminal.shows('include must be')
  terminal.type(`${CTRL_U}keep.tmp${ENTER}`)
  await answer(['Folder to mirror', ENTER], ['Which node has the right data now?', `${DOWN}${ENTER}`])
  await terminal.sees('Mode:')
  // What the pair cannot have, without a witness, is not offered.
  expect(terminal.screen).not.toContain('high-availability')
  terminal.type(ENTER)
  await answer(['Safety:', `${DOWN}${ENTER}`], ['Virtual address', `192.168.150.131${ENTER}`])
  await terminal.shows('address must be an IP address with the prefix')
  terminal.type(`${CTRL_U}192.168.150.131/16${ENTER}`)
  await answer(['Its name:', ENTER], ['Network cards', ENTER], ['Virtual address', ENTER], ['Application, its name', `NGINX${ENTER}`])
  await answer(['What is NGINX?', ENTER], ['Unit:', `nginx${ENTER}`], ['Other settings of NGINX', ENTER], ['Application, its name', `STATS${ENTER}`])
  await answer(['What is STATS?', `${DOWN}${ENTER}`], ['Command:', `/usr/bin/stats --port 9${ENTER}`], ['STATS starts after', `NGINX${ENTER}`])
  await answer(
    ['Other settings of STATS', `${DOWN}${ENTER}`],
    ['User', ENTER],
    ['Working directory', ENTER],
    ['Command to stop it', ENTER],
    ['Command to check it', ENTER]
  )
  await answer(['Start timeout:', `soon${ENTER}`])
  await terminal.shows('startTimeout must be a duration')
  terminal.type(`${CTRL_U}20s${ENTER}`)
  await answer(['Stop timeout:', ENTER], ['Checked every:', ENTER], ['Check timeout:', ENTER], ['Application, its name', ENTER])
  await answer(['Restarts of what fails', `often${ENTER}`])
  await terminal.shows('restartLimit must be')
  terminal.type(`${CTRL_U}5${ENTER}`)
  await answer(['Counted within', ENTER])
  await terminal.sees('\nWeb:\n  restartLimit: 5\n  mode: guide\n  firstOwner: RMHW132\n')
  await terminal.sees('+   Web:')
  await terminal.sees('Warning: RMHW132: it is small.')
  expect(applied()).toEqual([])
  await answer(['Do you really want to create the job Web? (Yes/No)', `yes${ENTER}`])
  await terminal.sees('Version 8 of the configuration is in force on both nodes.')
  const [request] = applied()
  expect(request).toMatchObject({ base: 'hash 7', reason: 'job create Web' })
  const read = parseConfig(request!.text, 'it')
  expect('config' in read && read.config.jobs['Web']).toMatchObject({
    mode: 'guide',
    firstOwner: 'RMHW132',
    restart: { max: 5, windowMs: 600_000 },
    vips: [{ name: 'IP-Web', address: '192.168.150.131', nic: null }],
    applications: [
      { name: 'NGINX', unit: 'nginx', startTimeoutMs: 60_000 },
      { name: 'STATS', start: '/usr/bin/stats --port 9', dependsOn: ['NGINX'], startTimeoutMs: 20_000 }
    ],
    data: { safety: 'full', folders: [{ path: '/srv/web', exclude: ['*.tmp', 'cache', '!keep.tmp'] }] }
  })
})

test('Ctrl-C at any page leaves a prompt, and nothing is changed; No at the end as well', async () => {
  terminal.type('job create Web\r')
  await answer(['Folder to mirror', `/srv/web${ENTER}`], ['Left out of', CTRL_C])
  await terminal.sees('nothing was changed')
  await terminal.sees('cui>')
  terminal.type('job modify DB_Group\r')
  await answer(['What of DB_Group is to be changed?', CTRL_C])
  await terminal.sees('nothing was changed')
  await terminal.sees('cui>')
  terminal.type('job modify DB_Group --set mode=high-performance\r')
  await answer(['Do you really want to change the job DB_Group', `no${ENTER}`])
  await terminal.sees('nothing was changed')
  await terminal.sees('cui>')
  expect(applied()).toEqual([])
})

test('a job is changed page by page: something more, something less, a value', async () => {
  terminal.type('job modify DB_Group\r')
  await answer(['What of DB_Group is to be changed?', `${DOWN}${ENTER}`], ['Virtual address', `192.168.150.132/16${ENTER}`], ['Its name:', ENTER])
  await answer(['Network cards', `eth0 eth1${ENTER}`], ['What of DB_Group is to be changed?', `${DOWN.repeat(4)}${ENTER}`])
  await answer(['Left out of /srv/DB_Group', `*.log${ENTER}`], ['Replicated all the same', `audit.log${ENTER}`])
  await answer(['What of DB_Group is to be changed?', `${DOWN.repeat(6)}${ENTER}`])
  await answer(
    ['Restarts of what fails', `0${ENTER}`],
    ['Counted within', `1200s${ENTER}`],
    ['What of DB_Group is to be changed?', `${DOWN.repeat(7)}${ENTER}`]
  )
  await answer(['What is to go?', `${DOWN.repeat(3)}${ENTER}`], ['What of DB_Group is to be changed?', `${DOWN.repeat(8)}${ENTER}`])
  await answer(['KEY=VALUE', `data.pagefile=much${ENTER}`])
  await terminal.shows('pagefile must be a size')
  terminal.type(`${CTRL_U}data.pagefile=4GiB${ENTER}`)
  await answer(['What of DB_Group is to be changed?', ENTER], ['(Yes/No)', `yes${ENTER}`])
  await terminal.sees('is in force on both nodes')
  const read = parseConfig(applied()[0]!.text, 'it')
  expect('config' in read && read.config.jobs['DB_Group']).toMatchObject({
    vips: [{ name: 'IP-DB_Group' }, { name: 'IP-DB_Group-2', nics: ['eth0', 'eth1'] }],
    applications: [],
    restart: { max: 0, windowMs: 1_200_000 },
    data: { pagefileBytes: 4 * 1024 ** 3, folders: [{ path: '/srv/DB_Group', exclude: ['*.log', '!audit.log'] }] }
  })
})

test('without a terminal nobody is asked', async () => {
  expect(await bench.cui(['job', 'create'])).toMatchObject({ exitCode: 2, err: expect.stringContaining('The name of a job is missing') })
  expect(await bench.cui(['job', 'modify', 'DB_Group'])).toMatchObject({ exitCode: 2, err: expect.stringContaining('Nothing of DB_Group was named') })
})
