import { statusAnswer } from '../../src/core'
import { B } from '../fakes/pairConfig'
import { type Desk, owner, peerView, standby } from './desk'

const problems = (desk: Desk): string[] =>
  statusAnswer(desk.state, { atMs: desk.atMs, wallMs: 0, utcOffsetMinutes: 0, heartbeat: desk.state.heartbeat }).problems

/** What is not as it should be, in plain sentences. */
const SENTENCES: [story: string, given: () => Desk, sentence: string | null][] = [
  ['all is well', () => owner().peerSays(peerView(B, {})), null],
  ['the files differ', () => owner().peerSays(peerView(B, {}, { configHash: 'other' })), 'the configurations of RMHW131 and RMHW132 differ'],
  ['the peer is lost', () => owner().hear({ peerAlive: false }), 'RMHW131 hears RMHW132 on no heartbeat link'],
  ['the peer has shut down', () => owner().hear({ peerAlive: false, peerLeaving: true }), 'RMHW132 has shut down; RMHW131 is alone until it comes back'],
  ['its engine is silent', () => owner().hear({ peerEngineSilentMs: 6_000 }), 'RMHW132 lives, but its engine has been silent for more than 5 s'],
  ['a flag is kept', () => standby({ errorFlag: 'it ended at once' }), 'RMHW132 keeps an error flag for DB_Group: it ended at once'],
  ['the copy is not whole', () => standby({ copyComplete: false }), 'the copy of DB_Group on RMHW132 is not complete: it cannot take over']
]
test.each(SENTENCES)('%s', (_story, given, sentence) => expect(problems(given())).toEqual(sentence === null ? [] : [sentence]))
