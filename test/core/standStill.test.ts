import { whyNotStill } from '../../src/core'
import type { Config, JobRecord } from '../../src/model'
import { A, B, JOB, jobConfig, pairConfig } from '../fakes/pairConfig'
import { Desk, heartbeat, owner, peerView, standby, withoutData } from './desk'

const whys = (desk: Desk): string[] => whyNotStill(desk.state, desk.job)
const other = jobConfig({ name: 'WEB' })
const two = (): Config => ({ ...pairConfig(), jobs: { [JOB]: jobConfig({}), WEB: other } })

function links(up: number): Desk {
  const desk = standby()
  const facts = heartbeat(desk.config, B, {})
  return desk.hear({ links: facts.links.map((link, i) => ({ ...link, up: i < up, state: i < up ? ('ok' as const) : ('error' as const) })) })
}

/** WEB is served by the node that is to stand still. */
function servesAnother(): Desk {
  const desk = standby({}, two())
  const web = desk.state.jobs['WEB']!
  desk.state = { ...desk.state, jobs: { ...desk.state.jobs, WEB: { ...web, record: { ...web.record, owner: B, desired: 'online' } } } }
  return desk
}

const recorded = (changes: Partial<JobRecord>) => () => standby(changes)

const TABLE: [story: string, given: () => Desk, why: RegExp | null][] = [
  ['a standby, and all is well', () => standby(), null],
  ['the active node', () => owner().peerSays(peerView(B, {})), /^it is the active node of DB_Group: what it serves would go on while RMHW132 takes it over$/],
  ['it serves another job', servesAnother, /^it is the active node of WEB too, which would be without its agent$/],
  ['the other node is not heard', () => standby().hear({ peerAlive: false }), /RMHW131 is not heard/],
  ['the engine there is silent', () => standby().hear({ peerEngineSilentMs: 4_000 }), /RMHW131 is not heard/],
  ['two links of three', () => links(2), null],
  ['one link of three', () => links(1), /less than two heartbeat links are up/],
  ['not in sync', recorded({ mirrorInSync: false }), /DB_Group is in jeopardy: the copy on RMHW132 is not in sync/],
  ['both copies may hold changes', recorded({ needToVerify: 'Manually' }), /need to verify of DB_Group is Manually/],
  ['brought out, nothing can be lost', recorded({ desired: 'offline' }), null],
  ['without data', () => standby({}, withoutData()), /DB_Group has no data that RMHW132 receives/],
  [
    'high protection',
    () => standby({}, pairConfig(jobConfig({ mode: 'high-protection' }))),
    /high-protection: RMHW131 would have no quorum, and stop serving it/
  ],
  ['it shuts down', () => shutDown(standby()), /it shuts down/]
]

function shutDown(desk: Desk): Desk {
  desk.tell({ kind: 'shutdownBegun' })
  return desk
}

test.each(TABLE)('may a drill let this node stand still? %s', (_story, given, why) => {
  const found = whys(given())
  if (why === null) expect(found).toEqual([])
  else expect(found).toEqual(expect.arrayContaining([expect.stringMatching(why)]))
})

test('whoever serves says only that, however the pair stands', () => {
  expect(whys(owner().hear({ peerAlive: false }))).toHaveLength(1)
  expect(owner().state.node).toBe(A)
})
