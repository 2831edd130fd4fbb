import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS, SEEN_TIMEOUT_MS, TEST_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER, JOB, jobOf, type Node } from './kit/lab'
import { isSince, statusOf } from './kit/observer'

const RESTARTS_MAX = 3
const KV_PORT = 7400
const NUMBER = expect.stringMatching(/^[\d,]+$/) as string

/** The lines of a property view (guide 3, G) from the job to Pagefile Used, as the guide's pages show them. */
const view = (owner: Node, application: string, words: Record<string, string>): [string, string][] => [
  [JOB, owner],
  [`IP-${JOB}`, '192.168.150.130 / 255.255.0.0'],
  ['KV', application],
  ['System resource monitor', expect.any(String) as string],
  ['Data', JOB],
  ['Connection', words.Connection ?? 'OK'],
  ['Data Rule Set', JOB],
  ['Link Group', words.Links ?? 'OK'],
  ['Speed (bytes/s)', NUMBER],
  ['link-0', words.Links ?? 'OK'],
  ['link-1', words.Links ?? 'OK'],
  ['Mirror', words.Mirror ?? 'Idle'],
  ['Left Bytes', '0'],
  ['Left Time', '0s'],
  ['Need to Verify', words.Verify ?? 'No'],
  ['Replication', words.Replication ?? 'Idle'],
  ['Sent Bytes', NUMBER],
  ['Queued Bytes', '0'],
  ['Mode', 'Async'],
  ['Target Side', words.Target ?? 'Idle'],
  ['Pagefile Used', words.Pagefile ?? '0']
]

const STOPPED = { Connection: 'Stop', Mirror: 'Stop', Replication: 'Stop', Target: 'Stop' }
const ALONE = { ...STOPPED, Links: 'Error', Target: 'Absent' }

