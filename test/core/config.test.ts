import { type Config, configHash, configOfNode, parseConfig } from '../../src/model'

const GOOD = `cluster: seoul-db
nodes:
  RMHW131: { address: 192.168.150.151 }
  RMHW132: { address: 192.168.150.152 }
heartbeat: { interval: 5s, maxMiss: 3 }
links:
  - { name: service, heartbeat: 3002, data: false, RMHW131: 192.168.150.151, RMHW132: 192.168.150.152 }
  - { name: link-0,  heartbeat: 3001, data: true,  RMHW131: 22.22.150.131,   RMHW132: 22.22.150.132, interval: 100ms, maxMiss: 10 }
jobs:
  DB_Group:
    mode: guide
    vips: [ { name: IP-DB_Group, address: 192.168.150.130/16, nicGroup: Nic-DB_Group } ]
    applications:
      - { name: POSTGRES, service: postgresql@15-main, startTimeout: 2m }
      - { name: AGENT, process: { start: /opt/agent run, check: /opt/agent ping, user: agent, environment: { PORT: 80 } }, dependsOn: [ POSTGRES ] }
    data:
      folders: [ { path: /var/lib/postgresql/15/main/, exclude: [ postmaster.pid ] } ]
      queue: 64MiB
  웹_Group:
    data: { folders: [ /srv/web ], capture: watch }
`

function read(text: string): Config {
  const answer = parseConfig(text, 'mirrorpair.yaml')
  if ('problems' in answer) throw new Error(answer.problems.map((problem) => `${problem.line}: ${problem.message}`).join('\n'))
  return answer.config
}

/** The good file with one change, and the problems that come of it as `line code`. */
function problemsOf(from: string | RegExp, to: string) {
  const text = GOOD.replace(from, to)
  expect(text).not.toBe(GOOD)
  const answer = parseConfig(text, 'mirrorpair.yaml')
  return 'problems' in answer ? answer.problems : []
}

describe('restart limits', () => {
  const limits = (from: string, to: string) => {
    const job = read(GOOD.replace(from, to)).jobs.DB_Group
    return [job?.restart, ...(job?.applications.map(({ restart }) => restart) ?? [])]
  }

  test('of the job and of one application; where nothing is said nothing is there', () => {
    expect(limits('mode: guide', 'mode: guide')).toEqual([undefined, undefined, undefined])
    expect(limits('mode: guide', 'restartLimit: 5')).toEqual([{ max: 5, windowMs: 600_000 }, undefined, undefined])
    expect(limits('startTimeout: 2m', 'restartLimit: 0, restartWindow: 1m')).toEqual([undefined, { max: 0, windowMs: 60_000 }, undefined])
  })

  test.each(['restartLimit: 101', 'restartLimit: -1', 'restartLimit: often', 'restartWindow: 9s', 'restartWindow: 25h'])('%s is refused', (text) => {
    expect(problemsOf('startTimeout: 2m', text)).toHaveLength(1)
    expect(problemsOf('mode: guide', text)).toHaveLength(1)
  })
})

describe('a folder at another place on each node', () => {
  const PATHS = '{ path: { RMHW131: /data/db, RMHW132: /srv/db }, exclude: [ postmaster.pid ] }'
  const ONE_PATH = '{ path: /var/lib/postgresql/15/main/, exclude: [ postmaster.pid ] }'

  test('is at its own for the node that acts, and the file is still the same for both', () => {
    const config = read(GOOD.replace(ONE_PATH, PATHS))
    const folders = (node: string) => configOfNode(config, node).jobs['DB_Group']?.data?.folders
    expect(folders('RMHW131')).toEqual([{ path: '/data/db', name: '/data/db', exclude: ['postmaster.pid'] }])
    expect(folders('RMHW132')).toEqual([{ path: '/srv/db', name: '/data/db', exclude: ['postmaster.pid'] }])
    expect(configOfNode(read(GOOD), 'RMHW132')).toEqual(read(GOOD))
  })

  test.each([
    ['a node without a path', ', RMHW132: /srv/db', ''],
    ['a node that is not of the pair', 'RMHW132: /srv/db', 'RMHW133: /srv/db'],
    ['a path that is none', '/srv/db', 'db']
  ])('%s is refused', (_what, from, to) => {
    expect(problemsOf(ONE_PATH, PATHS.replace(from, to)).map((problem) => problem.code)).toContain('E_CONFIG_FOLDER')
  })
})

