import type { VoteMessage, VoteReply } from '../../src/wire'
import { voteMessageSchema, voteReplySchema } from '../../src/wire/voteSchemas'

const ballot = { roleSequence: 3, owner: 'RMHW131', mirrorInSync: true, syncSequence: 2, configVersion: 1 }
const message: VoteMessage = { job: 'DB_Group', from: 'RMHW131', peer: 'RMHW132', sender: 'a1', number: 7, voter: null, ballot, ask: { do: 'renew' } }
const reply: VoteReply = { number: 7, incarnation: 'w1', granted: false, why: 'blank', ballot: null, leasedTo: '' }

test.each([
  ['a renewal', message],
  ['a release', { ...message, ask: { do: 'release' } }],
  ['a report', { ...message, ask: { do: 'report' } }],
  ['a proposal', { ...message, voter: 'w1', ask: { do: 'propose', ballot: { ...ballot, roleSequence: 4 } } }],
  ['what a newer version adds', { ...message, colour: 'red' }]
])('%s is understood', (_what, value) => expect(voteMessageSchema.parse(value)).toEqual(value))

test.each([
  ['a question of another version', { ...message, ask: { do: 'abdicate' } }],
  ['a proposal of nothing', { ...message, ask: { do: 'propose' } }],
  ['a name without end', { ...message, job: 'x'.repeat(257) }],
  ['a number below zero', { ...message, number: -1 }],
  ['half a role sequence', { ...message, ballot: { ...ballot, roleSequence: 0.5 } }]
])('%s is refused', (_what, value) => expect(voteMessageSchema.safeParse(value).success).toBe(false))

test('a reply is understood, and one with an unknown reason is not', () => {
  expect(voteReplySchema.parse(reply)).toEqual(reply)
  expect(voteReplySchema.safeParse({ ...reply, why: 'mood' }).success).toBe(false)
})
