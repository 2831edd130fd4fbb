import { decide, type Decision, type SourceCopy, type TargetCopy } from '../../../src/core/mirroring/decide'

const source: SourceCopy = {
  roleSequence: 5,
  session: 'session',
  keptAfterLsn: 100,
  acknowledgedLsn: 100,
  lineage: 'lineage',
  dirtyKnown: true,
  equal: false,
  selected: false,
  mirrorWanted: false
}
const target: TargetCopy = {
  session: 'session',
  lineage: 'lineage',
  receivedLsn: 100,
  copyComplete: true,
  diverged: false,
  exposed: false,
  dirty: 'none',
  sourceOf: []
}
type Row = [story: string, source: Partial<SourceCopy>, target: Partial<TargetCopy>, decision: Decision]

const stranger = { session: 'another', lineage: 'another' }
const oldSource = { session: null, sourceOf: [4], dirty: 'follows' } as const

const rows: Row[] = [
  ['the same stream, all frames kept', {}, {}, 'resume'],
  ['the same stream, the target has more than was acknowledged', {}, { receivedLsn: 140 }, 'resume'],
  ['the same stream in the middle of a mirror', {}, { copyComplete: false }, 'resume'],
  ['the same stream, but the target has lost what it said was hard', {}, { receivedLsn: 99 }, 'verify'],
  ['the same, and the queue did not suffice', { keptAfterLsn: null }, { receivedLsn: 99 }, 'verify'],
  ['the target speaks of a stream before the one in which it was heard', {}, { session: 'another' }, 'verify'],
  ['the target has not heard of the stream that began last', { acknowledgedLsn: null }, { session: 'another' }, 'difference'],
  ['the same stream, the queue did not suffice', { keptAfterLsn: null }, {}, 'difference'],
  ['the queue did not suffice, and the dirty map is damaged', { keptAfterLsn: null, dirtyKnown: false }, {}, 'verify'],
  ['the queue did not suffice in the middle of a first mirror', { keptAfterLsn: null, lineage: null }, { copyComplete: false }, 'verify'],
  ['an equal target that was never heard in this stream', { equal: true }, stranger, 'adopt'],
  ['an equal target, by the engine, that says it is not complete', { equal: true }, { ...stranger, copyComplete: false }, 'verify'],
  ['an equal target that was heard already, and has lost its stream', { equal: false }, { session: null }, 'difference'],
  ['an equal target, and the queue did not suffice before it came', { equal: true, keptAfterLsn: null }, { session: null }, 'difference'],
  ['a source that crashed and comes back', { session: null, keptAfterLsn: null, acknowledgedLsn: null }, {}, 'difference'],
  ['a source that crashed with a damaged dirty map', { session: null, keptAfterLsn: null, dirtyKnown: false }, {}, 'verify'],
  ['an old source that returns and says what it has of its own', {}, oldSource, 'difference'],
  ['an old source whose dirty map is damaged', {}, { ...oldSource, dirty: 'unknown' }, 'verify'],
  ['an old source whose copy counts as incomplete', {}, { ...oldSource, dirty: 'unknown', copyComplete: false }, 'verify'],
  ['a whole copy of another lineage', {}, stranger, 'verify'],
  ['a folder that never held a copy', {}, { session: null, lineage: null, copyComplete: false }, 'mirror'],
  ['a lineage that nobody has, on both sides', { lineage: null }, { session: null, lineage: null, copyComplete: true }, 'verify'],
  ['it went on writing when this side had taken over', {}, { ...oldSource, diverged: true }, 'manually'],
  ['both were the source in one role sequence', {}, { sourceOf: [3, 5] }, 'manually'],
  ['the same, in the stream that was', {}, { sourceOf: [5], session: 'session' }, 'manually'],
  ['it had gone on without this side before it was replaced', {}, { ...oldSource, exposed: true }, 'manually'],
  ['exposed, but never a source before this one', {}, { exposed: true, sourceOf: [] }, 'resume'],
  ['an administrator wants a mirror', { mirrorWanted: true }, {}, 'mirror'],
  ['an administrator wants a mirror of a side that nobody has chosen', { mirrorWanted: true }, { diverged: true }, 'manually'],
  ['chosen: both know what they changed', { selected: true }, { ...oldSource, diverged: true }, 'difference'],
  ['chosen: the other one does not know what it changed', { selected: true }, { ...oldSource, diverged: true, dirty: 'unknown' }, 'verify'],
  ['chosen: the other one never held a copy', { selected: true }, { session: null, lineage: null, copyComplete: false, diverged: true }, 'mirror'],
  ['chosen: what is in the stream would not remove what the other has of its own', { selected: true }, { diverged: true }, 'difference'],
  ['chosen, and a full mirror is wanted', { selected: true, mirrorWanted: true }, { diverged: true }, 'mirror']
]

test.each(rows)('%s', (_story, ours, theirs, decision) => {
  expect(decide({ ...source, ...ours }, { ...target, ...theirs })).toBe(decision)
})
