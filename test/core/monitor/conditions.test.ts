import { conditionText, isMet, parseCondition, parseResponse, responseText, responseWords, timesNeeded, valueText } from '../../../src/model'
import { parseConfig } from '../../../src/model'

const read = (text: string) => {
  const condition = parseCondition(text)
  if (typeof condition === 'string') throw new Error(condition)
  return condition
}

test.each<[text: string, value: number | null, met: boolean]>([
  ['cpu >= 70%', 70, true],
  ['cpu >= 70%', 69.96, true],
  ['cpu >= 70%', 69.94, false],
  ['cpu > 70%', 70.04, false],
  ['cpu > 70%', 70.1, true],
  ['cpu <= 5%', 5.04, true],
  ['cpu < 5%', 5, false],
  ['disk /srv = 100%', 99.97, true],
  ['disk /srv = 100%', 99.9, false],
  ['cpu >= 70%', null, false],
  ['cpu >= 70% NA', null, true],
  ['cpu >= 70% NA', 3, false],
  ['disk /mnt/nas NA', null, true],
  ['disk /mnt/nas NA', 99, false],
  ['process postgres count < 1', 0, true],
  ['process postgres count < 1', 12, false],
  ['process java memory > 4GiB', 4 * 1024 ** 3 + 1, true],
  ['memory-free < 512MiB', 512 * 1024 ** 2, false],
  ['net-receive eth0 >= 10MiB/s', 10 * 1024 ** 2, true],
  ['load > 2.5', 2.504, false]
])('%s with %d: %s', (text, value, met) => {
  expect(isMet(read(text), value)).toBe(met)
})

test.each([
  ['  cpu>=70 ', 'cpu >= 70%'],
  ['disk /srv/my disk >= 90% NA', 'disk /srv/my disk >= 90% NA'],
  ['cmdline java -jar /opt/x.jar memory > 4096MiB', 'cmdline java -jar /opt/x.jar memory > 4GiB'],
  ['pidfile /run/postgresql.pid cpu >= 50%', 'pidfile /run/postgresql.pid cpu >= 50%'],
  ['net-errors > 3', 'net-errors > 3/s'],
  ['disk-free / < 0', 'disk-free / < 0B'],
  ['disk  /mnt/nas  NA', 'disk /mnt/nas NA']
])('%s is written %s', (typed, text) => {
  expect(conditionText(read(typed))).toBe(text)
  expect(conditionText(read(text))).toBe(text)
})

test.each([
  '',
  'cpu',
  'cpu >= 101%',
  'cpu >= much',
  'cpu 3 >= 70%',
  'disk srv >= 90%',
  'disk >= 90%',
  'process postgres >= 3',
  'process cpu > 1%',
  'pidfile x cpu > 1%',
  'net-send a b > 1',
  'cpu >= 70% maybe',
  'cpu => 70%',
  'memory > 4GiB'
])('"%s" is no condition', (text) => {
  expect(parseCondition(text)).toEqual(expect.any(String))
})

test.each([
  ['equal 3 switch DB_Group', 3, 'Equal 3 times, DB_Group perform HA Switch'],
  ['more 3 switch all', 4, 'More than 3 times, All Solutions perform HA Switch'],
  ['equal 1 alarm', 1, 'Equal 1 times, perform Alarm'],
  ['more 10 warning', 11, 'More than 10 times, perform HA Warning']
])('%s needs %d times in a row: %s', (text, times, words) => {
  const response = parseResponse(text)
  if (response === null) throw new Error(text)
  expect(responseText(response)).toBe(text)
  expect(timesNeeded(response)).toBe(times)
  expect(responseWords(response)).toBe(words)
})

test.each(['', 'equal 0 alarm', 'equal 1001 alarm', 'less 3 alarm', 'equal 3 switch', 'equal 3 alarm DB_Group', 'equal 3', 'alarm'])(
  '"%s" is no response',
  (text) => {
    expect(parseResponse(text)).toBeNull()
  }
)

