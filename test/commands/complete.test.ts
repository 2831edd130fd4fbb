import fs from 'node:fs'
import path from 'node:path'
import { COMMANDS } from '../../commands'
import { Completer } from '../../commands/complete/completer'
import { placesOf, valuesOf } from '../../commands/complete/usage'
import type { Context } from '../../commands/context'
import { Store } from '../../commands/kit/store'
import { Bench } from './harness'
import { Terminal } from './terminal'

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
})
afterEach(() => bench.down())

async function offered(line: string): Promise<string[]> {
  const context = { store: new Store({ MIRRORPAIR_HOME: bench.home }), commands: COMMANDS, use: { node: null, job: null } } as unknown as Context
  return (await new Completer(context).complete(line))[0]
}

test('a usage line names what stands at each place, and what may follow an option', () => {
  expect(placesOf('mirror JOB start|stop [--yes]')).toEqual([['JOB'], ['start', 'stop']])
  expect(placesOf('wait JOB online|offline [--timeout 60s], or wait TICKET')).toEqual([['JOB'], ['online', 'offline']])
  expect(placesOf('license show|install [FILE|NODE] [NODE] [--yes]')).toEqual([['show', 'install'], ['FILE', 'NODE'], ['NODE']])
  expect(valuesOf('log [--follow] [--level info|warning|error] [--json]', '--level')).toEqual(['info', 'warning', 'error'])
  expect(valuesOf('open ADDRESS [--password-file FILE|--token-file FILE]', '--token-file')).toEqual(['FILE'])
  expect(valuesOf('vip add JOB [--nic NIC[,NIC]|auto] [--yes]', '--nic')).toEqual(['NIC[,NIC]', 'auto'])
  expect(valuesOf('vip add JOB [--nic NIC] [--yes]', '--yes')).toEqual([])
})

test.each([
  ['resource DB_Group MS', ['MSSQLSERVER ']],
  ['drill DB_Group kill-app SQL', ['SQLSERVERAGENT ']],
  ['drill DB_Group cut-link link-', ['link-0', 'link-1']],
  ['drill DB_Group freeze-peer ', ['RMHW131', 'RMHW132']],
  ['log --level w', ['warning ']],
  ['log --job D', ['DB_Group ']],
  ['log --node RMHW131 --job D', ['DB_Group ']],
  ['verify DB_Group start --mode ', ['full', 'difference']],
  ['job create Web --mode high-a', ['high-availability ']],
  ['allstate --node RMHW132', ['RMHW132 ']],
  // An option and its value count for no place.
  ['mirror --timeout 60s DB_Group sto', ['stop ']],
  ['help swi', ['switch ']],
  // The code is there to be typed.
  ['forcetake DB_Group --confirm ', []],
  ['nothing ', []]
])('Tab after "%s"', async (line, words) => {
  await bench.openBoth()
  const found = await offered(line)
  expect(found.toSorted()).toEqual(words.toSorted())
})

test('Tab completes files: a folder goes on with its slash, what needs quotes and what is hidden is left out', async () => {
  const folder = path.join(bench.home, 'books')
  fs.mkdirSync(path.join(folder, 'annex'), { recursive: true })
  for (const name of ['os-update.runbook', 'two words', '.hidden', '복구.runbook']) fs.writeFileSync(path.join(folder, name), '')
  expect(await offered(`run ${bench.home}/boo`)).toEqual([`${folder}/`])
  expect(await offered(`run ${folder}/`)).toEqual(['annex/', 'os-update.runbook', '복구.runbook'].map((name) => `${folder}/${name}`))
  expect(await offered(`run ${folder}/os`)).toEqual([`${folder}/os-update.runbook `])
  expect(await offered(`config apply ${folder}/.h`)).toEqual([`${folder}/.hidden `])
  expect(await offered(`license install ${folder}/an`)).toEqual([`${folder}/annex/`])
  expect(await offered(`open A --password-file ${folder}/none/`)).toEqual([])
})

test('Tab typed twice in one breath completes once', async () => {
  await bench.openBoth()
  const terminal = new Terminal(bench.home)
  await terminal.sees('cui>')
  // At the first prompt readline itself keeps a pasted Tab from completing.
  terminal.type('version\r')
  await terminal.sees('\ncui>')
  terminal.type('upgrade DB_Group \t\t')
  await terminal.sees('upgrade DB_Group RMHW13')
  terminal.type('1\r')
  await terminal.sees('(Yes/No)')
  expect(terminal.screen).toContain('upgrade DB_Group RMHW131\n')
  terminal.type('no\r')
  await terminal.sees('\ncui>')
  terminal.type('exit\r')
  await terminal.exit
})
