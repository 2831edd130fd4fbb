import { Loop, QUEUE_EVENTS_MAX, type LoopHands } from '../../agent/loop'
import { initialState, type Action } from '../../src/core'
import { A, pairConfig } from '../fakes/pairConfig'

const heartbeat = {
  start: async () => undefined,
  reconfigure: async () => undefined,
  view: () => ({ links: [], peerAlive: false, peerEngineSilentMs: 0, peerLeaving: false }),
  hold: () => undefined,
  leaving: () => undefined,
  close: async () => undefined
}
const clock = { nowMs: () => 0, bootId: () => 'this-boot', wallMs: () => 0, after: () => () => undefined }

function loopWith(persist: LoopHands['persist']) {
  const said: string[] = []
  const ended = Promise.withResolvers<unknown>()
  const settled = Promise.withResolvers<void>()
  const perform = (action: Action): void => {
    said.push(action.do)
    if (action.do === 'order') settled.resolve()
  }
  const state = initialState({ node: A, config: pairConfig(), configHash: 'c', incarnation: 'i' })
  const loop = new Loop(state, { clock, heartbeat }, { persist, perform, published: () => said.push('published'), fatal: ended.resolve })
  return { loop, said, ended: ended.promise, settled: settled.promise }
}

test('nothing is said or done before it is on disk', async () => {
  const disk = Promise.withResolvers<void>()
  const { loop, said, settled } = loopWith(() => disk.promise)
  loop.emit({ kind: 'booted', bootId: 'this-boot', records: null })
  loop.emit({ kind: 'ticked', heartbeat: null })
  await Promise.resolve()
  expect(said).toEqual([])
  disk.resolve()
  await settled
  expect(said.slice(0, 3)).toEqual(['published', 'log', 'order'])
})

test('what cannot be persisted ends the engine, with nothing said', async () => {
  const { loop, said, ended } = loopWith(() => Promise.reject(new Error('ENOSPC')))
  loop.emit({ kind: 'booted', bootId: 'this-boot', records: null })
  expect(await ended).toMatchObject({ message: 'ENOSPC' })
  loop.emit({ kind: 'ticked', heartbeat: null })
  await Promise.resolve()
  expect(said).toEqual([])
})

test('a disk that hangs lets only one tick wait, and ends the engine before too many events do', async () => {
  const { loop, said, ended } = loopWith(() => new Promise(() => undefined))
  loop.emit({ kind: 'booted', bootId: 'this-boot', records: null })
  for (let i = 0; i < 2 * QUEUE_EVENTS_MAX; i++) loop.tick()
  const first = await Promise.race([ended, Promise.resolve('still waiting')])
  expect(first).toBe('still waiting')
  for (let i = 0; i < QUEUE_EVENTS_MAX; i++) loop.emit({ kind: 'dataLost', job: 'DB_Group', why: 'it ended' })
  expect(await ended).toMatchObject({ message: `${QUEUE_EVENTS_MAX} events wait to be decided` })
  expect(said).toEqual([])
})
