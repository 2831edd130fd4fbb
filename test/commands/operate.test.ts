import fs from 'node:fs'
import path from 'node:path'
import { Bench } from './harness'
import { TAKE_TIME_MS } from './views'

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
})
afterEach(() => bench.down())

const step = (text: string, state: 'begin' | 'done' | 'failed', seconds = 0) => ({ atMs: TAKE_TIME_MS + seconds * 1000, node: 'RMHW131', text, state })
const ticket = { ticket: 'T-1', job: 'DB_Group', nextSince: 2, error: null }

test("switch goes to the owner, says the guide's line first, then its steps and the job table", async () => {
  bench.a.tickets = [
    { ...ticket, state: 'running', steps: [step('Stop application POSTGRES', 'begin')] },
    { ...ticket, state: 'done', steps: [step('Stop application POSTGRES', 'done', 4)] }
  ]
  const { exitCode, out, err } = await bench.cui(['switch', 'DB_Group'])
  expect(err).toBe('')
  expect(exitCode).toBe(0)
  expect(out.split('\n').slice(0, 2)).toEqual(['Send switch Job command succeeded!', '11:47:32 RMHW131  Stop application POSTGRES ... done'])
  expect(out).toContain('DB_Group      online      RMHW131')
  expect(bench.a.heard.map((request) => request.line)).toContain('POST /v1/jobs/DB_Group/switch')
  expect(bench.b.heard.map((request) => request.line)).not.toContain('POST /v1/jobs/DB_Group/switch')
})

test('a command of which nobody was told to wait prints its ticket; a dry run prints the steps', async () => {
  expect((await bench.cui(['switch', 'DB_Group', '--no-wait'])).out).toBe('Send switch Job command succeeded!\nTicket: T-1\n')
  bench.a.onCommand = (_job, _command, body) => ({ dryRun: true, steps: body.dryRun ? ['Stop application POSTGRES', 'Remove VIP'] : [] })
  expect((await bench.cui(['bringout', 'DB_Group', '--dry-run'])).out).toBe('bringout DB_Group would do:\n  1. Stop application POSTGRES\n  2. Remove VIP\n')
})

test('a refusal says what, where and what to try, with exit code 5, as words and as JSON', async () => {
  const refuse = bench.a.error('E_SWITCH_PEER', 'RMHW132 does not hear RMHW131.', 5, 'hbtstate')
  bench.a.onCommand = () => ({ refuse })
  expect(await bench.cui(['switch', 'DB_Group'])).toEqual({ exitCode: 5, out: '', err: 'RMHW132 does not hear RMHW131.\nTry: hbtstate\n' })
  const { exitCode, out } = await bench.cui(['switch', 'DB_Group', '--json'])
  expect(exitCode).toBe(5)
  expect(JSON.parse(out)).toEqual({
    error: { code: 'E_SWITCH_PEER', message: 'RMHW132 does not hear RMHW131.', tryThis: 'hbtstate', node: 'RMHW131', exitCode: 5 }
  })
})

test('what does not end in time has exit code 6 and names the ticket', async () => {
  bench.a.tickets = [{ ...ticket, state: 'running', steps: [] }]
  const { exitCode, err } = await bench.cui(['switch', 'DB_Group', '--timeout', '50ms'])
  expect(exitCode).toBe(6)
  expect(err).toContain('Try: wait T-1')
})

test('a ticket that no node knows is said at once', async () => {
  bench.a.tickets = []
  bench.b.tickets = []
  expect(await bench.cui(['wait', 'DB_Grp'])).toMatchObject({ exitCode: 2, err: expect.stringContaining('knows no ticket') })
})

test('what was seen last, when the time is over, stands there with its age', async () => {
  await bench.a.stop()
  bench.b.status = { ...bench.b.status, peerAlive: 'lost', peer: bench.b.status.peer && { ...bench.b.status.peer, ageMs: 120_000 } }
  const { err } = await bench.cui(['wait', 'DB_Group', 'offline', '--timeout', '10ms'])
  expect(err).toMatch(/last seen: online on RMHW131, .* need to verify No \(2m [0-9]+s ago\)\./)
})

test.each(['999.1.1.1', '192.168.150.151/16', 'a@b'])('%s is no address', async (address) => {
  expect(await bench.cui(['open', address])).toMatchObject({ exitCode: 2, err: expect.stringContaining(`"${address}" is not an address.`) })
})

