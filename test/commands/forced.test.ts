import type { CommandRequest } from '../../src/wire'
import { Bench } from './harness'

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
})
afterEach(() => bench.down())

const WARNING = ['RMHW131 is not heard (its agent: 12.0 s ago). If it lives and serves DB_Group, both nodes serve it and their data goes apart.']
const loss = { none: false, files: null, bytes: 4_096, changes: 3, seconds: 7, bound: 'the last writes may be missing' }

function ownerIs(phase: 'online' | 'offline'): void {
  const job = bench.a.status.self.jobs.DB_Group
  if (job === undefined) throw new Error('no job')
  job.phase = phase
}

function dangerous(): CommandRequest[] {
  const sent: CommandRequest[] = []
  for (const agent of [bench.a, bench.b])
    agent.onCommand = (_job, _command, body) => {
      sent.push(body)
      return body.dryRun
        ? { dryRun: true, steps: ['Take ownership by force'], danger: { warning: WARNING, state: 'S-1', loss } }
        : { dryRun: false, ticket: 'T-1' }
    }
  return sent
}

test('forcetake without a terminal: refused with the warning, until the job is named once more', async () => {
  const sent = dangerous()
  ownerIs('offline')
  const refused = await bench.cui(['forcetake', 'DB_Group', '--node', 'RMHW132'])
  expect(refused.exitCode).toBe(5)
  expect(refused.err).toBe(`${WARNING[0]} Nothing was changed.\nTry: forcetake DB_Group --node RMHW132 --confirm DB_Group\n`)
  expect(sent).toEqual([{ dryRun: true }])
  expect((await bench.cui(['forcetake', 'DB_Group', '--node', 'RMHW132', '--confirm', 'OtherJob'])).exitCode).not.toBe(0)
  const done = await bench.cui(['forcetake', 'DB_Group', '--node', 'RMHW132', '--confirm', 'DB_Group', '--reason', 'power cut'])
  expect(done.exitCode).toBe(0)
  expect(done.out.split('\n').slice(0, 2)).toEqual([WARNING[0], 'Send forcetake Job command succeeded!'])
  expect(sent.at(-1)).toEqual({ confirm: 'S-1', reason: 'power cut' })
  expect(bench.b.heard.map(({ line }) => line)).toContain('POST /v1/jobs/DB_Group/forcetake')
})

test('forcetake is refused where the other node tells the shell that it serves, whatever the forced one hears', async () => {
  const sent = dangerous()
  ownerIs('online')
  const refused = await bench.cui(['forcetake', 'DB_Group', '--node', 'RMHW132', '--confirm', 'DB_Group', '--json'])
  expect(JSON.parse(refused.out).error).toMatchObject({ code: 'E_FORCE_SEEN_SERVING', exitCode: 5 })
  expect((await bench.cui(['forcetake', 'DB_Group', '--node', 'RMHW132', '--dry-run'])).err).toContain('RMHW131 serves DB_Group')
  expect(sent.every(({ dryRun }) => dryRun)).toBe(true)
})

test('the dry run lists what may be lost, in words and for programs, and sends no order', async () => {
  const sent = dangerous()
  const { out } = await bench.cui(['forcetake', 'DB_Group', '--dry-run'])
  expect(out).toBe(`${WARNING[0]}\nforcetake DB_Group would do:\n  1. Take ownership by force\n`)
  const json = JSON.parse((await bench.cui(['forcetake', 'DB_Group', '--dry-run', '--json'])).out)
  expect(json).toMatchObject({ command: 'forcetake', dryRun: true, warning: WARNING, loss })
  expect(sent.every(({ dryRun }) => dryRun)).toBe(true)
})

test('bringout asks for the code only where it is a forced one, in a runbook too', async () => {
  const sent = dangerous()
  expect((await bench.cui(['bringout', 'DB_Group', '--yes'])).exitCode).toBe(5)
  expect((await bench.cui([], 'bringout DB_Group --confirm DB_Group\n')).exitCode).toBe(0)
  expect(sent.at(-1)).toEqual({ confirm: 'S-1' })
  bench.a.onCommand = (_job, _command, body) => (body.dryRun ? { dryRun: true, steps: [] } : { dryRun: false, ticket: 'T-1' })
  expect((await bench.cui(['bringout', 'DB_Group', '--yes'])).exitCode).toBe(0)
})

test('takeover goes to the owner; help has its usage and an example', async () => {
  expect((await bench.cui(['takeover', 'DB_Group', '--no-wait'])).out).toBe('Send takeover Job command succeeded!\nTicket: T-1\n')
  expect(bench.a.heard.at(-1)?.line).toBe('POST /v1/jobs/DB_Group/takeover')
  for (const word of ['takeover', 'forcetake']) expect((await bench.cui(['help', word])).out).toContain(`Example:  cui>${word} DB_Group`)
})
