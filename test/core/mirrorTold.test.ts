import type { MirrordStatus } from '../../src/wire'
import { A, JOB } from '../fakes/pairConfig'
import { dataStatus, Desk, owner, record } from './desk'

type Word = MirrordStatus['mirror']['state']
const mirror = (state: Word, percent = 40) => ({ state, percent, leftBytes: 1, leftMs: null })
const WALKS = { role: 'source', connected: true, mirror: mirror('Mirror'), needToVerify: 'Yes' } as const
const SENT = { ...WALKS, mirror: mirror('Idle', 100) }
const WHOLE = { ...SENT, needToVerify: 'No' } as const
const STOPPED = { ...WALKS, mirror: mirror('Stop', 54) }
const PAUSED = { ...WALKS, mirror: mirror('Pause') }
const FAULT = { code: 'E_WALK', message: 'the walk failed: EIO' }

/** What the data program says, a second apart, and what the log tells of the mirror. */
const STORIES: [story: string, says: Partial<MirrordStatus>[], told: string[]][] = [
  ['it comes to its end', [WALKS, WHOLE], ['begin', 'completed, time used: 1s.']],
  ['all is sent, and the target has it later', [WALKS, SENT, SENT, WHOLE], ['begin', 'completed, time used: 3s.']],
  ['it is stopped', [WALKS, STOPPED], ['begin', 'stopped before its end, at 54%']],
  ['it fails', [WALKS, { ...STOPPED, fault: FAULT }], ['begin', 'stopped before its end, at 54%: the walk failed: EIO']],
  ['it is stopped, and begun again', [WALKS, STOPPED, WALKS, WHOLE], ['begin', 'stopped before its end, at 54%', 'begin', 'completed, time used: 1s.']],
  ['a pause is no end and no beginning', [WALKS, PAUSED, WALKS, PAUSED, WALKS, WHOLE], ['begin', 'completed, time used: 5s.']],
  ['it is stopped in a pause', [WALKS, PAUSED, STOPPED], ['begin', 'stopped before its end, at 54%']],
  ['the job is brought out meanwhile', [WALKS, { role: 'none', mirror: mirror('Stop', 0) }], ['begin', 'stopped before its end, at 40%']],
  ['all is sent and the connection ends: it is not known, and another one begins', [WALKS, { ...SENT, connected: false }, WALKS], ['begin', 'begin']],
  ['nothing runs', [SENT, STOPPED, WHOLE], []]
]
test.each(STORIES)('what is told of a full mirror: %s', (_story, says, told) => {
  const desk = owner()
  const lines: string[] = []
  for (const status of says) {
    desk.tell({ kind: 'dataStatusChanged', job: JOB, status: dataStatus({ roleSequence: desk.job.record.roleSequence, ...status }) }, 1_000)
    lines.push(...desk.logs.flatMap(inShort))
  }
  expect(lines).toEqual(told)
})

function inShort(line: string): string[] {
  if (line === `info: Begin to execute full mirror of the connection(${JOB}).`) return ['begin']
  const [, end] = /^(?:info|warning): The mirror of the connection DB_Group (?:is|has) (.*)$/.exec(line) ?? []
  return end === undefined ? [] : [end]
}

test('an engine that starts while it runs tells its end, and not that it begins', () => {
  const desk = new Desk(A)
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record() } })
  const status = dataStatus({ ...WALKS, roleSequence: 1 })
  desk.end('observe', null, { held: ['IP-DB_Group'], running: ['POSTGRES', 'AGENT'], data: { ran: true, status } })
  expect(desk.logs.flatMap(inShort)).toEqual([])
  desk.dataSays(WHOLE)
  expect(desk.logs.flatMap(inShort)).toEqual(['completed.'])
})

test('of one whose data program is lost nothing is told: the next one begins anew', () => {
  const desk = owner()
  desk.dataSays(WALKS)
  desk.tell({ kind: 'dataLost', job: JOB, why: 'its program died' })
  desk.endAll()
  desk.dataSays(WHOLE)
  expect(desk.logs.flatMap(inShort)).toEqual([])
})
