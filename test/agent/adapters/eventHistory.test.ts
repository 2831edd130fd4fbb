import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { EventHistory } from '../../../agent/adapters/eventHistory'
import { EVENTS_PAGE_MAX, type EventsQuery } from '../../../src/wire'

let directory: string
const file = (): string => path.join(directory, 'events.jsonl')
beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'events-'))))
afterEach(() => fs.rmSync(directory, { recursive: true }))

const ask = (query: Partial<EventsQuery> = {}): EventsQuery => ({
  since: null,
  max: EVENTS_PAGE_MAX,
  level: 'info',
  job: null,
  fromMs: 0,
  toMs: Number.MAX_SAFE_INTEGER,
  waitMs: 0,
  ...query
})
const texts = async (history: EventHistory, query: Partial<EventsQuery> = {}): Promise<string[]> =>
  (await history.find(ask(query))).events.map(({ text }) => text)

function filled(): EventHistory {
  const history = new EventHistory(file())
  history.add({ atMs: 1_000, level: 'info', job: 'DB_Group', text: 'one' })
  history.add({ atMs: 2_000, level: 'warning', job: null, text: 'two' })
  history.add({ atMs: 3_000, level: 'error', job: 'DB_Group', text: 'three' })
  return history
}

test.each<[Partial<EventsQuery>, string[]]>([
  [{}, ['one', 'two', 'three']],
  [{ max: 2 }, ['two', 'three']],
  [{ since: 0, max: 2 }, ['one', 'two']],
  [{ since: 2 }, ['three']],
  [{ level: 'warning' }, ['two', 'three']],
  [{ job: 'DB_Group', level: 'error' }, ['three']],
  [{ fromMs: 2_000, toMs: 2_000 }, ['two']]
])('%j answers %j', async (query, expected) => {
  expect(await texts(filled(), query)).toEqual(expected)
})

test('who asks page by page sees each event once', async () => {
  const history = filled()
  const seen: string[] = []
  for (let since = 0; ; ) {
    const { events, nextSince } = await history.find(ask({ since, max: 2 }))
    if (events.length === 0) break
    seen.push(...events.map(({ text }) => text))
    since = nextSince
  }
  expect(seen).toEqual(['one', 'two', 'three'])
})

test('a follower is answered by what happens, and at the latest when its time is up', async () => {
  const history = filled()
  const waiting = texts(history, { since: 3, waitMs: 20_000 })
  history.add({ atMs: 4_000, level: 'info', job: null, text: 'four' })
  expect(await waiting).toEqual(['four'])
  expect(await texts(history, { since: 4, waitMs: 20 })).toEqual([])
})

test('a restart goes on with numbers that nobody has seen, even when a power cut has taken the newest lines', async () => {
  const before = filled()
  await before.flushed()
  const { nextSince } = await before.find(ask())
  const lines = fs.readFileSync(file(), 'utf8').split('\n')
  fs.writeFileSync(file(), `${lines[0]}\n${lines[1]!.slice(0, 20)}`)
  const after = new EventHistory(file())
  after.add({ atMs: 5_000, level: 'info', job: null, text: 'five' })
  expect(await texts(after, { since: nextSince })).toEqual(['five'])
  expect(await texts(after)).toEqual(['one', 'five'])
  await after.flushed()
  expect(await texts(new EventHistory(file()))).toEqual(['one', 'five'])
})

test('a history that was replaced by another is told from its beginning', async () => {
  expect(await texts(filled(), { since: 9_999, waitMs: 20_000 })).toEqual(['one', 'two', 'three'])
})
