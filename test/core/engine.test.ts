import { createEngine } from '../../agent/engine/createEngine'
import type { Engine } from '../../agent/engine/engine'
import type { JobConfig } from '../../src/model'
import type { CommandAnswer } from '../../src/wire'
import { type FakePorts, fakePair } from '../fakes/fakePorts'
import { A, JOB, jobConfig, pairConfig } from '../fakes/pairConfig'

const WAIT_MS = 20_000
let doors: FakePorts[] = []
let engines: Engine[] = []
afterEach(async () => {
  for (const engine of engines) await engine.stop()
  for (const ports of doors) ports.end()
})

/** Two engines that have heard each other, with the job offline on the first. */
async function pair(job: Partial<JobConfig> = { data: null }): Promise<{ a: Engine; b: Engine; atA: FakePorts; atB: FakePorts; fatal: Promise<unknown> }> {
  const fatal = Promise.withResolvers<unknown>()
  const [atA, atB] = fakePair(pairConfig(jobConfig(job)))
  doors = [atA, atB]
  const start = (ports: FakePorts) => createEngine({ places: ports.places, ports: ports.ports, configHash: 'c0ffee', fatal: fatal.resolve })
  const [a, b] = [await start(atA), await start(atB)]
  engines = [a, b]
  while (a.status().peer === null || b.status().peer === null || !bringinWorks(await dry(a))) await new Promise((resolve) => setTimeout(resolve, 5))
  return { a, b, atA, atB, fatal: fatal.promise }
}

const dry = (engine: Engine): Promise<CommandAnswer | null> => engine.command(JOB, 'bringin', { dryRun: true }, 'root').catch(() => null)
const bringinWorks = (answer: CommandAnswer | null): boolean => answer?.dryRun === true
const ticketOf = (answer: CommandAnswer): string => (answer.dryRun ? '' : answer.ticket)

test('a long poll is answered by the next step, and at the end; typed at the other node it goes there and back', async () => {
  const { b, atA } = await pair()
  const raise = atA.hold('raise')
  const ticket = ticketOf(await b.command(JOB, 'bringin', {}, 'root'))
  expect(ticket).toMatch(/^RMHW131-/)
  const first = await b.ticket(ticket, 0, WAIT_MS)
  expect(first).toMatchObject({ state: 'running', steps: [{ node: A, text: 'Raise VIP 192.168.150.130', state: 'begin' }] })
  const next = b.ticket(ticket, first.nextSince, WAIT_MS)
  raise.go()
  expect((await next).steps[0]).toMatchObject({ text: 'Raise VIP 192.168.150.130', state: 'done' })
  let answer = await b.ticket(ticket, 0, WAIT_MS)
  while (answer.state === 'running') answer = await b.ticket(ticket, answer.nextSince, WAIT_MS)
  expect(answer).toMatchObject({ state: 'done', error: null })
})

test('a poll with nothing new is answered when its time is up; an unknown ticket at once', async () => {
  const { a, b, atA } = await pair()
  atA.hold('raise')
  const ticket = ticketOf(await a.command(JOB, 'bringin', {}, 'root'))
  const { nextSince } = await a.ticket(ticket, 0, WAIT_MS)
  expect(await a.ticket(ticket, nextSince, 20)).toMatchObject({ state: 'running', steps: [] })
  await expect(a.ticket('RMHW131-0', 0, WAIT_MS)).rejects.toMatchObject({
    report: { code: 'E_TICKET_UNKNOWN', message: expect.stringContaining('RMHW131 knows no ticket RMHW131-0') }
  })
  await expect(b.ticket('RMHW131-0', 0, WAIT_MS)).rejects.toMatchObject({ report: { code: 'E_TICKET_UNKNOWN' } })
})

test('a status is waited for: until it is another one, for the one who did and the one who heard of it, or until the time is up', async () => {
  const { a, b } = await pair()
  const [known, knownToB] = [a.status().digest ?? '', b.status().digest ?? '']
  // Heartbeats go on meanwhile, ages and counters change: that is no news.
  expect(await a.statusNews(known, 30)).toMatchObject({ digest: known })
  const [news, newsOfB] = [a.statusNews(known, WAIT_MS), b.statusNews(knownToB, WAIT_MS)]
  await a.command(JOB, 'bringin', {}, 'root')
  expect((await news).digest).not.toBe(known)
  expect((await newsOfB).digest).not.toBe(knownToB)
})

