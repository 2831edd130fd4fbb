import { COMMANDS } from '../../commands'
import { wordsOf } from '../../commands/line'
import { KeptPair, linesOf, LOOKS, ONLINE, picture } from './simulation'

const STANDBY_DEAD = ['sim kill RMHW132', 'sim advance 30s']
const WITHOUT_QUORUM = ['sim kill RMHW131', 'sim kill witness', 'sim advance 30s']

const MONITORED = "monitor add RMHW131 busy --condition 'cpu >= 70%' --response 'equal 3 alarm'"

interface Proof {
  /** What is there before it is typed. */
  before: string[]
  line: string
  /** One place where it must be refused: what is there then, the line if it is another one, the code, the exit code and what it says; every state is in proofStates.test.ts. */
  refused: { before: string[]; line?: string; code: string; exitCode: number; says: string }
  /** When it has ended everything is as it was: the copies were equal, the program the same. */
  leavesNothing?: true
}

/** Every command that changes something: done, refused, and as a dry run without any change; in a runbook, and with --json (product §2). */
const CHANGES: Record<string, Proof> = {
  bringin: {
    before: [],
    line: 'bringin DB_Group',
    refused: { before: ['sim kill RMHW132', 'sim kill witness', 'sim advance 30s'], code: 'E_NO_QUORUM', exitCode: 5, says: 'two of the three have to agree' }
  },
  bringout: {
    before: ONLINE,
    line: 'bringout DB_Group',
    refused: { before: [...ONLINE, ...STANDBY_DEAD], code: 'E_CONFIRM_NEEDED', exitCode: 5, says: 'bringout DB_Group --confirm DB_Group' }
  },
  switch: { before: ONLINE, line: 'switch DB_Group', refused: { before: [], code: 'E_JOB_NOT_ONLINE', exitCode: 5, says: 'it is offline' } },
  takeover: {
    before: ONLINE,
    line: 'takeover DB_Group',
    refused: { before: [...ONLINE, ...STANDBY_DEAD], code: 'E_PEER_NOT_HEARD', exitCode: 5, says: 'the agent of RMHW132 was heard' }
  },
  forcetake: {
    before: [...ONLINE, ...WITHOUT_QUORUM],
    line: 'forcetake DB_Group --node RMHW132 --confirm DB_Group',
    refused: {
      before: [...ONLINE, ...WITHOUT_QUORUM],
      line: 'forcetake DB_Group --node RMHW132 --yes',
      code: 'E_CONFIRM_NEEDED',
      exitCode: 5,
      says: 'both nodes serve it and their data goes apart'
    }
  },
  selectsrc: {
    before: [...ONLINE, ...WITHOUT_QUORUM, 'forcetake DB_Group --node RMHW132 --confirm DB_Group', 'sim start RMHW131', 'sim start witness', 'sim advance 1m'],
    line: 'selectsrc DB_Group RMHW132 --confirm DB_Group',
    refused: { before: ONLINE, line: 'selectsrc DB_Group RMHW131 --confirm DB_Group', code: 'E_SELECT_NOT_NEEDED', exitCode: 5, says: 'need to verify is No' }
  },
  clearerr: {
    before: [...ONLINE, 'sim break-app DB_Group AGENT', 'sim advance 3m'],
    line: 'clearerr DB_Group RMHW131',
    refused: {
      before: [...ONLINE, ...STANDBY_DEAD],
      line: 'clearerr DB_Group RMHW132',
      code: 'E_PEER_UNREACHABLE',
      exitCode: 3,
      says: 'could not reach the agent of RMHW132'
    }
  },
  detach: {
    before: ONLINE,
    line: 'detach DB_Group --keep-data',
    refused: { before: [], line: 'detach DB_Group --keep-data', code: 'E_JOB_NOT_ONLINE', exitCode: 5, says: 'it is offline' }
  },
  resource: { before: ONLINE, line: 'resource DB_Group AGENT offline', refused: { before: [], code: 'E_JOB_NOT_ONLINE', exitCode: 5, says: 'it is offline' } },
  'resource (detach)': {
    before: ONLINE,
    line: 'resource DB_Group POSTGRES detach',
    refused: { before: ONLINE, line: 'resource DB_Group Nobody detach', code: 'E_USAGE', exitCode: 2, says: 'POSTGRES, AGENT' }
  },
  'detach (with its data)': {
    before: ONLINE,
    line: 'detach DB_Group --stop-data --for 2h --reason patch',
    refused: { before: ONLINE, line: 'detach DB_Group --stop-data --for 31d', code: 'E_USAGE', exitCode: 2, says: '30d' }
  },
  'transmit (resume)': {
    before: [...ONLINE, 'transmit DB_Group pause'],
    line: 'transmit DB_Group resume',
    refused: { before: [...ONLINE, 'detach DB_Group --stop-data'], code: 'E_DATA_STOPPED', exitCode: 5, says: 'bringin DB_Group starts it again' }
  },
  'monitor modify': {
    before: [...ONLINE, MONITORED],
    line: "monitor modify RMHW131 busy --condition 'memory >= 90% NA'",
    refused: { before: ONLINE, code: 'E_NO_SUCH_PART', exitCode: 2, says: 'busy' }
  },
  'monitor remove': {
    before: [...ONLINE, MONITORED],
    line: 'monitor remove RMHW131 busy',
    refused: { before: ONLINE, code: 'E_NO_SUCH_PART', exitCode: 2, says: 'busy' }
  },
  mirror: {
    before: ONLINE,
    line: 'mirror DB_Group start',
    leavesNothing: true,
    refused: { before: [...ONLINE, ...STANDBY_DEAD], code: 'E_DATA_NOT_CONNECTED', exitCode: 5, says: 'not connected to RMHW132' }
  },
  verify: {
    before: ONLINE,
    line: 'verify DB_Group start',
    leavesNothing: true,
    refused: { before: [...ONLINE, ...STANDBY_DEAD], code: 'E_DATA_NOT_CONNECTED', exitCode: 5, says: 'not connected to RMHW132' }
  },
  monitor: {
    before: ONLINE,
    line: "monitor add RMHW131 busy --condition 'cpu >= 70%' --response 'equal 3 switch all'",
    refused: {
      before: STANDBY_DEAD,
      line: "monitor add RMHW131 busy --condition 'cpu >= 70%' --response 'equal 3 alarm' --yes",
      code: 'E_CONFIG_PEER',
      exitCode: 3,
      says: 'RMHW132 did not answer, so nothing was changed'
    }
  },
  transmit: { before: ONLINE, line: 'transmit DB_Group pause', refused: { before: [], code: 'E_JOB_NOT_ONLINE', exitCode: 5, says: 'it is offline' } },
  bandwidth: {
    before: ONLINE,
    line: 'bandwidth DB_Group 10MiB',
    refused: { before: [], line: 'bandwidth DB_Group much', code: 'E_USAGE', exitCode: 2, says: '16KiB/s or more' }
  },
  safety: {
    before: ['mode DB_Group guide', ...ONLINE],
    // What was high availability goes on with safety FULL.
    line: 'safety DB_Group off',
    refused: { before: ONLINE, line: 'safety DB_Group off', code: 'E_MODE_SAFETY', exitCode: 5, says: 'made of safety FULL' }
  },
  upgrade: {
    before: ONLINE,
    line: 'upgrade DB_Group RMHW132',
    leavesNothing: true,
    refused: { before: [...ONLINE, ...STANDBY_DEAD], code: 'E_PEER_UNREACHABLE', exitCode: 3, says: 'could not reach the agent of RMHW132' }
  },
  mode: {
    before: [],
    line: 'mode DB_Group guide',
    refused: { before: [], line: 'mode DB_Group fastest', code: 'E_USAGE', exitCode: 2, says: 'guide|high-availability' }
  },
  witness: { before: [], line: 'witness remove', refused: { before: ['witness remove'], code: 'E_NO_SUCH_PART', exitCode: 2, says: 'has no witness' } },
  'witness set': {
    before: ONLINE,
    line: 'witness set 192.168.150.154',
    refused: { before: [...ONLINE, ...STANDBY_DEAD], code: 'E_CONFIG_PEER', exitCode: 3, says: 'RMHW132 did not answer, so nothing was changed' }
  },
  'witness set --etcd': {
    before: ONLINE,
    line: 'witness set --etcd https://192.168.150.161:2379,https://192.168.150.162:2379 --ca /etc/mirrorpair/etcd-ca.crt',
    refused: { before: [], line: 'witness set --etcd http://192.168.150.161:2379', code: 'E_CONFIG_WRONG', exitCode: 1, says: 'with https' }
  },
  link: {
    before: ONLINE,
    line: 'link modify link-0 --heartbeat 3009',
    refused: { before: [], line: 'link modify link-9 --heartbeat 3009', code: 'E_NO_SUCH_PART', exitCode: 2, says: 'It has service, link-0, link-1' }
  },
  vip: {
    before: ONLINE,
    line: 'vip modify DB_Group --address 192.168.150.140/16',
    refused: { before: STANDBY_DEAD, code: 'E_CONFIG_PEER', exitCode: 3, says: 'RMHW132 did not answer, so nothing was changed' }
  },
  config: {
    before: ['vip modify DB_Group --address 192.168.150.140/16'],
    line: 'config restore 1',
    refused: { before: [], line: 'config restore 9', code: 'E_NO_SUCH_PART', exitCode: 2, says: 'has no version 9' }
  },
  job: {
    before: [],
    line: 'job create Web --folder /srv/web --mode guide',
    refused: { before: [], line: 'job create DB_Group --folder /srv/web', code: 'E_JOB_EXISTS', exitCode: 5, says: 'There is a job DB_Group already' }
  },
  'job modify': {
    before: [],
    line: 'job modify DB_Group --process MORE=true --set applications.MORE.stopTimeout=5s',
    refused: { before: ONLINE, code: 'E_CONFIG_JOB_ONLINE', exitCode: 5, says: 'needs DB_Group detached or brought out' }
  },
  'job remove': {
    before: ['job create Web --folder /srv/web --mode guide'],
    line: 'job remove Web --confirm Web',
    refused: {
      before: ['job create Web --folder /srv/web --mode guide', 'bringin Web'],
      code: 'E_CONFIG_JOB_ONLINE',
      exitCode: 5,
      says: 'needs Web brought out'
    }
  },
  'link add': {
    before: ONLINE,
    line: 'link add serial --type serial --device RMHW131=/dev/ttyS0 --device RMHW132=/dev/ttyS0',
    refused: { before: [], line: 'link add serial --type serial --address RMHW131=10.0.0.1', code: 'E_USAGE', exitCode: 2, says: 'A serial line has devices' }
  },
  'link remove': {
    before: ONLINE,
    line: 'link remove link-0',
    refused: { before: ['link remove link-0'], code: 'E_NO_SUCH_PART', exitCode: 2, says: 'has no link link-0' }
  },
  'vip add': {
    before: ONLINE,
    line: 'vip add DB_Group IP-More --address 192.168.150.141/16',
    refused: { before: [], line: 'vip add Mail IP-More --address 192.168.150.141/16', code: 'E_NO_SUCH_PART', exitCode: 2, says: 'has no job Mail' }
  },
  'vip remove': {
    before: ['vip add DB_Group IP-More --address 192.168.150.141/16', ...ONLINE],
    line: 'vip remove DB_Group IP-More',
    refused: { before: [], code: 'E_NO_SUCH_PART', exitCode: 2, says: 'It has IP-DB_Group' }
  }
}