describe('what a folder leaves out', () => {
  const FOLDER = '{ path: /var/lib/postgresql/15/main/, exclude: [ postmaster.pid ] }'
  const withPatterns = (patterns: string) => GOOD.replace(FOLDER, `{ path: /srv/db, ${patterns} }`)

  test('and what it includes all the same, after it', () => {
    expect(read(withPatterns("include: [ base ], exclude: [ '*' ]")).jobs['DB_Group']?.data?.folders).toEqual([{ path: '/srv/db', exclude: ['*', '!base'] }])
  })

  test.each([
    ['nothing is left out of which something could be included', 'include: [ base ]', /include.*exclude beside it/],
    ['a whole path', "exclude: [ '*' ], include: [ /srv/db/base ]", /include.*relative to the folder/],
    ['a way out of the folder', "exclude: [ '*' ], include: [ ../base ]", /include.*relative to the folder/],
    ['the mark of another tool', "exclude: [ '*', '!base' ]", /exclude.*not beginning with !/]
  ])('refused: %s', (_what, patterns, words) => {
    expect(problemsOf(FOLDER, `{ path: /srv/db, ${patterns} }`).map(({ message, tryThis }) => `${message} ${tryThis}`)).toEqual([expect.stringMatching(words)])
  })
})

describe('a serial line', () => {
  const LINK_0 = '  - { name: link-0,'
  const serial = (more: string) => `  - { name: serial, type: serial, RMHW131: /dev/ttyS0, RMHW132: /dev/ttyUSB0${more} }\n${LINK_0}`

  test('has devices and a speed, and carries the heartbeat alone', () => {
    const [, line] = read(GOOD.replace(LINK_0, serial(', baud: 38400, interval: 2s'))).links
    expect(line).toEqual({
      name: 'serial',
      heartbeatPort: null,
      intervalMs: 2_000,
      maxMiss: 3,
      data: false,
      addresses: {},
      serial: { baud: 38_400, devices: { RMHW131: '/dev/ttyS0', RMHW132: '/dev/ttyUSB0' } }
    })
  })

  test.each([
    ['data', ', data: true'],
    ['a port', ', heartbeat: 3001'],
    ['a speed that no port knows', ', baud: 12345'],
    ['an interval in which the line cannot send so much', ', baud: 1200, interval: 2s']
  ])('with %s it is refused', (_what, more) => expect(problemsOf(LINK_0, serial(more)).map(({ code }) => code)).toEqual(['E_CONFIG_VALUE']))

  test('a device that is none, one for two lines, none at all, and a speed of sockets', () => {
    expect(problemsOf(LINK_0, serial('').replace('/dev/ttyS0', 'COM1')).map(({ code }) => code)).toEqual(['E_CONFIG_VALUE'])
    expect(problemsOf(LINK_0, serial('').replace(', RMHW132: /dev/ttyUSB0', '')).map(({ code }) => code)).toEqual(['E_CONFIG_MISSING'])
    expect(problemsOf(LINK_0, serial('').replace(LINK_0, '') + serial('').replace('serial,', 'other,')).map(({ message }) => message)).toEqual([
      'The device of RMHW131, /dev/ttyS0 is used twice; it stands in line 8 already.',
      'The device of RMHW132, /dev/ttyUSB0 is used twice; it stands in line 8 already.'
    ])
    expect(problemsOf('interval: 100ms', 'baud: 9600, interval: 100ms').map(({ code }) => code)).toEqual(['E_CONFIG_VALUE'])
  })

  test('is enough for a heartbeat where no socket has one', () => {
    const only = GOOD.replace('heartbeat: 3002', 'heartbeat: false').replace('heartbeat: 3001', 'heartbeat: false')
    const problems = (text: string) => {
      const answer = parseConfig(text, 'it')
      return 'problems' in answer ? answer.problems.map(({ code }) => code) : []
    }
    expect(problems(only)).toEqual(['E_CONFIG_NO_HEARTBEAT'])
    expect(problems(only.replace(LINK_0, serial('')))).toEqual([])
  })
})