test('a port that does not answer blocks nobody: other commands are decided meanwhile', async () => {
  const { a, atA } = await pair()
  atA.hold('raise')
  await a.command(JOB, 'bringin', {}, 'root')
  await atA.called('raise')
  await expect(a.command(JOB, 'bringin', {}, 'root')).rejects.toMatchObject({ report: { code: 'E_JOB_BUSY' } })
  expect(a.status().self.jobs[JOB]?.phase).toBe('starting')
})

test('what is not on disk is not spoken of; when it cannot be written the engine ends, and whoever waits is told', async () => {
  const { a, atA, fatal } = await pair()
  const save = atA.hold('save')
  const asked = a.command(JOB, 'bringin', {}, 'root')
  const refused = expect(asked).rejects.toMatchObject({ report: { code: 'E_ENGINE_ENDS', exitCode: 3, node: A } })
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(atA.calls).not.toContain('raise')
  expect(a.status().self.jobs[JOB]?.record.desired).toBe('offline')
  save.fail('ENOSPC')
  expect(await fatal).toMatchObject({ message: 'ENOSPC' })
  await refused
  expect(atA.calls).not.toContain('raise')
  await expect(a.command(JOB, 'bringin', {}, 'root')).rejects.toMatchObject({ report: { code: 'E_ENGINE_ENDS' } })
})

test('an engine that ends leaves the job, its data and the heartbeat as they are', async () => {
  const { a, atA } = await pair()
  const ticket = ticketOf(await a.command(JOB, 'bringin', {}, 'root'))
  for (let answer = await a.ticket(ticket, 0, WAIT_MS); answer.state === 'running'; ) answer = await a.ticket(ticket, answer.nextSince, WAIT_MS)
  const before = atA.calls.length
  await a.stop()
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(atA.calls.slice(before).filter((call) => !call.startsWith('send'))).toEqual(['heartbeat.close false'])
})

test('an error flag is cleared on the node that keeps it, typed at the other one', async () => {
  const { a, b } = await pair()
  expect(await a.command(JOB, 'clearerr', { node: 'RMHW132' }, 'root')).toMatchObject({ ticket: expect.stringMatching(/^RMHW132-/) })
  expect(await b.command(JOB, 'clearerr', { node: 'RMHW131' }, 'root')).toMatchObject({ ticket: expect.stringMatching(/^RMHW131-/) })
})

test('what a comparison has found is asked of the owner, wherever it is asked for', async () => {
  const { a, b, atA, atB } = await pair({})
  expect(await b.verifyReport(JOB, 3, 1_000)).toEqual(await a.verifyReport(JOB, 3, 1_000))
  expect(await b.verifyReport(JOB, 3, 5)).toMatchObject({ node: A, job: JOB, folders: ['/srv/db'], report: { from: 3 } })
  expect(atA.calls.filter((call) => call === 'verifyReport')).toHaveLength(3)
  expect(atB.calls).not.toContain('verifyReport')
  await expect(a.verifyReport('Nobody', 0, 1)).rejects.toMatchObject({ report: { code: 'E_JOB_UNKNOWN' } })
})

test('safety is told to the data program before it becomes the source', async () => {
  const { a, atA } = await pair({})
  await a.command(JOB, 'bringin', {}, 'root')
  await atA.called('source')
  expect(atA.calls.filter((call) => call.startsWith('safety') || call === 'source')).toEqual(['safety off', 'source'])
})

test('why is answered by both engines, each for what it decides; one that cannot be reached is said to be so', async () => {
  const { a, b, atA } = await pair()
  const questions = async (engine: Engine) => (await engine.why(JOB)).decisions.map(({ question, node }) => `${question} ${node}`)
  expect(await questions(a)).toEqual(['serve RMHW131', 'switch RMHW131', 'failover RMHW132', 'accept RMHW132'])
  expect(await questions(b)).toEqual(['failover RMHW132', 'accept RMHW132', 'serve RMHW131', 'switch RMHW131'])
  await expect(a.why('NoSuchJob')).rejects.toMatchObject({ report: { code: 'E_JOB_UNKNOWN' } })
  atA.other = null
  const alone = await a.why(JOB)
  expect(alone.decisions.map(({ question }) => question)).toEqual(['serve', 'switch'])
  expect(alone.unheard).toContain('the peer cannot be reached')
})