/** What only looks (proofLooking.test.ts), is the shell's own, or has a story of its own with its refusals, --json and dry run: a drill puts back what it disturbed (drill.test.ts), a licence needs who signs it (licence.test.ts), a token is the shell's (encode.test.ts). */
const LOOKING = ['agents', 'allstate', 'hbtstate', 'help', 'history', 'hostid', 'jobstate', 'list', 'log', 'ready', 'status', 'version', 'wait', 'watch', 'why']
const OWN = ['drill', 'encode', 'exit', 'license', 'login', 'logout', 'open', 'run', 'sim', 'use']

test('every command is there', () => {
  expect([...Object.keys(CHANGES).map((key) => key.split(' ')[0]), ...LOOKING, ...OWN].filter((word, i, all) => all.indexOf(word) === i).sort()).toEqual(
    Object.keys(COMMANDS).sort()
  )
})

/** `resource (detach)`: what is typed, and which form of it. */
const wordIn = (name: string): string => name.replace(/ \(.*/, '')

describe.each(Object.entries(CHANGES).map(([name, proof]) => [name, wordIn(name), proof] as const))(
  '%s',
  (_name, command, { before, line, refused, leavesNothing }) => {
    test('a dry run changes nothing; without it it is done, and said as one object', async () => {
      const { results, error } = await linesOf([...before, 'sim advance 1m', ...LOOKS, `${line} --dry-run`, ...LOOKS, line, 'sim advance 1m', ...LOOKS])
      expect(error).toBeNull()
      const first = before.length + 1 + LOOKS.length
      const [was, tried] = [first, first + 1 + LOOKS.length].map((end) => picture(results.slice(0, end)))
      expect(results[first]).toMatchObject({ dryRun: true })
      expect(tried).toBe(was)
      const done = results[first + 1 + LOOKS.length]
      expect((done as { command: string }).command).toMatch(new RegExp(`^${command}\\b`))
      expect(done).not.toHaveProperty('dryRun', true)
      // What is looked at to prove that a dry run changes nothing does show what this changes.
      if (!leavesNothing) expect(picture(results)).not.toBe(was)
    })

    test(`is refused where it must be: ${refused.code}`, async () => {
      const { exitCode, error } = await linesOf([...refused.before, refused.line ?? line])
      expect({ exitCode, code: error?.code }).toEqual({ exitCode: refused.exitCode, code: refused.code })
      expect([error?.message, error?.tryThis].join('\n')).toContain(refused.says)
      expect(error?.tryThis).toMatch(/\w/)
    })

    test('in one shot it is done as well, and tells a person so; a wrong option comes with the usage', async () => {
      const pair = new KeptPair()
      try {
        await pair.done(before)
        const said = await pair.cui(wordsOf(line))
        expect(said).toMatchObject({ exitCode: 0, err: '' })
        expect(said.out).toMatch(/succeeded!|in force|is (kept|stored|installed)|has been/)
        const wrong = await pair.cui([...command.split(' '), '--no-such-option'])
        expect(wrong).toMatchObject({ exitCode: 2, out: '', err: expect.stringContaining('Try: ') })
      } finally {
        pair.end()
      }
    })
  }
)
