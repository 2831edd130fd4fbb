import { nextTold } from '../../src/core'
import type { JobRecord } from '../../src/model'
import { type NodeView, PEER_STATE_INTERVAL_MS } from '../../src/wire'
import { A, B } from '../fakes/pairConfig'
import { Desk, peerView, record } from './desk'

const says = (desired: JobRecord['desired'], change: Partial<NodeView>): NodeView => ({ ...peerView(A, { desired }), ...change })

/** The owner was brought out, and this was heard; then something else arrives. */
function afterBringout(then: NodeView): JobRecord['desired'] | undefined {
  const mirror = new Desk(B).boot(record()).hear()
  mirror.peerSays(says('online', { number: 3 }))
  mirror.peerSays(says('offline', { number: 5 }))
  return mirror.peerSays(then).job.record.desired
}

test.each<[story: string, then: NodeView, desired: JobRecord['desired']]>([
  ['a message of before that was overtaken says nothing', says('online', { number: 4 }), 'offline'],
  ['the same one once more neither', says('offline', { number: 5 }), 'offline'],
  ['the next one does', says('online', { number: 6 }), 'online'],
  ['so does the first one of the next engine', says('online', { number: 1, incarnation: `${A}-2` }), 'online'],
  ['so does one of a version that does not count', says('online', {}), 'online']
])('%s', (_story, then, desired) => expect(afterBringout(then)).toBe(desired))

test('each message to the other node has the next number, and so has the last one of an engine that leaves', () => {
  const desk = new Desk(A).boot(record()).hear()
  const told = (): (number | undefined)[] => desk.actions.flatMap((action) => (action.do === 'sendState' ? [action.view.number] : []))
  expect(told()).toEqual([1])
  desk.tell({ kind: 'ticked', heartbeat: null }, PEER_STATE_INTERVAL_MS)
  expect(told()).toEqual([2])
  expect(nextTold(desk.state).number).toBe(3)
})
