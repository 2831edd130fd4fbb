import { type Config, parseConfig } from '../../src/model'

interface Written {
  top?: string
  job?: string
  data?: string
}

/** Line 1: what stands at the top; line 9: the job's own keys; line 10: its data. */
const written = ({ top = '', job = '', data = '' }: Written): string => `${top}
cluster: seoul-db
nodes: { RMHW131: { address: 192.168.150.151 }, RMHW132: { address: 192.168.150.152 } }
links:
  - { name: link-0, heartbeat: 3001, RMHW131: 22.22.150.131, RMHW132: 22.22.150.132 }
jobs:
  DB_Group:
    ${job}
    data: { folders: [ /srv/db ]${data} }
`

const WITNESS = 'witness: { address: 192.168.150.153 }'

function read(parts: Written): Config {
  const answer = parseConfig(written(parts), 'f')
  if ('problems' in answer) throw new Error(answer.problems.map(({ message }) => message).join('; '))
  return answer.config
}

function problemOf(parts: Written) {
  const answer = parseConfig(written(parts), 'f')
  if (!('problems' in answer)) throw new Error('it is not refused')
  expect(answer.problems).toHaveLength(1)
  const { code, line, message, tryThis } = answer.problems[0]!
  return { code, line, message, tryThis }
}

const jobOf = ({ jobs }: Config) => jobs['DB_Group']!

describe('a job that names no mode', () => {
  test('is in the mode guide where there is no witness, and its configuration says nothing of a quorum', () => {
    const config = read({})
    expect(jobOf(config)).toMatchObject({ mode: 'guide', data: { safety: 'off' } })
    expect(Object.keys(config).sort()).toEqual(['api', 'cluster', 'jobs', 'links', 'nodes'])
  })

  test('is in the mode high-availability where there is one, with safety FULL', () => {
    const config = read({ top: WITNESS })
    expect(jobOf(config)).toMatchObject({ mode: 'high-availability', data: { safety: 'full', partnerTimeoutMs: 10_000 } })
    expect(config.witness).toEqual({ address: '192.168.150.153', port: 7330 })
    expect(config.quorum).toEqual({ leaseMs: 8_000, driftMs: 200, configVersion: 1 })
  })
})

test.each([
  ['guide', 'off', false],
  ['high-availability', 'full', true],
  ['high-protection', 'full', true],
  ['high-performance', 'off', false]
])('the mode %s has safety %s when the file says nothing of it', (mode, safety, quorum) => {
  const config = read({ top: WITNESS, job: `mode: ${mode}` })
  expect(jobOf(config)).toMatchObject({ mode, data: { safety } })
  expect(config.quorum !== undefined).toBe(quorum)
})

test('high protection and high performance need no witness', () => {
  expect(jobOf(read({ job: 'mode: high-protection' })).mode).toBe('high-protection')
  expect(jobOf(read({ job: 'mode: high-performance' })).mode).toBe('high-performance')
})

test.each([
  ['192.168.150.153:7331', { address: '192.168.150.153', port: 7331 }],
  ['2001:db8::3', { address: '2001:db8::3', port: 7330 }],
  ['"[2001:DB8::3]:7331"', { address: '2001:db8::3', port: 7331 }]
])('the address of a witness: %s', (address, witness) => {
  expect(read({ top: `witness: { address: ${address === '2001:db8::3' ? `"${address}"` : address} }` }).witness).toEqual(witness)
})

test.each(['192.168.150.153:0', '192.168.150.153:65536', '192.168.150.153:', ':7330', '"[192.168.150.153"'])('no address of a witness: %s', (address) => {
  expect(problemOf({ top: `witness: { address: '${address}' }` })).toMatchObject({ code: 'E_CONFIG_VALUE', line: 1 })
})

test('a witness on a node of the pair is none', () => {
  expect(problemOf({ top: 'witness: { address: 192.168.150.152 }' }).code).toBe('E_CONFIG_DUPLICATE')
})

