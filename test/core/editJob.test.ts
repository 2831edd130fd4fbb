import { createJob, editConfig, JobExists, jobText, type JobChange, modifyJob, NoSuchPart, parseConfig, removeJob } from '../../src/model'

const TEXT = `# The pair of the Seoul office.
cluster: seoul-db
nodes:
  RMHW131: { address: 192.168.150.151 }
  RMHW132: { address: 192.168.150.152 }
links:
  - { name: service, heartbeat: 3002, RMHW131: 192.168.150.151, RMHW132: 192.168.150.152 }
jobs:
  # Ours.
  DB_Group:
    vips: [ { name: IP-DB_Group, address: 192.168.150.130/16 } ] # printed on every desk
    applications:
      - { name: POSTGRES, service: postgresql@15-main }
      - { name: AGENT, process: { start: /usr/bin/agent }, dependsOn: [ POSTGRES ] }
    data:
      folders: [ /srv/db, { path: /srv/log, exclude: [ '*.tmp' ] } ]
  Web:
    data: { folders: [ /srv/web ] }
`
const jobs = (text: string) => {
  const answer = parseConfig(text, 'it')
  if ('config' in answer) return answer.config.jobs
  throw new Error(answer.problems.map(({ message }) => message).join(' '))
}
const modified = (changes: JobChange[], name = 'DB_Group') => jobs(editConfig(TEXT, modifyJob(name, null, changes)))[name]!

test('a job of options: members by name, and what is not its own stays as it was written', () => {
  const text = editConfig(
    TEXT,
    createJob('Mail', null, [
      { do: 'set', at: 'mode', value: 'guide' },
      { do: 'put', list: 'data.folders', name: '/srv/mail', values: {} },
      { do: 'put', list: 'vips', name: 'IP-Mail', values: { address: '192.168.150.133/16', nic: ['eth0', 'eth1'] } },
      { do: 'put', list: 'applications', name: 'MAIL', values: { service: 'dovecot', process: null } },
      { do: 'exclude', folder: null, pattern: '*.lock' },
      { do: 'include', folder: null, pattern: 'our.lock' },
      { do: 'set', at: 'applications.MAIL.stopTimeout', value: '2m' }
    ])
  )
  expect(text.startsWith(TEXT.split('    applications:')[0]!)).toBe(true)
  expect(jobs(text)['Mail']).toMatchObject({
    mode: 'guide',
    vips: [{ name: 'IP-Mail', nics: ['eth0', 'eth1'], prefix: 16 }],
    applications: [{ name: 'MAIL', unit: 'dovecot', stopTimeoutMs: 120_000 }],
    data: { folders: [{ path: '/srv/mail', exclude: ['*.lock', '!our.lock'] }], port: 7342 }
  })
  expect(() => editConfig(text, createJob('Mail', null, []))).toThrow(JobExists)
})

test('a first job in a file without any', () => {
  const none = `${TEXT.split('jobs:')[0]}jobs: {}\n`
  expect(editConfig(none, createJob('Web', 'data:\n  folders: [ /srv/web ]\n', []))).toContain('jobs:\n  Web:\n    data:\n      folders: [ /srv/web ]\n')
})

test.each([
  ['as job show prints it', 'Web2:\n  # ours\n  data: { folders: [ /srv/web2 ] }\n'],
  ['the section alone', '# ours\ndata: { folders: [ /srv/web2 ] }\n'],
  ['cut out of a file', 'jobs:\n  Web2:\n    # ours\n    data: { folders: [ /srv/web2 ] }\n']
])('the text of a job, %s', (_how, section) => {
  const text = editConfig(TEXT, createJob('Web2', section, [{ do: 'set', at: 'mode', value: 'guide' }]))
  expect(jobs(text)['Web2']).toMatchObject({ mode: 'guide', data: { folders: [{ path: '/srv/web2' }] } })
})

test('the text of a job has its name above it and its comments in it', () => {
  expect(jobText(TEXT, 'Web')).toBe('Web:\n  data: { folders: [ /srv/web ] }\n')
  expect(jobText(TEXT, 'Mail')).toBeNull()
  expect(parseConfig(`${TEXT.split('jobs:')[0]}jobs:\n  ${jobText(TEXT, 'DB_Group')!.trimEnd().replaceAll('\n', '\n  ')}\n`, 'it')).toHaveProperty('config')
})