describeOnline('chapters 4 and 5 of the guide, page by page: Group Operation, Resource Operation', { options: ['--application', 'kv'] }, (lab) => {
  /** What `jobstate` says, as a reader of the guide would compare it. */
  const seen = async (node: Node): Promise<[string, string][]> => {
    const { stdout } = await lab.cui(['jobstate', JOB, '--node', node])
    const rows = stdout.split('\n').map((line) => [line.slice(0, 26).trim(), line.slice(26).trim()] as [string, string])
    const first = rows.findIndex(([name]) => name === JOB)
    return rows.slice(first, rows.findIndex(([name]) => name === 'Pagefile Used') + 1)
  }
  /** The view changes by steps: it is looked at until it is as expected, or it is told what it is instead. */
  const shows = async (node: Node, expected: [string, string][], counts: (row: [string, string]) => boolean = () => true) => {
    const endMs = Date.now() + SEEN_TIMEOUT_MS
    for (;;) {
      const rows = (await seen(node)).filter(counts)
      try {
        return expect(rows).toEqual(expected)
      } catch (error) {
        if (Date.now() > endMs) throw error
      }
    }
  }
  const kvRuns = () => {
    const sinceMs = Date.now()
    return lab
      .watch()
      .waitFor(
        'KV runs',
        SEEN_TIMEOUT_MS,
        (all) => isSince(all.RMHW131, sinceMs) && jobOf(all, 'RMHW131')?.applications.every(({ state }) => state === 'online') === true
      )
  }
  const text = async (node: Node, name: string) => (await lab.exec(node, ['cat', `${FOLDER}/${name}`])).stdout

  test(
    'Bring Out: the service is stopped, the owner stays, replication stops, and no link is called broken; Bring In: it runs again',
    async () => {
      expect(await lab.done(['bringout', JOB])).toContain('Send bringout Job command succeeded!')
      await shows('RMHW131', view('RMHW131', 'offline', STOPPED))
      expect(await lab.done(['bringout', JOB, '--dry-run'])).toBe(`Nothing to do: ${JOB} is offline already\n`)
      expect(await lab.done(['bringin', JOB])).toContain('Send bringin Job command succeeded!')
      await shows('RMHW131', view('RMHW131', 'online', {}))
      expect(await lab.cui(['bringin', JOB, '--dry-run'])).toMatchObject({ code: 0, stdout: `Nothing to do: ${JOB} is online already\n` })
    },
    TEST_TIMEOUT_MS
  )

  test(
    'Take Over: ownership goes to the other server and back, of a job that runs and of one that does not',
    async () => {
      await lab.done(['takeover', JOB])
      await shows('RMHW132', view('RMHW132', 'online', {}))
      await lab.done(['bringout', JOB])
      await lab.done(['takeover', JOB])
      await shows('RMHW131', view('RMHW131', 'offline', STOPPED))
      await lab.done(['bringin', JOB])
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'Fail Over: all is stopped on the owner, then started on the standby',
    async () => {
      const said = await lab.done(['switch', JOB])
      expect(said.indexOf('RMHW131  Stop application KV ... done')).toBeLessThan(said.indexOf('RMHW132  Start application KV ... done'))
      expect(said).toContain('Send switch Job command succeeded!')
      await shows('RMHW132', view('RMHW132', 'online', {}))
      await lab.done(['switch', JOB])
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'Force Bring Out: with the other server off it is a dangerous operation, which nothing but the code carries out',
    async () => {
      await lab.verb(['kill', 'RMHW132'])
      await lab.alone('RMHW131', SEEN_TIMEOUT_MS)
      // Nothing was written since: the other copy is old by nothing.
      await shows('RMHW131', view('RMHW131', 'online', ALONE))
      const refused = await lab.cui(['bringout', JOB, '--yes', '--node', 'RMHW131'])
      expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('cannot be reached') as string })
      expect((await lab.now('RMHW131')).phase).toBe('online')
      await lab.done(['bringout', JOB, '--confirm', JOB, '--node', 'RMHW131'])
      await shows('RMHW131', view('RMHW131', 'offline', { ...ALONE, Verify: 'Yes', Pagefile: 'NA' }))
      await lab.verb(['start', 'RMHW132'])
      await lab.calm(ONLINE_TIMEOUT_MS)
      await lab.done(['bringin', JOB])
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'Force Start: the standby of a job that was brought out serves when its owner is off; Select Data Source: then one copy is chosen',
    async () => {
      await lab.done(['bringout', JOB])
      await lab.verb(['kill', 'RMHW131'])
      await lab.alone('RMHW132', SEEN_TIMEOUT_MS)
      expect(await lab.cui(['bringin', JOB, '--node', 'RMHW132'])).not.toMatchObject({ code: 0 })
      expect(await lab.cui(['forcetake', JOB, '--yes', '--node', 'RMHW132'])).toMatchObject({ code: 5 })
      await lab.done(['forcetake', JOB, '--confirm', JOB, '--node', 'RMHW132'])
      await shows('RMHW132', view('RMHW132', 'online', { ...ALONE, Verify: 'Manually' }))
      await lab.said('RMHW132', ['sh', '-c', `echo written alone > ${FOLDER}/alone`])

      await lab.verb(['start', 'RMHW131'])
      await lab
        .watch()
        .waitFor('Manually on both', SEEN_TIMEOUT_MS, (all) =>
          [all.RMHW131, all.RMHW132].every((answer) => statusOf(answer)?.self.jobs[JOB]?.record.needToVerify === 'Manually')
        )
      expect(await lab.cui(['selectsrc', JOB, 'RMHW132', '--yes'])).toMatchObject({ code: 5 })
      await lab.done(['selectsrc', JOB, 'RMHW132', '--confirm', JOB])
      await lab.equal('RMHW132', EQUAL_TIMEOUT_MS)
      await lab.applied('RMHW132', EQUAL_TIMEOUT_MS)
      expect(await text('RMHW131', 'alone')).toBe('written alone\n')
      await lab.done(['switch', JOB])
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'Clear Error Flag: where an application failed too often, once with its engine, the job neither starts nor comes back, until the flag is cleared',
    async () => {
      const endMs = Date.now() + 4 * ONLINE_TIMEOUT_MS
      for (let i = 0; i <= RESTARTS_MAX; i++) {
        if (i === 1) await lab.verb(['kill', 'RMHW131', '--engine'])
        const pid = await lab.killListener('RMHW131', KV_PORT)
        if (i === 1) await lab.verb(['start', 'RMHW131'])
        if (i === RESTARTS_MAX) break
        while ([pid, ''].includes(await lab.listens('RMHW131', KV_PORT))) expect(Date.now()).toBeLessThan(endMs)
        // It listens before its start is over.
        await kvRuns()
      }
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      await lab.equal('RMHW132', EQUAL_TIMEOUT_MS)
      expect((await lab.now('RMHW131')).record.errorFlag).toContain('KV')
      const refused = await lab.cui(['switch', JOB])
      expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining(`clearerr ${JOB} RMHW131`) as string })
      await lab.done(['clearerr', JOB, 'RMHW131'])
      await lab.done(['switch', JOB])
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'Resource Offline, Online, Detach, Online: the one that depends on it follows, the job and its replication go on',
    async () => {
      await lab.done(['detach', JOB, '--keep-data'])
      await lab.done(['job', 'modify', JOB, '--process', 'AGENT=exec sleep 1000777', '--depends', 'AGENT=KV', '--yes'])
      await lab.done(['bringin', JOB])
      const are = (word: string) =>
        lab.watch().waitFor(`KV and AGENT are ${word}`, SEEN_TIMEOUT_MS, (all) => {
          const applications = jobOf(all, 'RMHW131')?.applications ?? []
          return applications.length === 2 && applications.every((each) => each.word === word)
        })
      await are('online')

      const stopped = await lab.done(['resource', JOB, 'KV', 'offline'])
      expect(stopped.indexOf('Stop application AGENT')).toBeLessThan(stopped.indexOf('Stop application KV'))
      await are('offline')
      expect(await lab.listens('RMHW131', KV_PORT)).toBe('')
      await shows(
        'RMHW131',
        [
          ['Connection', 'OK'],
          ['Replication', 'Idle'],
          ['Target Side', 'Idle']
        ],
        ([name]) => ['Connection', 'Replication', 'Target Side'].includes(name)
      )
      await lab.done(['resource', JOB, 'AGENT', 'online'])
      await are('online')

      await lab.done(['resource', JOB, 'KV', 'detach'])
      await are('detached')
      await lab.killListener('RMHW131', KV_PORT)
      const { code } = await lab.cui(['wait', JOB, 'offline', '--timeout', '3s'])
      expect({ code, listens: await lab.listens('RMHW131', KV_PORT) }).toEqual({ code: 6, listens: '' })
      await lab.done(['resource', JOB, 'AGENT', 'online'])
      await are('online')
      expect(await lab.listens('RMHW131', KV_PORT)).not.toBe('')
    },
    TEST_TIMEOUT_MS
  )
})