describe('a mode that is contradicted is refused', () => {
  test('high availability without a witness', () => {
    const problem = problemOf({ job: 'mode: high-availability' })
    expect(problem).toMatchObject({ code: 'E_CONFIG_MODE', line: 8, message: expect.stringContaining('the cluster has no witness') })
    expect(problem.tryThis).toContain('witness: {')
  })

  test('safety OFF in a mode that is made of FULL, which modes have it being said', () => {
    const problem = problemOf({ job: 'mode: high-protection', data: ', safety: off' })
    expect(problem).toMatchObject({ code: 'E_CONFIG_MODE', line: 9, message: expect.stringContaining('made of safety FULL') })
    expect(problem.tryThis).toBe('Leave safety out, or write mode: guide or high-performance.')
  })

  test('safety OFF in a job that is in such a mode because there is a witness', () => {
    const { message } = problemOf({ top: WITNESS, data: ', safety: off' })
    expect(message).toContain('high-availability (it names none, and there is a witness)')
  })

  test.each(['high-protection', 'high-performance'])('%s of a job without data', (mode) => {
    const text = written({ job: `mode: ${mode}` }).replace(/ {4}data: .*\n/, '')
    const answer = parseConfig(text, 'f')
    expect('problems' in answer && answer.problems.map(({ code, line, message }) => [code, line, message])).toEqual([
      ['E_CONFIG_MODE', 8, `The job DB_Group cannot be in the mode ${mode}: it has no data.`]
    ])
  })

  test('safety FULL in high performance', () => {
    expect(problemOf({ job: 'mode: high-performance', data: ', safety: full' }).message).toContain('made of safety OFF')
  })

  test('a capture that sees changes only after they were made, in a mode that is made of FULL', () => {
    expect(problemOf({ top: WITNESS, data: ', capture: watch' })).toMatchObject({ code: 'E_CONFIG_MODE', message: expect.stringContaining('capture: watch') })
  })
})

describe('the times are checked together, and the sum is shown', () => {
  const times = (quorum: string, heartbeat = '{ interval: 100ms }', data = '') =>
    problemOf({ top: `${WITNESS}\nquorum: ${quorum}\nheartbeat: ${heartbeat}`, data })

  test('a drift bound that two clocks may exceed', () => {
    expect(times('{ lease: 9s, drift: 100ms }')).toMatchObject({
      code: 'E_CONFIG_TIMERS',
      line: 2,
      message: 'Two clocks may go apart further than the drift bound says: 2 % of the lease of 9s = 180ms is more than the drift of 100ms.',
      tryThis: 'Write drift: 180ms or more, or leave it out.'
    })
  })

  test('an owner that is killed too late', () => {
    const { code, message, tryThis } = times('{ lease: 1s }')
    expect(code).toBe('E_CONFIG_TIMERS')
    expect(message).toContain('900ms until the kill + 250ms for it + 20ms of clock drift = 1170ms is more than lease 1s + drift 25ms = 1025ms.')
    expect(tryThis).toContain('drift: 170ms or more')
    expect(read({ top: `${WITNESS}\nquorum: { lease: 1s, drift: 170ms }\nheartbeat: { interval: 100ms }` }).quorum).toMatchObject({ driftMs: 170 })
  })

  test('a lease that cannot end before the partner takes over', () => {
    const { code, message } = times('{ lease: 10s }')
    expect(code).toBe('E_CONFIG_TIMERS')
    expect(message).toBe(
      'The lease of DB_Group cannot end before its partner is to take over: lease 10s + drift 250ms + 250ms for the kill = 10500ms is more than the partnerTimeout of 10s.'
    )
    expect(read({ top: `${WITNESS}\nquorum: { lease: 10s }`, data: ', partnerTimeout: 10500ms' }).quorum).toMatchObject({ leaseMs: 10_000, driftMs: 250 })
    expect(times('{}', '{ interval: 100ms }', ', partnerTimeout: 5s').message).toContain('lease 8s + drift 200ms')
  })

  test('heartbeats that call a node alive long after the takeover', () => {
    const { code, message } = times('{ lease: 4s, drift: 1s }', '{ interval: 5s, maxMiss: 3 }')
    expect(code).toBe('E_CONFIG_TIMERS')
    expect(message).toContain('interval 5s × maxMiss 3 of link link-0 = 15s is more than twice lease 4s + drift 1s = 10s.')
  })

  test('a lease that an engine could not renew in time', () => {
    expect(times('{ lease: 900ms }').code).toBe('E_CONFIG_VALUE')
  })

  test('the defaults of heartbeats, lease, drift and partner timeout fit each other', () => {
    expect(read({ top: `${WITNESS}\nheartbeat: { interval: 5s, maxMiss: 3 }` }).quorum).toBeDefined()
  })
})

