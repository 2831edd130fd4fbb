import type { MonitorEventConfig } from '../../../src/model'
import { addToAverage, AVERAGE_PARTS, type Average, collectedMs, meanOf } from '../../../src/core/monitor/average'
import { BLANK_EVENT, judge, readCondition } from '../../../src/core/monitor/judge'

const event = (responses: string[], conditions = ['cpu >= 70%']): MonitorEventConfig => ({ name: 'cpu', conditions, averageMs: null, responses, export: null })

/** One letter a look: + met, - not met. What came of each look: `!` begins, `.` ends, the words of the responses that were due. */
function play(looks: string, responses: string[]): string[] {
  let state = BLANK_EVENT
  return [...looks].map((look) => {
    const judged = judge(event(responses), state, [readCondition('cpu >= 70%', look === '+' ? 90 : 10, null)], 1_000)
    state = judged.state
    const turned = judged.turned === 'error' ? '!' : judged.turned === 'ok' ? '.' : ''
    return `${turned}${judged.due.map(({ do: word }) => word).join('+')}`
  })
}

test.each<[what: string, looks: string, responses: string[], said: string]>([
  ['three times in a row', '+++', ['equal 3 switch all'], ' , ,!switch'],
  ['more than three times', '++++', ['more 3 switch all'], ' , , ,!switch'],
  ['two in a row, and two more, are not three', '++-++', ['equal 3 alarm'], ' , , , , '],
  ['once, and never again while it lasts', '+++++', ['equal 1 alarm'], '!alarm, , , , '],
  ['each response at its time', '++++', ['equal 1 warning', 'equal 2 alarm', 'more 2 switch all'], '!warning,alarm,switch, '],
  ['what lasts on for one look more ends one look later', '++--', ['equal 2 alarm'], ' ,!alarm, ,.'],
  ['a value that dances around its limit is one event', '++-+-+-+', ['equal 2 alarm'], ' ,!alarm, , , , , , '],
  ['it begins anew when it has ended', '++--++', ['equal 2 alarm'], ' ,!alarm, ,., ,!alarm']
])('%s', (_what, looks, responses, said) => {
  expect(play(looks, responses)).toEqual(said.split(',').map((word) => word.trim()))
})

test('all conditions have to be met at one look; the cause names each with its value', () => {
  const both = event(['equal 1 alarm'], ['cpu >= 70%', 'disk /srv >= 90% NA'])
  const look = (cpu: number, disk: number | null) =>
    judge(both, BLANK_EVENT, [readCondition('cpu >= 70%', cpu, null), readCondition('disk /srv >= 90% NA', disk, null)], 5)
  expect(look(80, 10).turned).toBeNull()
  expect(look(10, 95).turned).toBeNull()
  expect(look(80.04, 95).state).toMatchObject({ errorSinceMs: 5, cause: 'CPU Rate 80% >= 70%, Disk Rate /srv 95% >= 90%, once' })
  expect(look(80, null).state.cause).toBe('CPU Rate 80% >= 70%, Disk Rate /srv NA, once')
})

test('an average that is still being collected is not met, and not unreadable either', () => {
  expect(readCondition('cpu >= 70% NA', 99, 30_000).met).toBe(false)
  expect(readCondition('cpu >= 70% NA', null, null).met).toBe(true)
})

describe('a mean of ten minutes', () => {
  const WINDOW_MS = 600_000
  const collect = (values: (number | null)[], everyMs: number): Average =>
    values.reduce<Average | undefined>((sum, value, i) => addToAverage(sum, WINDOW_MS, i * everyMs, value), undefined)!

  test('is that of what was read in it, and forgets what is older', () => {
    expect(meanOf(collect([10, 20, 30], 10_000))).toBe(20)
    const hour = collect([...Array.from({ length: 300 }, () => 100), ...Array.from({ length: 62 }, () => 10)], 10_000)
    expect(meanOf(hour)).toBe(10)
    expect(hour.parts.length).toBeLessThanOrEqual(AVERAGE_PARTS + 1)
  })

  test('takes no more room for values that come each second', () => {
    const day = collect(
      Array.from({ length: 3_000 }, (_, i) => i),
      1_000
    )
    expect(day.parts.length).toBeLessThanOrEqual(AVERAGE_PARTS + 1)
    expect(meanOf(day)).toBeGreaterThan(2_690)
    expect(meanOf(day)).toBeLessThan(2_710)
  })

  test('leaves out what could not be read; of nothing there is none', () => {
    expect(meanOf(collect([null, 40, null], 10_000))).toBe(40)
    expect(meanOf(collect([null, null], 10_000))).toBeNull()
    expect(collectedMs(collect([1], 10_000), 90_000)).toBe(90_000)
  })
})
