import { thousands } from '../kit/text'
import { leftTime, type Walk } from './property'

const BAR_MIN = 10
const BAR_MAX = 40

/** `Mirror [####........] 54%  Left Bytes 44,045,066  Left Time 1s`, at most `width` columns. */
export function barOf(walk: Walk, width: number): string {
  const percent = Math.floor(walk.percent)
  const title = `${walk.word.replace(/\(.*$/, '')} [`
  const rest = `] ${percent}%  Left Bytes ${thousands(walk.leftBytes)}  Left Time ${leftTime(walk)}`
  const columns = Math.max(BAR_MIN, Math.min(BAR_MAX, width - title.length - rest.length))
  const done = Math.round((columns * Math.min(100, percent)) / 100)
  return title + '#'.repeat(done) + '.'.repeat(columns - done) + rest
}
