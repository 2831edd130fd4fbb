import { statusAnswer } from '../../src/core'
import type { MirrordStatus } from '../../src/wire'
import { STATUS_DEFAULTS } from '../fakes/dataDefaults'
import { B } from '../fakes/pairConfig'
import { type Desk, owner, peerView, standby, withMode } from './desk'

const problems = (desk: Desk): string[] =>
  statusAnswer(desk.state, { atMs: desk.atMs, wallMs: 0, utcOffsetMinutes: 0, heartbeat: desk.state.heartbeat }).problems

/** What is not as it should be, in plain sentences. */
const SENTENCES: [story: string, given: () => Desk, sentence: string | null][] = [
  ['all is well', () => owner().peerSays(peerView(B, {})), null],
  [
    'the files differ',
    () => owner().peerSays(peerView(B, {}, { configHash: 'other' })),
    'the configurations of RMHW131 and RMHW132 differ: config apply FILE brings one to both'
  ],
  ['the peer is lost', () => owner().hear({ peerAlive: false }), 'RMHW131 hears RMHW132 on no heartbeat link'],
  ['the peer has shut down', () => owner().hear({ peerAlive: false, peerLeaving: true }), 'RMHW132 has shut down; RMHW131 is alone until it comes back'],
  ['its engine is silent', () => owner().hear({ peerEngineSilentMs: 6_000 }), 'RMHW132 lives, but its engine has been silent for more than 5 s'],
  ['a flag is kept', () => standby({ errorFlag: 'it ended at once' }), 'RMHW132 keeps an error flag for DB_Group: it ended at once'],
  ['the mirror is not in sync', () => standby({ mirrorInSync: false }), 'the copy of DB_Group on RMHW132 is not in sync: it does not take over by itself'],
  [
    'it is exposed',
    () => serving({ session: { ...SESSION, exposedSinceMs: -120_000 } }),
    'DB_Group has been exposed for 2 min: the mirror does not receive, a crash of RMHW131 would lose data'
  ],
  [
    'applications wait',
    () => serving({ session: { ...SESSION, safety: 'full', exposure: 'wanted' } }),
    'applications of DB_Group wait for RMHW132: it is not recorded yet that they may go on without it'
  ],
  [
    'redo has failed there',
    () => serving({ session: { ...SESSION, state: 'SUSPENDED', why: 'redo on RMHW132: no space left' } }),
    'the mirroring of DB_Group is SUSPENDED: redo on RMHW132: no space left; transmit DB_Group resume goes on'
  ],
  ['the page file fills', () => serving({ pagefileBytes: 1000 * 1024 ** 2 }), 'the page file of DB_Group is nearly full: 1000.0 MiB of 1.0 GiB'],
  ['the redo queue fills', () => serving({ redoQueueBytes: 1000 * 1024 ** 2 }), 'the redo queue of DB_Group is nearly full: 1000.0 MiB of 1.0 GiB'],
  ['the data has a fault', () => serving({ fault: { code: 'E_WALK', message: 'the walk failed' } }), 'the data of DB_Group on RMHW131: the walk failed'],
  ['the copy is not whole', () => standby({ copyComplete: false }), 'the copy of DB_Group on RMHW132 is not complete: it cannot take over']
]

const SESSION = { ...STATUS_DEFAULTS.session }
const serving = (change: Partial<MirrordStatus>): Desk => {
  const desk = owner().dataSays({ role: 'source', connected: true, ...change })
  // The clock of the sentences stands at 0.
  desk.state = { ...desk.state, wallMs: 0 }
  return desk
}

test.each(SENTENCES)('%s', (_story, given, sentence) => expect(problems(given())).toEqual(sentence === null ? [] : [sentence]))

test.each([
  ['high-availability' as const, ['the configuration of RMHW131 is agreed by nobody: RMHW131 has no vote until RMHW132 goes by the same one']],
  // Nobody votes.
  ['guide' as const, []]
])('a file that was edited by hand, mode %s', (mode, sentences) => {
  const desk = owner(withMode(mode))
  desk.state = { ...desk.state, configAgreed: false }
  expect(problems(desk).filter((line) => line.includes('configuration'))).toEqual(sentences)
})

test('what a detachment has stopped goes on when the job is watched again, not by a command that is refused meanwhile', () => {
  const desk = serving({ replication: 'Pause', session: { ...SESSION, state: 'SUSPENDED', why: 'paused on RMHW131' } })
  desk.job.record = { ...desk.job.record, detached: { sinceMs: 0, by: 'kim', reason: null, untilMs: null, stopData: true }, detachSequence: 1 }
  expect(problems(desk)).toContain('the mirroring of DB_Group is SUSPENDED: paused on RMHW131; bringin DB_Group goes on')
})

test('an owner whose data link is cut says so, and how much may differ', () => {
  const cut = serving({ connected: false, dirtyBytes: 8 * 1024 ** 2, session: { ...SESSION, state: 'DISCONNECTED', why: 'no answer on link-0' } })
  expect(problems(cut)).toEqual(['the data of DB_Group is not connected to RMHW132: no answer on link-0', '8.0 MiB of DB_Group may differ on RMHW132'])
})
