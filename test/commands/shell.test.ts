import fs from 'node:fs'
import path from 'node:path'
import { Bench } from './harness'
import { Terminal } from './terminal'

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
})
afterEach(() => bench.down())

test("the guide's opening, typed at a terminal, is the guide's to the letter", async () => {
  await bench.openBoth()
  const terminal = new Terminal(bench.home)
  await terminal.sees('cui>')
  terminal.type('open 192.168.150.151\r')
  await terminal.sees('username:')
  terminal.type('administrator\r')
  await terminal.sees('password:')
  terminal.type('secret\r')
  await terminal.sees('cui>')
  expect(terminal.screen).toBe(`Cui Server connected!
cui>open 192.168.150.151
Operate successful!
username: administrator
password: ******
[RMHW131]: result: Administrator, LicenseState: Valid
cui>`)
  terminal.type('exit\r')
  expect(await terminal.exit).toBe(0)
  expect(fs.readFileSync(path.join(bench.home, 'history'), 'utf8')).toBe('open 192.168.150.151\nexit\n')
})

test('a node that was never open is asked about, as ssh does', async () => {
  const terminal = new Terminal(bench.home)
  await terminal.sees('cui>')
  terminal.type('open 192.168.150.151\r')
  await terminal.sees(bench.a.fingerprint)
  await terminal.sees('(Yes/No)')
  terminal.type('no\r')
  await terminal.sees('Cancelled; nothing was changed.')
  await terminal.sees('cui>')
  expect(bench.a.heard.map((request) => request.line)).not.toContain('POST /v1/login')
  terminal.type('\u0004')
  expect(await terminal.exit).toBe(0)
})

test.each([
  ['in the middle of a line', 'half a li\u001b[D\u001b[D', 'cui>half a li^C'],
  ['in a line of two rows', 'x'.repeat(100), `cui>${'x'.repeat(76)}`]
])('Ctrl-C %s, and Ctrl-D in the same breath: a new prompt, and the shell ends', async (_where, typed, left) => {
  const terminal = new Terminal(bench.home)
  await terminal.sees('cui>')
  terminal.type(`${typed}\u0003\u0004`)
  expect(await terminal.exit).toBe(0)
  expect(terminal.screen).toContain(left)
  expect(terminal.screen).toMatch(/\^C\ncui>\n$/)
})

test('Tab completes commands, jobs, actions and options; the arrow brings the last line back; Ctrl-C gives a new prompt', async () => {
  await bench.openBoth()
  const terminal = new Terminal(bench.home)
  await terminal.sees('cui>')
  terminal.type('hbt\t')
  await terminal.sees('hbtstate')
  terminal.type('\u0003')
  await terminal.sees('^C\ncui>')
  for (const [typed, shown] of [
    ['mir\t', 'mirror'],
    ['DB\t', ' DB_Group'],
    ['star\t', ' start'],
    ['--dr\t', ' --dry-run']
  ] as const) {
    terminal.type(typed)
    await terminal.sees(shown)
  }
  terminal.type('\u0003')
  await terminal.sees('^C\ncui>')
  for (const [typed, shown] of [
    ['vip mod\t', 'vip modify'],
    ['DB\t', ' DB_Group'],
    ['IP\t', ' IP-DB_Group'],
    ['\u0003', '^C\ncui>'],
    ['link rem\t', 'link remove'],
    ['link-0\t', ' link-0'],
    ['\u0003', '^C\ncui>'],
    ['job cr\t', 'job create'],
    ['\u0003', '^C\ncui>']
  ] as const) {
    terminal.type(typed)
    await terminal.sees(shown)
  }
  terminal.type('list\r')
  await terminal.sees('on line(admin)')
  await terminal.sees('\ncui>')
  terminal.type('\u001b[A')
  await terminal.sees('list')
  terminal.type('\r')
  await terminal.sees('*RMHW131')
  await terminal.sees('\ncui>')
  terminal.type('exit\r')
  await terminal.exit
})

test('a change is asked about at a terminal: No changes nothing, Yes does it', async () => {
  await bench.openBoth()
  const terminal = new Terminal(bench.home)
  await terminal.sees('cui>')
  terminal.type('switch DB_Group\r')
  await terminal.sees('Do you really want to switch DB_Group from RMHW131 to RMHW132? (Yes/No)')
  terminal.type('no\r')
  await terminal.sees('nothing was changed')
  await terminal.sees('cui>')
  expect(bench.a.heard.map((request) => request.line)).not.toContain('POST /v1/jobs/DB_Group/switch')
  terminal.type('switch DB_Group\r')
  await terminal.sees('(Yes/No)')
  terminal.type('yes\r')
  await terminal.sees('Send switch Job command succeeded!')
  await terminal.sees('\ncui>')
  terminal.type('exit\r')
  expect(await terminal.exit).toBe(0)
})

test('lines pasted together are run one after the other, and answer the questions between them', async () => {
  await bench.openBoth()
  const terminal = new Terminal(bench.home)
  await terminal.sees('cui>')
  terminal.type('open 192.168.150.152\radministrator\rsecret\rexit\r')
  expect(await terminal.exit).toBe(0)
  expect(terminal.screen).toContain('[RMHW132]: result: Administrator, LicenseState: Valid')
  expect(fs.readFileSync(path.join(bench.home, 'history'), 'utf8')).not.toContain('secret')
})

test.each(['constructor', '__proto__', 'toString'])('%s is no command, though every object has one of that name', async (word) => {
  expect(await bench.cui([word])).toMatchObject({ exitCode: 2, err: expect.stringContaining(`There is no command "${word}".`) })
})