describe('a good configuration', () => {
  test('is read with its units and every default filled in', () => {
    const config = read(GOOD)
    expect(config.links.map((link) => [link.heartbeatPort, link.intervalMs, link.maxMiss, link.data])).toEqual([
      [3002, 5_000, 3, false],
      [3001, 100, 10, true]
    ])
    expect(config.api).toEqual({ port: 7330, listen: 'all', group: 'mirrorpair', login: 'pam', sessionMs: 12 * 3_600_000 })
    expect(config.jobs['DB_Group']?.vips).toEqual([
      { name: 'IP-DB_Group', address: '192.168.150.130', prefix: 16, family: 4, nicGroup: 'Nic-DB_Group', nic: null }
    ])
    expect(config.jobs['DB_Group']?.data).toEqual({
      folders: [{ path: '/var/lib/postgresql/15/main', exclude: ['postmaster.pid'] }],
      port: 7340,
      capture: 'fuse',
      queueBytes: 64 * 1024 ** 2,
      safety: 'off',
      pagefileBytes: 1024 ** 3,
      redoQueueBytes: 1024 ** 3,
      partnerTimeoutMs: 10_000,
      bandwidthBytesPerSecond: null
    })
    expect(config.jobs['DB_Group']?.applications[1]).toEqual({
      name: 'AGENT',
      kind: 'process',
      unit: null,
      start: '/opt/agent run',
      stop: null,
      check: '/opt/agent ping',
      user: 'agent',
      workingDirectory: null,
      environment: { PORT: '80' },
      stopSignal: 'SIGTERM',
      startTimeoutMs: 60_000,
      stopTimeoutMs: 60_000,
      checkIntervalMs: 5_000,
      checkTimeoutMs: 10_000,
      dependsOn: ['POSTGRES']
    })
    expect(config.jobs['DB_Group']?.applications[0]).toMatchObject({ kind: 'service', unit: 'postgresql@15-main', start: null, startTimeoutMs: 120_000 })
  })

  test('may have names in Korean, and its second job gets the next data port', () => {
    expect(read(GOOD).jobs['웹_Group']).toMatchObject({ name: '웹_Group', mode: 'guide', data: { port: 7341, capture: 'watch' } })
  })

  test('does not know jobs that nobody wrote', () => {
    expect(read(GOOD).jobs['constructor']).toBeUndefined()
  })

  test('has one hash, however the file is laid out, and another after a change', () => {
    const hash = (text: string) => configHash(read(text), (canonical) => canonical)
    expect(hash(GOOD.replace('{ interval: 5s, maxMiss: 3 }', '{ maxMiss: 3, interval: 5000ms } # as before'))).toBe(hash(GOOD))
    expect(hash(GOOD.replace('maxMiss: 3', 'maxMiss: 4'))).not.toBe(hash(GOOD))
  })

  test('writes IPv6 addresses in one way', () => {
    const config = read(GOOD.replace('192.168.150.130/16', '"2001:DB8:0:0:0::10/64"'))
    expect(config.jobs['DB_Group']?.vips[0]).toMatchObject({ address: '2001:db8::10', prefix: 64, family: 6 })
  })
})