describe('a job is changed', () => {
  test('a value deep inside, by the names that lead to it', () => {
    expect(modified([{ do: 'set', at: 'applications.AGENT.process.user', value: 'agent' }]).applications[1]).toMatchObject({ user: 'agent' })
    expect(modified([{ do: 'set', at: 'data.pagefile', value: '4GiB' }]).data?.pagefileBytes).toBe(4 * 1024 ** 3)
    expect(modified([{ do: 'set', at: 'applications.AGENT.dependsOn', value: '[]' }]).applications[1]?.dependsOn).toEqual([])
  })

  test('a folder more, a folder less, a pattern for one and for all', () => {
    const folders = (...changes: JobChange[]) => modified(changes).data?.folders.map(({ path, exclude }) => [path, ...exclude])
    expect(folders({ do: 'put', list: 'data.folders', name: '/srv/more', values: {} })).toEqual([['/srv/db'], ['/srv/log', '*.tmp'], ['/srv/more']])
    expect(folders({ do: 'unset', at: 'data.folders./srv/log' })).toEqual([['/srv/db']])
    expect(folders({ do: 'exclude', folder: '/srv/db', pattern: 'a' })).toEqual([
      ['/srv/db', 'a'],
      ['/srv/log', '*.tmp']
    ])
    expect(folders({ do: 'exclude', folder: null, pattern: 'a' })).toEqual([
      ['/srv/db', 'a'],
      ['/srv/log', '*.tmp', 'a']
    ])
  })

  test('an application of another kind, and one that goes', () => {
    const put = modified([{ do: 'put', list: 'applications', name: 'AGENT', values: { service: 'agent', process: null } }])
    expect(put.applications[1]).toMatchObject({ kind: 'service', unit: 'agent', dependsOn: ['POSTGRES'] })
    expect(modified([{ do: 'unset', at: 'applications.AGENT' }]).applications.map(({ name }) => name)).toEqual(['POSTGRES'])
  })

  test('names with dots in them', () => {
    const text = editConfig(TEXT, modifyJob('Web', null, [{ do: 'put', list: 'applications', name: 'web.1', values: { service: 'nginx' } }]))
    const slower = editConfig(text, modifyJob('Web', null, [{ do: 'set', at: 'applications.web.1.stopTimeout', value: '3s' }]))
    expect(jobs(slower)['Web']?.applications[0]).toMatchObject({ name: 'web.1', stopTimeoutMs: 3_000 })
  })

  test('by another text: what it does not have is gone', () => {
    expect(jobs(editConfig(TEXT, modifyJob('DB_Group', 'mode: guide\n', [])))['DB_Group']).toMatchObject({ vips: [], applications: [], data: null })
  })

  test.each<[string, JobChange]>([
    ['of an application that is not there', { do: 'set', at: 'applications.WEB.stopTimeout', value: '3s' }],
    ['of a key that is not there', { do: 'unset', at: 'mode' }],
    ['inside a word', { do: 'set', at: 'applications.POSTGRES.service.name', value: 'x' }],
    ['of a folder that is not there', { do: 'exclude', folder: '/srv/other', pattern: 'x' }]
  ])('nothing %s', (_what, change) => expect(() => modified([change])).toThrow(NoSuchPart))
})

describe('ports of the data', () => {
  test('the jobs below one that goes keep theirs', () => {
    const text = editConfig(TEXT, removeJob('DB_Group'))
    expect(jobs(text)).toMatchObject({ Web: { data: { port: jobs(TEXT)['Web']?.data?.port } } })
    expect(Object.keys(jobs(text))).toEqual(['Web'])
  })

  test('a job that comes afterwards gets one that nobody has', () => {
    const text = editConfig(editConfig(TEXT, removeJob('DB_Group')), createJob('DB_Group', jobText(TEXT, 'DB_Group'), []))
    const ports = Object.values(jobs(text)).map((job) => job.data?.port)
    expect(new Set(ports).size).toBe(2)
  })
})
