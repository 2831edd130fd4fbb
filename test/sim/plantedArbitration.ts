import type { Event, State } from '../../src/core'
import type { WorldOptions } from '../fakes/fakeNode'
import { same, stepping } from './plantedSteps'

/** An answer that has not come yet counts as the one that is hoped for. */
const hopes = (state: State): State => (state.reach === null ? state : { ...state, reach: { ...state.reach, reached: true, ever: true } })

/** Whatever the fence agent says. */
const believesFence = (state: State, event: Event): State => {
  const fences = event.kind === 'orderEnded' && state.jobs[event.job]?.plan?.kind === 'fence'
  if (fences) Object.assign(event, { outcome: { ok: true, result: null } })
  return state
}

/** It counts its own silence as that of the other one, and never as its own. */
const neverCutOff = (state: State): State => (state.reach === null ? state : { ...state, reach: { ...state.reach, misses: 0 } })

export const PLANTED_ARBITRATION: [what: string, breaks: RegExp, plant: Pick<WorldOptions, 'step'>][] = [
  ['a takeover before the address has answered', /was not told that it reaches/, stepping(hopes)],
  ['a fence agent that is believed whatever it says', /fence agent had not said|to be fenced, serves/, stepping(believesFence)],
  ['an owner that is cut off and does not stop', /has reached nobody/, stepping(neverCutOff)],
  ['a node that was fenced once and counts as off for ever', /fence agent had not said|to be fenced, serves/, fencedForEver()]
]

/** One life's memory is another one's too: that is soon enough for a bug. */
function fencedForEver(): Pick<WorldOptions, 'step'> {
  return stepping(same, (result) => ({ ...result, state: { ...result.state, fenced: true } }))
}