describe('an application of kind agent', () => {
  const withAgent = (text: string) => GOOD.replace(/service: postgresql@15-main/, text)

  test.each(['ocf:heartbeat:pgsql', 'heartbeat:pgsql'])('%s is read with its parameters, each as it is written', (name) => {
    const text = withAgent(`agent: ${name}, parameters: { pgport: 05432, monitor_sql: 'select 1;', pgctl: /usr/bin/pg_ctl, empty: '' }, checkLevel: 10`)
    expect(read(text).jobs['DB_Group']?.applications[0]).toMatchObject({
      kind: 'agent',
      unit: null,
      agent: {
        provider: 'heartbeat',
        type: 'pgsql',
        parameters: { pgport: '05432', monitor_sql: 'select 1;', pgctl: '/usr/bin/pg_ctl', empty: '' },
        checkLevel: 10
      }
    })
    expect(read(GOOD).jobs['DB_Group']?.applications[0]).not.toHaveProperty('agent')
  })

  test.each([
    ['agent: pgsql', /E_CONFIG_VALUE .*agent.*ocf:PROVIDER:TYPE/],
    ['agent: systemd:a/b', /E_CONFIG_VALUE .*agent/],
    ['agent: ocf:../..:sh', /E_CONFIG_VALUE .*agent/],
    ['agent: ocf:heartbeat:pgsql, service: postgresql', /E_CONFIG_VALUE .*agent.*kind service already/],
    ['agent: ocf:heartbeat:pgsql, parameters: { 1st: x }', /E_CONFIG_NAME .*1st/],
    ['agent: ocf:heartbeat:pgsql, parameters: { CRM_meta_timeout: 1 }', /E_CONFIG_NAME .*CRM_meta_timeout/],
    ['agent: ocf:heartbeat:pgsql, parameters: { pgport: [ 1 ] }', /E_CONFIG_VALUE .*pgport/],
    ['service: a, parameters: { pgport: 1 }', /E_CONFIG_VALUE .*parameters.*no agent/],
    ['service: a, checkLevel: 1', /E_CONFIG_VALUE .*checkLevel.*no agent/]
  ])('%s is refused', (text, words) => {
    expect(problemsOf('service: postgresql@15-main', text).map(({ code, message, tryThis }) => `${code} ${message} ${tryThis}`)).toEqual([
      expect.stringMatching(words)
    ])
  })
})

describe('arbitration', () => {
  const wrong = (text: string) => problemsOf('jobs:', `arbitration: ${text}\njobs:`).map(({ code, message }) => `${code} ${message}`)

  test('is read with its defaults, and the options of a fence agent stay what they are', () => {
    const fence = '{ agent: fence_ipmilan, options: { lanplus: 1 }, passwordFile: /etc/p, RMHW131: { ip: 10.0.0.1 }, RMHW132: { ip: 10.0.0.2, port: 623 } }'
    const config = read(GOOD.replace('jobs:', `arbitration: { reach: [ 192.168.0.1, '2001:db8::1' ], fence: ${fence} }\njobs:`))
    expect(config.arbitration).toEqual({
      reach: ['192.168.0.1', '2001:db8::1'],
      need: 'any',
      timeoutMs: 3_000,
      fence: {
        agent: 'fence_ipmilan',
        timeoutMs: 60_000,
        options: { lanplus: '1' },
        nodes: { RMHW131: { ip: '10.0.0.1' }, RMHW132: { ip: '10.0.0.2', port: '623' } },
        passwordFile: '/etc/p'
      }
    })
    expect(read(GOOD).arbitration).toBeUndefined()
  })

  test.each([
    ['nothing to ask', '{ need: all }', /E_CONFIG_MISSING .*reach/],
    ['no address', '{ reach: [ gateway ] }', /E_CONFIG_VALUE .*reach/],
    ['a path instead of an agent', '{ fence: { agent: /usr/sbin/fence_apc } }', /E_CONFIG_VALUE .*agent/],
    ['a password in the file', '{ fence: { agent: fence_apc, options: { passwd: tiger } } }', /E_CONFIG_VALUE .*passwd/],
    ['an action', '{ fence: { agent: fence_apc, RMHW131: { action: reboot } } }', /E_CONFIG_VALUE .*action/],
    ['a node that is none', '{ fence: { agent: fence_apc, RMHW133: { plug: 1 } } }', /E_CONFIG_UNKNOWN_KEY .*RMHW133/]
  ])('%s is refused', (_what, text, problem) => expect(wrong(text).join('\n')).toMatch(problem))

  test('a refused password is not said again', () => expect(wrong('{ fence: { agent: fence_apc, options: { passwd: tiger } } }').join()).not.toContain('tiger'))
})

