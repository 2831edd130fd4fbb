import { EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { JOB, jobOf, Lab, type Node, NODES } from './kit/lab'
import { describePair } from './kit/needs'
import { type Seen, statusOf } from './kit/observer'

const TEST_TIMEOUT_MS = 400_000

/** Times differ from run to run and nothing else does: every digit becomes 0. */
const masked = (text: string) => text.replace(/\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}/g, '0000-00-00 00:00:00').replace(/^\d{2}:\d{2}:\d{2} /gm, '00:00:00 ')

const LIST = `-----------------------------------------------------------
Node          IP:Port                   State
-----------------------------------------------------------
*RMHW131      192.168.150.151:7330      on line(admin)
RMHW132       192.168.150.152:7330      on line(admin)
-----------------------------------------------------------
`

const HBTSTATE = `-----------------------------------------------------------
HBT                                               RMHW131     RMHW132
-----------------------------------------------------------
192.168.150.151:3002 <-> 192.168.150.152:3002     ok          ok
22.22.150.131:3001 <-> 22.22.150.132:3001         ok          ok
11.11.150.131:3000 <-> 11.11.150.132:3000         ok          ok
-----------------------------------------------------------
`

const jobTable = (state: string, owner: string, reason: string) => `-----------------------------------------------------------
Job           State       Activite      TakeReason    TakeTime
-----------------------------------------------------------
DB_Group      ${state.padEnd(12)}${owner.padEnd(14)}${reason.padEnd(14)}0000-00-00 00:00:00
-----------------------------------------------------------
`

const allstate = (state: string, owner: string, reason: string) => `-----------------------------------------------------------
host          licState
-----------------------------------------------------------
RMHW131       Valid
RMHW132       Valid
-----------------------------------------------------------

-----------------------------------------------------------
host                      hbtState
-----------------------------------------------------------
RMHW131--->RMHW132        ok
RMHW132--->RMHW131        ok
-----------------------------------------------------------

${jobTable(state, owner, reason)}`

const restsAt = (seen: Seen, node: Node): boolean => jobOf(seen, node)?.record.desired === 'offline' && statusOf(seen[node])?.problems.length === 0

describePair('the transcripts of the guide, from a real pair', {}, () => {
  let lab: Lab

  beforeAll(async () => {
    lab = await Lab.up()
  }, TEST_TIMEOUT_MS)

  afterAll(() => lab?.down(), TEST_TIMEOUT_MS)

  const said = async (...words: string[]) => masked(await lab.done(words))

  test(
    'list, allstate, hbtstate, bringin, switch, bringout, byte for byte',
    async () => {
      expect(await said('list')).toBe(LIST)
      const first = await lab.cui(['allstate'])
      // What is not as it should be stands below the tables, and the exit code says it too.
      expect({ code: first.code, stdout: masked(first.stdout) }).toEqual({
        code: 1,
        stdout: `${allstate('offline', 'RMHW131', 'initial')}! the copy of DB_Group on RMHW132 is not complete: it cannot take over\n`
      })
      expect(await said('bringin', JOB)).toBe(
        [
          'Send bringin Job command succeeded!',
          '00:00:00 RMHW131  Mount data as source ... done',
          '00:00:00 RMHW131  Raise VIP 192.168.150.130 ... done',
          jobTable('online', 'RMHW131', 'initial')
        ].join('\n')
      )
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS)
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      await lab.calm(ONLINE_TIMEOUT_MS)
      expect(await said('allstate')).toBe(allstate('online', 'RMHW131', 'initial'))
      expect(await said('hbtstate')).toBe(HBTSTATE)
      expect(await said('switch', JOB)).toBe(
        [
          'Send switch Job command succeeded!',
          '00:00:00 RMHW131  Drop VIP 192.168.150.130 ... done',
          '00:00:00 RMHW131  Drain data queue ... done',
          '00:00:00 RMHW131  Stop data ... done',
          '00:00:00 RMHW131  Hand over to RMHW132 (role sequence 2) ... done',
          '00:00:00 RMHW132  Take ownership (role sequence 2) ... done',
          '00:00:00 RMHW132  Mount data as source ... done',
          '00:00:00 RMHW132  Raise VIP 192.168.150.130 ... done',
          jobTable('online', 'RMHW132', 'manual')
        ].join('\n')
      )
      await lab.equal('RMHW132', EQUAL_TIMEOUT_MS)
      await lab.calm(ONLINE_TIMEOUT_MS)
      expect(await said('list')).toBe(LIST.replace('*RMHW131 ', 'RMHW131  ').replace('RMHW132  ', '*RMHW132 '))
      await lab.done(['bringout', JOB])
      await lab.watch().waitFor('both know that it is offline', ONLINE_TIMEOUT_MS, (seen) => NODES.every((node) => restsAt(seen, node)))
      expect(await said('allstate')).toBe(allstate('offline', 'RMHW132', 'manual'))
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a runbook typed on standard input is the same shell',
    async () => {
      const result = await lab.cui([], {
        input: `# the night of the update\nlist\nbringin ${JOB}\nwait ${JOB} online --timeout 2m\nwait ${JOB} synchronized\nhbtstate\n`
      })
      expect({ code: result.code, stderr: result.stderr }).toEqual({ code: 0, stderr: '' })
      expect(result.stdout).toContain('Send bringin Job command succeeded!')
      expect(result.stdout).toContain(HBTSTATE)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'without a session nothing is changed and nothing is told',
    async () => {
      const stranger = await lab.exec('client', [
        'sh',
        '-c',
        `for path in status jobs/${JOB}/switch; do curl -sk -o /dev/null -w '%{http_code} ' -X "$([ $path = status ] && echo GET || echo POST)" -H 'content-type: application/json' -d '{}' https://192.168.150.151:7330/v1/$path; done`
      ])
      expect(stranger.stdout.trim()).toBe('401 401')
    },
    TEST_TIMEOUT_MS
  )
})
