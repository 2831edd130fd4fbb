import type { JobConfig } from '../../src/model'
import type { KeptRecord } from '../../src/wire/keptState'
import { A, B, JOB, jobConfig, pairConfig } from '../fakes/pairConfig'
import { Desk, owner, peerView, record } from './desk'

const config = (of: Partial<JobConfig> = {}) => pairConfig(jobConfig({ data: null, ...of }))

/** What is on disk by now, if this step has written it. */
const written = (desk: Desk): KeptRecord | undefined => {
  const [first] = desk.actions
  return first?.do === 'persist' ? first.records[JOB] : undefined
}

const fails = (desk: Desk, passedMs = 1_000): Desk => {
  desk.tell({ kind: 'applicationFailed', job: JOB, application: 'POSTGRES', why: 'exit code 1' }, passedMs)
  return desk
}

/** Restarted so often by one engine, which has put that on its disk. The other node is lost: nobody can take the job. */
function restarted(times: number): { kept: KeptRecord; atMs: number } {
  const desk = owner(config()).hear({ peerAlive: false })
  let kept: KeptRecord = record()
  for (let i = 0; i < times; i++) {
    kept = written(fails(desk)) ?? kept
    desk.endAll()
  }
  return { kept, atMs: desk.atMs }
}

/** The next engine finds the job, whose application is not there any more. */
function nextEngine({ kept, atMs }: { kept: KeptRecord; atMs: number }, { bootId = 'this-boot', laterMs = 1_000, found = [] as string[] } = {}): Desk {
  const desk = new Desk(A, config())
  desk.atMs = atMs + laterMs
  desk.tell({ kind: 'booted', bootId, records: { [JOB]: kept } })
  desk.hear({ peerAlive: false })
  return desk.end('observe', null, { held: ['IP-DB_Group'], running: found, data: null })
}

test('a restart is on disk before it begins, with the boot whose clock it is of', () => {
  const desk = fails(owner(config()))
  expect(desk.orders).toEqual(['stop'])
  expect(written(desk)?.restarts).toEqual({ bootId: 'this-boot', done: [{ atMs: desk.atMs, applications: ['POSTGRES'] }] })
})

/** So many restarts by the engine before, then one that the next engine finds to be due. */
const NEXT: [story: string, times: number, next: Parameters<typeof nextEngine>[1], phase: string, counted: number][] = [
  ['the third one is still done', 2, {}, 'online', 3],
  ['three were done by the engine before: no fourth one', 3, {}, 'error', 3],
  ['they are so long ago that they do not count', 3, { laterMs: 600_000 }, 'online', 1],
  ['the first of three does not count any more', 3, { laterMs: 598_500 }, 'online', 3],
  ['another boot begins anew, whatever its clock says', 3, { bootId: 'that-boot' }, 'online', 1]
]
test.each(NEXT)('an engine that restarts counts on: %s', (_story, times, next, phase, counted) => {
  const desk = nextEngine(restarted(times), next)
  if (desk.job.plan !== null) desk.endAll()
  expect(desk.job).toMatchObject({ phase, record: { owner: A } })
  expect(desk.job.restarts).toHaveLength(counted)
})

test('an engine that is restarted after each crash does not restart its application without end', () => {
  let engine = restarted(1)
  for (const phase of ['online', 'online', 'error', 'error', 'error']) {
    const desk = nextEngine(engine)
    engine = { kept: written(desk) ?? engine.kept, atMs: desk.atMs }
    if (desk.job.plan !== null) desk.endAll()
    expect(desk.job.phase).toBe(phase)
  }
})

test.each<[string, (desk: Desk) => unknown]>([
  ['bringin of what is in error', (desk) => desk.command('bringin')],
  ['clearerr', (desk) => desk.command('clearerr')]
])('%s forgets them on disk too', (word, say) => {
  const { kept, atMs } = restarted(3)
  const desk = nextEngine({ kept: { ...kept, errorFlag: word === 'clearerr' ? 'it failed' : null }, atMs })
  if (desk.job.plan !== null) desk.endAll()
  expect(desk.job.restarts).toHaveLength(3)
  desk.hear().peerSays(peerView(B, { errorFlag: 'it failed there too' }, { config: config() }))
  say(desk)
  expect(written(desk)?.restarts).toBeUndefined()
  expect(desk.job.restarts).toEqual([])
})

test('of a restart that an end of the data program took the place of nothing is left, on disk either', () => {
  const desk = fails(owner())
  desk.tell({ kind: 'dataLost', job: JOB, why: 'its process was ended by SIGKILL' })
  expect(written(desk)?.restarts).toMatchObject({ done: [{ applications: [] }] })
})

const FUTURE = { bootId: 'this-boot', done: [{ atMs: 1e12, applications: [] }] }
test.each<[what: string, kept: unknown, why: RegExp]>([
  ['no object', 7, /all of it/],
  ['without a boot', { done: [] }, /bootId/],
  ['times that are none', { bootId: 'this-boot', done: [{ atMs: 'soon', applications: [] }] }, /done\.0\.atMs/],
  ['a time before the boot', { bootId: 'this-boot', done: [{ atMs: -1, applications: [] }] }, /done\.0\.atMs/],
  ['a time to come', FUTURE, /ms in the future/],
  ['more than there can be', { bootId: 'this-boot', done: Array.from({ length: 10_001 }, () => ({ atMs: 1, applications: [] })) }, /done/]
])('what cannot be true is not believed, and that is told: %s', (_what, restarts, why) => {
  const desk = new Desk(A, config())
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: { ...record(), restarts } } })
  expect(desk.logs).toContainEqual(expect.stringMatching(/^warning: DB_Group: how often it was restarted cannot be read \(.*\); it is counted anew$/))
  expect(desk.logs.join()).toMatch(why)
  expect(desk.job.restarts).toEqual([])
})

test('the other node is not told of them', () => {
  const desk = fails(owner(config()))
  expect(JSON.stringify(desk.actions.filter((action) => action.do === 'sendState'))).not.toContain('bootId')
})