test.each<[value: number | null, text: string]>([
  [null, 'NA'],
  [1024 ** 3, '1GiB'],
  [1_234_567_890, '1.1GiB'],
  [999, '999B'],
  [0, '0B']
])('%d bytes are shown as %s', (value, text) => {
  expect(valueText('bytes', value)).toBe(text)
})

const PAIR = `cluster: seoul-db
nodes: { RMHW131: { address: 192.168.150.151 }, RMHW132: { address: 192.168.150.152 } }
links: [ { name: link-0, heartbeat: 3001, RMHW131: 22.22.150.131, RMHW132: 22.22.150.132 } ]
jobs: { DB_Group: {} }
`
const problems = (monitors: string): string[] => {
  const answer = parseConfig(`${PAIR}monitors:\n${monitors}`, 'mirrorpair.yaml')
  return 'problems' in answer ? answer.problems.map(({ line, message }) => `${line}: ${message}`) : []
}

test('a node has its events, in the one way to write them, with every default filled in', () => {
  const answer = parseConfig(
    `${PAIR}monitors:
  RMHW131:
    alarmCommand: /etc/mirrorpair/alarm
    events:
      - name: cpu-high
        conditions: [ cpu>=70, "process postgres memory > 4096MiB NA" ]
        average: 10m
        responses: [ equal 3 switch DB_Group, more 5 alarm ]
        export: { size: 2MiB }
`,
    'mirrorpair.yaml'
  )
  if ('problems' in answer) throw new Error(JSON.stringify(answer.problems))
  expect(answer.config.monitors).toEqual({
    RMHW131: {
      intervalMs: 10_000,
      switchPauseMs: 600_000,
      alarmCommand: '/etc/mirrorpair/alarm',
      alarmTimeoutMs: 30_000,
      events: [
        {
          name: 'cpu-high',
          conditions: ['cpu >= 70%', 'process postgres memory > 4GiB NA'],
          averageMs: 600_000,
          responses: ['equal 3 switch DB_Group', 'more 5 alarm'],
          export: { intervalMs: 60_000, sizeBytes: 2 * 1024 ** 2, format: 'csv' }
        }
      ]
    }
  })
})

const EVENT = (text: string): string => `  RMHW131: { events: [ { name: a, ${text} } ] }\n`

test.each([
  [
    'a condition that is none',
    EVENT('conditions: [ cpu much ], responses: [ equal 1 alarm ]'),
    '6: an event of monitors of RMHW131: a condition must be cpu alone'
  ],
  ['no condition at all', EVENT('conditions: [], responses: [ equal 1 alarm ]'), 'a list of at least one'],
  ['no response', EVENT('conditions: [ cpu > 1 ]'), 'lacks responses'],
  ['a response that is none', EVENT('conditions: [ cpu > 1 ], responses: [ sometimes ]'), 'equal or more, a number of times'],
  ['a job that is not there', EVENT('conditions: [ cpu > 1 ], responses: [ equal 3 switch DB_Grup ]'), 'one of the jobs DB_Group'],
  [
    'an average of one value',
    '  RMHW131: { interval: 60s, events: [ { name: a, conditions: [ cpu > 1 ], responses: [ equal 1 alarm ], average: 60s } ] }\n',
    'at least two intervals'
  ],
  ['a node that is not of the pair', '  RMHW133: { events: [] }\n', 'RMHW133'],
  ['an interval that would be all it does', '  RMHW131: { interval: 100ms }\n', 'from 1s to 10m'],
  [
    'two events of one name',
    '  RMHW131: { events: [ { name: a, conditions: [ cpu > 1 ], responses: [ equal 1 alarm ] }, { name: a, conditions: [ cpu > 2 ], responses: [ equal 1 alarm ] } ] }\n',
    'The event name a is used twice'
  ]
])('%s is refused', (_what, monitors, said) => {
  expect(problems(monitors).join('\n')).toContain(said)
})