describe('a watchdog', () => {
  test('is a device, and nothing is said of one that is not configured', () => {
    expect(read({ top: `watchdog: /dev/watchdog0\n${WITNESS}` }).watchdog).toBe('/dev/watchdog0')
    expect(read({ top: WITNESS }).watchdog).toBeUndefined()
    expect(read({ top: 'watchdog: /dev/watchdog' }).quorum).toBeUndefined()
  })

  test('that could not be petted in time is refused, with the sum; so is a name that is no path', () => {
    const short = problemOf({ top: `watchdog: /dev/watchdog\n${WITNESS}\nquorum: { lease: 1s, drift: 200ms }\nheartbeat: { interval: 100ms }` })
    expect(short).toMatchObject({ code: 'E_CONFIG_TIMERS', line: 1 })
    expect(short.message).toBe('The watchdog would reset a node that serves: twice its timeout of 1s = 2s is more than the lease of 1s.')
    expect(problemOf({ top: 'watchdog: softdog' })).toMatchObject({ line: 1 })
  })
})

describe('etcd in the place of a witness', () => {
  const ETCD = 'https://192.168.150.161:2379'
  const etcd = (more: string, endpoints = `"${ETCD}", "https://[2001:db8::3]:2379", "https://etcd3.example:2379"`) => ({
    top: `witness: { etcd: [ ${endpoints} ]${more} }`
  })
  const secrets = ', ca: /etc/e/ca.crt, cert: /etc/e/e.crt, key: /etc/e/e.key, user: mirrorpair, passwordFile: /etc/e/password'

  test('has its members, its certificates, and a file with the password', () => {
    const { witness } = read(etcd(secrets))
    expect(witness).toMatchObject({ address: '192.168.150.161', port: 2379 })
    expect(witness?.etcd).toEqual({
      endpoints: [ETCD, 'https://[2001:db8::3]:2379', 'https://etcd3.example:2379'],
      caFile: '/etc/e/ca.crt',
      certFile: '/etc/e/e.crt',
      keyFile: '/etc/e/e.key',
      user: 'mirrorpair',
      passwordFile: '/etc/e/password'
    })
  })

  test('may have a member on a node of the pair', () => {
    expect(read(etcd('', '"https://192.168.150.152:2379"')).witness?.etcd).toBeDefined()
  })

  test.each([
    ['a member in clear', etcd('', '"http://192.168.150.161:2379"')],
    ['a member without a port', etcd('', '"https://192.168.150.161"')],
    ['no members', etcd('', '')],
    ['a certificate without its key', etcd(', cert: /etc/e/e.crt')],
    ['a user without a password', etcd(', user: mirrorpair')],
    ['a file somewhere', etcd(', ca: ca.crt')]
  ])('is refused with %s', (_what, top) => {
    expect(problemOf(top)).toMatchObject({ code: 'E_CONFIG_VALUE', line: 1 })
  })

  test('is refused with the member that is none, not with the list', () => {
    const { message } = problemOf(etcd('', `"${ETCD}", "http://192.168.150.162:2379"`))
    expect(message).toBe('witness: etcd must be the members of an etcd cluster, at most 9, with https, not http://192.168.150.162:2379.')
  })
})
