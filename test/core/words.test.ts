import { secondsText } from '../../src/core/words'
import { dataMessages } from '../../src/report/data'

test('a short time is told in seconds', () => {
  expect([7049, 40, 0, -3].map(secondsText)).toEqual(['7.0 s', '0.0 s', '0.0 s', '0.0 s'])
  expect(dataMessages.E_LINK_SILENT.message({ link: 'link-0', silentMs: 30_098 })).toBe('Nothing came over data link link-0 for 30.1 s')
})