test('selectsrc with one word, and no job in use, lacks the node', async () => {
  expect((await bench.cui(['selectsrc', 'DB_Group'])).err).toContain('The node whose data is right is missing.')
})

test('exit codes of the product', async () => {
  const codes = async (...argv: string[]) => (await bench.cui(argv)).exitCode
  expect(await codes('allstate')).toBe(0)
  expect(await codes('snapshot', 'DB_Group', 'take')).toBe(1)
  expect(await codes('alstate')).toBe(2)
  expect(await codes('jobstate', 'NoSuchJob')).toBe(2)
  expect(await codes('allstate', '--node', '10.0.0.9')).toBe(3)
  expect(await codes('wait', 'DB_Group', 'offline', '--timeout', '10ms')).toBe(6)
  bench.file('wrong', 'nonsense\n')
  expect(await codes('login', 'RMHW131', '--account', 'administrator', '--password-file', path.join(bench.home, 'wrong'))).toBe(4)
})

test('a node that is away holds nobody up: its last word is shown with its age, and the exit code is 1', async () => {
  await bench.b.stop()
  bench.a.status = {
    ...bench.a.status,
    peerAlive: 'lost',
    peer: bench.a.status.peer && { ...bench.a.status.peer, ageMs: 12_000 },
    problems: ['RMHW132 is not heard on any link.']
  }
  const { exitCode, out } = await bench.cui(['allstate'])
  expect(exitCode).toBe(1)
  expect(out).toContain('RMHW131--->RMHW132        ok (12s ago)')
  expect(out).toContain('! RMHW132 is not heard on any link.')
  expect(out).toContain('! RMHW132 (192.168.150.152:7330): 192.168.150.152:7330 cannot be reached')
  await bench.a.stop()
  expect((await bench.cui(['allstate'])).exitCode).toBe(3)
})

test('where the two nodes disagree about the owner, the shell says so', async () => {
  const job = bench.b.status.self.jobs['DB_Group']
  if (job) Object.assign(job.record, { owner: 'RMHW132', roleSequence: 4 })
  const { exitCode, out } = await bench.cui(['jobstate'])
  expect(exitCode).toBe(1)
  expect(out).toContain(
    'The nodes disagree about DB_Group: RMHW131 says that RMHW131 owns it (role sequence 3), RMHW132 says that RMHW132 owns it (role sequence 4).'
  )
})

test('a certificate that changed is refused before anything is sent', async () => {
  await bench.a.renew()
  bench.a.heard.length = 0
  const { exitCode, err } = await bench.cui([
    'open',
    '192.168.150.151',
    '--account',
    'administrator',
    '--password-file',
    bench.passwordFile,
    '--trust-on-first-use'
  ])
  expect(exitCode).toBe(4)
  expect(err).toContain('HAS CHANGED')
  expect(bench.a.heard).toEqual([])
})

test('an unknown certificate is not taken without a terminal, and nothing of a password is kept', async () => {
  fs.rmSync(path.join(bench.home, 'nodes.json'))
  const { exitCode, err } = await bench.cui(['open', '192.168.150.151', '--account', 'administrator', '--password-file', bench.passwordFile])
  expect(exitCode).toBe(4)
  expect(err).toContain(`--trust ${bench.a.fingerprint}`)
  await bench.openBoth()
  const file = path.join(bench.home, 'nodes.json')
  expect(fs.statSync(file).mode & 0o777).toBe(0o600)
  expect(fs.readFileSync(file, 'utf8')).not.toContain('secret')
})

test('a runbook stops at the first command that fails and names its line', async () => {
  const file = bench.file('move.runbook', '# first look\nallstate\n\nbringin DB_Group # then start\nswitch NoSuchJob\nbringout DB_Group\n')
  const ran = await bench.cui(['run', file])
  expect(ran.exitCode).toBe(2)
  expect(ran.err).toContain(`Stopped at line 5 of ${file}: switch NoSuchJob`)
  expect(bench.a.heard.map((request) => request.line)).not.toContain('POST /v1/jobs/DB_Group/bringout')
  const piped = await bench.cui([], 'bringin DB_Group\nwait DB_Group online\nwait DB_Group synchronized\n')
  expect(piped.exitCode).toBe(0)
  expect(piped.out).toContain('DB_Group is synchronized on RMHW131\n')
})

