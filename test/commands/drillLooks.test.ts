import { Looks } from '../../commands/drill/looks'

const look = (startedMs: number, endedMs: number, served: boolean, changedMs: number | null = null) => ({ startedMs, endedMs, served, changedMs })

function seen(...all: ReturnType<typeof look>[]): Looks {
  const looks = new Looks()
  for (const each of all) looks.add(each)
  return looks
}

test('an outage is from the begin of the last look that saw it served to the end of the first one that saw it again', () => {
  const looks = seen(look(0, 10, true), look(200, 210, true), look(400, 410, false), look(800, 810, false), look(1_000, 1_030, true))
  expect(looks.outageMs()).toBe(830)
  expect([looks.missedSince(300), looks.missedSince(900), looks.servedSince(900), looks.servedSince(1_001)]).toEqual([true, false, true, false])
  expect(seen(look(0, 10, true), look(200, 210, false)).outageMs()).toBeNull()
  expect(seen(look(0, 10, true, 5), look(200, 210, true, 5)).outageMs()).toBe(0)
})

test('a restart that no look fell into is told by the application, which has changed since; also by a look that was under way when it was killed', () => {
  const between = seen(look(0, 10, true, 5), look(200, 900, true, 5), look(1_200, 1_900, true, 1_000))
  expect([between.outageMs(), between.missedSince(950), between.missedSince(2_000)]).toEqual([1_700, true, false])
  const underWay = seen(look(0, 10, true, 5), look(700, 2_000, true, 1_500), look(800, 2_100, true, 1_500))
  expect([underWay.outageMs(), underWay.missedSince(900)]).toEqual([2_000, true])
})

test('an answer that was overtaken, and an owner that does not say since when, tell of no restart', () => {
  expect(seen(look(0, 10, true, 5), look(200, 250, true, 100), look(210, 240, true, 5), look(400, 410, true, 100)).outageMs()).toBe(250)
  expect(seen(look(0, 10, true), look(200, 210, true, 100), look(400, 410, true), look(600, 610, true, 100)).outageMs()).toBe(0)
})