describe('refused, each with its line', () => {
  const table: [string, string | RegExp, string, string][] = [
    ['an unknown key', 'maxMiss: 3 }', 'maxMis: 3 }', '5 E_CONFIG_UNKNOWN_KEY'],
    ['a node name that no node has', 'RMHW132: 22.22.150.132', 'RMHW133: 22.22.150.132', '8 E_CONFIG_MISSING|8 E_CONFIG_UNKNOWN_KEY'],
    ['a duration without its unit', 'interval: 5s', 'interval: 5', '5 E_CONFIG_VALUE'],
    ['a duration in a wrong unit', 'interval: 5s', 'interval: 5 sec', '5 E_CONFIG_VALUE'],
    ['an interval that is too short', 'interval: 5s', 'interval: 49ms', '5 E_CONFIG_VALUE'],
    ['an interval that is too long', 'interval: 100ms', 'interval: 61s', '8 E_CONFIG_VALUE'],
    ['a size in a wrong unit', '64MiB', '64MB', '18 E_CONFIG_VALUE'],
    ['a missing cluster', 'cluster: seoul-db\n', '\n', '2 E_CONFIG_MISSING'],
    ['three nodes', 'heartbeat: {', '  RMHW133: { address: 192.168.150.153 }\nheartbeat: {', '2 E_CONFIG_NODES|8 E_CONFIG_MISSING|9 E_CONFIG_MISSING'],
    ['a relative folder', '[ /srv/web ]', '[ srv/web ]', '20 E_CONFIG_FOLDER'],
    ['the root folder', '[ /srv/web ]', '[ / ]', '20 E_CONFIG_FOLDER'],
    ['a folder with ..', '[ /srv/web ]', '[ /srv/../etc ]', '20 E_CONFIG_FOLDER'],
    ['a folder inside another one', '[ /srv/web ]', '[ /var/lib/postgresql/15/main/base ]', '20 E_CONFIG_FOLDER'],
    ['the same folder twice', '[ /srv/web ]', '[ /srv/web, /srv/web/ ]', '20 E_CONFIG_FOLDER'],
    ['a virtual address outside of every network', '192.168.150.130/16', '192.168.151.130/24', '12 E_CONFIG_VIP_NETWORK'],
    ['a virtual address without prefix', '192.168.150.130/16', '192.168.150.130', '12 E_CONFIG_VALUE'],
    ["a virtual address that is a node's", '192.168.150.130/16', '192.168.150.152/16', '12 E_CONFIG_VIP_IS_NODE'],
    ['two links of one name', 'name: link-0', 'name: service', '8 E_CONFIG_DUPLICATE'],
    ['two links on one address', '22.22.150.131', '192.168.150.151', '8 E_CONFIG_DUPLICATE'],
    ['one address on both nodes', '22.22.150.132', '22.22.150.131', '8 E_CONFIG_DUPLICATE'],
    ['two heartbeats on one port', 'heartbeat: 3001', 'heartbeat: 3002', '8 E_CONFIG_DUPLICATE'],
    ['a stream on the port of the API', 'capture: watch', 'port: 7330', '20 E_CONFIG_DUPLICATE'],
    ['an unknown dependency', '[ POSTGRES ]', '[ POSTGRESS ]', '15 E_CONFIG_DEPENDENCY'],
    ['a dependency circle', 'startTimeout: 2m', 'dependsOn: [ AGENT ]', '14 E_CONFIG_DEPENDENCY'],
    ['an application on itself', '[ POSTGRES ]', '[ AGENT ]', '15 E_CONFIG_DEPENDENCY'],
    ['a process without a command', 'start: /opt/agent run, ', '', '15 E_CONFIG_MISSING'],
    ['no heartbeat at all', /heartbeat: 300\d/g, 'heartbeat: false', '6 E_CONFIG_NO_HEARTBEAT'],
    ['data without a link for it', 'data: true', 'data: false', '10 E_CONFIG_NO_DATA_LINK|19 E_CONFIG_NO_DATA_LINK'],
    [
      'an etcd for a witness that speaks in clear',
      'heartbeat: {',
      'witness: { etcd: [ "http://192.168.150.161:2379" ] }\nheartbeat: {',
      '5 E_CONFIG_VALUE|21 E_CONFIG_MODE'
    ],
    ['a witness that is no address', 'heartbeat: {', 'witness: { address: w.example.org }\nheartbeat: {', '5 E_CONFIG_VALUE|21 E_CONFIG_MODE'],
    ['high availability without a witness', 'mode: guide', 'mode: high-availability', '11 E_CONFIG_MODE'],
    ['a mode nobody knows', 'mode: guide', 'mode: fast', '11 E_CONFIG_VALUE'],
    ['a name with a space', 'DB_Group:', 'DB Group:', '10 E_CONFIG_NAME'],
    ['a name with a control character', 'name: link-0', 'name: "link\\e[0m"', '8 E_CONFIG_VALUE'],
    ['a name that every object has', 'DB_Group:', 'constructor:', '10 E_CONFIG_NAME'],
    ['a name that leaves its folder', 'DB_Group:', '../etc:', '10 E_CONFIG_NAME'],
    ['a host name for an address', '22.22.150.132', 'db2.example.org', '8 E_CONFIG_VALUE'],
    ['an IPv4 address with a leading zero', '22.22.150.132', '22.22.150.032', '8 E_CONFIG_VALUE'],
    ['a port that is none', 'heartbeat: 3001', 'heartbeat: 70000', '8 E_CONFIG_VALUE'],
    ['a pattern that YAML takes for an alias', '[ postmaster.pid ]', '[ *.tmp ]', '17 E_CONFIG_SYNTAX'],
    ['a key that stands twice', 'cluster: seoul-db', 'cluster: a\ncluster: b', '2 E_CONFIG_SYNTAX']
  ]
  test.each(table)('%s', (_what, from, to, expected) => {
    const problems = problemsOf(from, to)
    expect(problems.map((problem) => `${problem.line} ${problem.code}`).join('|')).toBe(expected)
    for (const problem of problems)
      expect(problem).toMatchObject({ file: 'mirrorpair.yaml', exitCode: 1, message: expect.stringMatching(/\.$/), tryThis: expect.stringMatching(/\S/) })
  })

  test('with what to write instead', () => {
    expect(problemsOf('maxMiss: 3 }', 'maxMis: 3 }')[0]?.tryThis).toContain('Did you mean maxMiss?')
    expect(problemsOf('interval: 5s', 'interval: 5')[0]).toMatchObject({
      column: 24,
      message: 'heartbeat: interval must be a duration with its unit, from 50ms to 1m, not 5.',
      tryThis: 'Write, for example, interval: 5s.'
    })
    expect(problemsOf('name: link-0', 'name: service')[0]?.message).toContain('line 7')
    expect(problemsOf('startTimeout: 2m', 'dependsOn: [ AGENT ]')[0]?.message).toContain('POSTGRES → AGENT → POSTGRES')
  })

  test('several at once, in the order of the file', () => {
    const answer = parseConfig(GOOD.replace('5s', '5').replace('64MiB', '64').replace('mode: guide', 'mod: guide'), 'f')
    expect('problems' in answer && answer.problems.map((problem) => problem.line)).toEqual([5, 11, 18])
  })

  test.each([
    ['', 'E_CONFIG_MISSING'],
    ['just words', 'E_CONFIG_VALUE'],
    ['[ a, b ]', 'E_CONFIG_VALUE'],
    ['a: [', 'E_CONFIG_SYNTAX'],
    ['\t- x', 'E_CONFIG_SYNTAX']
  ])('a file that is no configuration: %j', (text, code) => {
    const answer = parseConfig(text, 'f')
    expect('problems' in answer && answer.problems[0]?.code).toBe(code)
  })
})