test('clearerr names whose flag is meant, and a node that is none of the pair is refused before anything is sent', async () => {
  expect((await bench.cui(['clearerr', 'DB_Group', 'rmhw132', '--no-wait'])).out).toBe('Send clearerr Job command succeeded!\nTicket: T-1\n')
  expect(bench.a.heard.at(-1)).toEqual({ line: 'POST /v1/jobs/DB_Group/clearerr', body: { node: 'RMHW132' } })
  const text = 'Clear the error flag of DB_Group on RMHW132 (POSTGRES did not start)'
  bench.a.onCommand = (_job, _command, body) => ({ dryRun: true, steps: body.dryRun ? [text] : [] })
  expect((await bench.cui(['clearerr', 'DB_Group', '--dry-run'])).out).toBe(`clearerr DB_Group would do:\n  1. ${text}\n`)
  bench.a.heard.length = 0
  const { exitCode, err } = await bench.cui(['clearerr', 'DB_Group', 'RMHW999'])
  expect(exitCode).toBe(2)
  expect(err).toContain('RMHW999 is not a node of seoul-db; its nodes are RMHW131 and RMHW132.')
  expect(bench.a.heard.map(({ line }) => line)).not.toContain('POST /v1/jobs/DB_Group/clearerr')
})

const program = { version: '0.2.0', pid: 4711, pausedMs: 180, insteadWhy: null }

test('upgrade names the node whose data program is replaced, shows how long applications waited, and has it as JSON', async () => {
  const text = 'Data program 0.2.0 goes on; applications waited 180 ms'
  bench.a.tickets = [{ ...ticket, state: 'done', steps: [step(text, 'done')] }]
  for (const { status } of [bench.a, bench.b]) Object.assign(status.self.jobs['DB_Group']?.data ?? {}, { program })
  const { exitCode, out } = await bench.cui(['upgrade', 'DB_Group', 'rmhw132'])
  expect({ exitCode, lines: out.split('\n').slice(0, 2) }).toEqual({
    exitCode: 0,
    lines: ['Send upgrade Job command succeeded!', `11:47:32 RMHW131  ${text} ... done`]
  })
  expect(bench.a.heard.find(({ line }) => line.endsWith('/upgrade'))).toEqual({ line: 'POST /v1/jobs/DB_Group/upgrade', body: { node: 'RMHW132' } })
  const json = JSON.parse((await bench.cui(['upgrade', 'DB_Group', 'RMHW132', '--json'])).out)
  expect(json).toMatchObject({ command: 'upgrade', job: 'DB_Group', state: 'done', program })
})

test('upgrade refuses what it cannot mean before anything is sent; a dry run sends no order; in use, the job need not be named', async () => {
  const none = await bench.cui(['upgrade', 'DB_Group'])
  expect({ ...none, err: none.err.split('\n')[0] }).toEqual({ exitCode: 2, out: '', err: 'The node is missing: the standby first, then the owner.' })
  expect((await bench.cui(['upgrade', 'DB_Group', 'RMHW999'])).exitCode).toBe(2)
  expect(bench.a.heard.map(({ line }) => line)).not.toContain('POST /v1/jobs/DB_Group/upgrade')
  bench.a.onCommand = (_job, _command, body) => ({ dryRun: true, steps: body.dryRun ? ['Hand over to it'] : [] })
  expect((await bench.cui(['upgrade', 'DB_Group', 'RMHW131', '--dry-run'])).out).toBe('upgrade DB_Group would do:\n  1. Hand over to it\n')
  const used = await bench.cui([], 'use DB_Group\nupgrade RMHW131 --dry-run\n')
  expect(used).toMatchObject({ exitCode: 0, out: expect.stringContaining('upgrade DB_Group would do:') })
})

test.each([
  ['of the node that took it: the other one is asked', 'a', 0],
  ['of both nodes: it goes on there, and how to hear of its end', 'ab', 4]
])('a session that ends while a command is followed, %s', async (_story, ended, exitCode) => {
  const end = (): void => {
    bench.a.token = 'another-1'
    if (ended === 'ab') bench.b.token = 'another-2'
  }
  bench.a.onCommand = () => {
    end()
    return { dryRun: false, ticket: 'T-1' }
  }
  const ran = await bench.cui(['switch', 'DB_Group'])
  expect(ran).toMatchObject({
    exitCode,
    err: exitCode === 0 ? '' : expect.stringMatching(/What was begun goes on there\.\nTry: login RMHW13[12], then wait T-1/)
  })
})
