import { COMMANDS } from '../../commands'
import { cuiSim, linesOf, ONLINE, type Result } from './simulation'

const STANDBY_DEAD = ['sim kill RMHW132', 'sim advance 30s']
const WITHOUT_QUORUM = ['sim kill RMHW131', 'sim kill witness', 'sim advance 30s']

interface Proof {
  /** What is there before it is typed. */
  before: string[]
  line: string
  /** Where it must be refused: what is there then, the line if it is another one, the code and the exit code. */
  refused: { before: string[]; line?: string; code: string; exitCode: number }
  /** When it has ended everything is as it was: the copies were equal, the program the same. */
  leavesNothing?: true
}

/** Every command that changes something: done, refused, and as a dry run without any change; in a runbook, and with --json (product §2). */
const CHANGES: Record<string, Proof> = {
  bringin: {
    before: [],
    line: 'bringin DB_Group',
    refused: { before: ['sim kill RMHW132', 'sim kill witness', 'sim advance 30s'], code: 'E_NO_QUORUM', exitCode: 5 }
  },
  bringout: { before: ONLINE, line: 'bringout DB_Group', refused: { before: [...ONLINE, ...STANDBY_DEAD], code: 'E_CONFIRM_NEEDED', exitCode: 5 } },
  switch: { before: ONLINE, line: 'switch DB_Group', refused: { before: [], code: 'E_JOB_NOT_ONLINE', exitCode: 5 } },
  takeover: { before: ONLINE, line: 'takeover DB_Group', refused: { before: [...ONLINE, ...STANDBY_DEAD], code: 'E_PEER_NOT_HEARD', exitCode: 5 } },
  forcetake: {
    before: [...ONLINE, ...WITHOUT_QUORUM],
    line: 'forcetake DB_Group --node RMHW132 --confirm DB_Group',
    refused: { before: [...ONLINE, ...WITHOUT_QUORUM], line: 'forcetake DB_Group --node RMHW132 --yes', code: 'E_CONFIRM_NEEDED', exitCode: 5 }
  },
  selectsrc: {
    before: [...ONLINE, ...WITHOUT_QUORUM, 'forcetake DB_Group --node RMHW132 --confirm DB_Group', 'sim start RMHW131', 'sim start witness', 'sim advance 1m'],
    line: 'selectsrc DB_Group RMHW132 --confirm DB_Group',
    refused: { before: ONLINE, line: 'selectsrc DB_Group RMHW131 --confirm DB_Group', code: 'E_SELECT_NOT_NEEDED', exitCode: 5 }
  },
  clearerr: {
    before: [...ONLINE, 'sim break-app DB_Group AGENT', 'sim advance 3m'],
    line: 'clearerr DB_Group RMHW131',
    refused: { before: [...ONLINE, ...STANDBY_DEAD], line: 'clearerr DB_Group RMHW132', code: 'E_PEER_UNREACHABLE', exitCode: 3 }
  },
  detach: {
    before: ONLINE,
    line: 'detach DB_Group --keep-data',
    refused: { before: [], line: 'detach DB_Group --keep-data', code: 'E_JOB_NOT_ONLINE', exitCode: 5 }
  },
  resource: { before: ONLINE, line: 'resource DB_Group AGENT offline', refused: { before: [], code: 'E_JOB_NOT_ONLINE', exitCode: 5 } },
  mirror: {
    before: ONLINE,
    line: 'mirror DB_Group start',
    leavesNothing: true,
    refused: { before: [...ONLINE, ...STANDBY_DEAD], code: 'E_DATA_NOT_CONNECTED', exitCode: 5 }
  },
  verify: {
    before: ONLINE,
    line: 'verify DB_Group start',
    leavesNothing: true,
    refused: { before: [...ONLINE, ...STANDBY_DEAD], code: 'E_DATA_NOT_CONNECTED', exitCode: 5 }
  },
  monitor: {
    before: ONLINE,
    line: "monitor add RMHW131 busy --condition 'cpu >= 70%' --response 'equal 3 switch all'",
    refused: {
      before: STANDBY_DEAD,
      line: "monitor add RMHW131 busy --condition 'cpu >= 70%' --response 'equal 3 alarm' --yes",
      code: 'E_CONFIG_PEER',
      exitCode: 3
    }
  },
  transmit: { before: ONLINE, line: 'transmit DB_Group pause', refused: { before: [], code: 'E_JOB_NOT_ONLINE', exitCode: 5 } },
  bandwidth: { before: ONLINE, line: 'bandwidth DB_Group 10MiB', refused: { before: [], line: 'bandwidth DB_Group much', code: 'E_USAGE', exitCode: 2 } },
  safety: {
    before: ['mode DB_Group guide', ...ONLINE],
    // What was high availability goes on with safety FULL.
    line: 'safety DB_Group off',
    refused: { before: ONLINE, line: 'safety DB_Group off', code: 'E_MODE_SAFETY', exitCode: 5 }
  },
  upgrade: {
    before: ONLINE,
    line: 'upgrade DB_Group RMHW132',
    leavesNothing: true,
    refused: { before: [...ONLINE, ...STANDBY_DEAD], code: 'E_PEER_UNREACHABLE', exitCode: 3 }
  },
  mode: { before: [], line: 'mode DB_Group guide', refused: { before: [], line: 'mode DB_Group fastest', code: 'E_USAGE', exitCode: 2 } },
  witness: { before: [], line: 'witness remove', refused: { before: ['witness remove'], code: 'E_NO_SUCH_PART', exitCode: 2 } },
  'witness set': {
    before: ONLINE,
    line: 'witness set 192.168.150.154',
    refused: { before: [...ONLINE, ...STANDBY_DEAD], code: 'E_CONFIG_PEER', exitCode: 3 }
  },
  'witness set --etcd': {
    before: ONLINE,
    line: 'witness set --etcd https://192.168.150.161:2379,https://192.168.150.162:2379 --ca /etc/mirrorpair/etcd-ca.crt',
    refused: { before: [], line: 'witness set --etcd http://192.168.150.161:2379', code: 'E_CONFIG_WRONG', exitCode: 1 }
  },
  link: {
    before: ONLINE,
    line: 'link modify link-0 --heartbeat 3009',
    refused: { before: [], line: 'link modify link-9 --heartbeat 3009', code: 'E_NO_SUCH_PART', exitCode: 2 }
  },
  vip: {
    before: ONLINE,
    line: 'vip modify DB_Group --address 192.168.150.140/16',
    refused: { before: STANDBY_DEAD, code: 'E_CONFIG_PEER', exitCode: 3 }
  },
  config: {
    before: ['vip modify DB_Group --address 192.168.150.140/16'],
    line: 'config restore 1',
    refused: { before: [], line: 'config restore 9', code: 'E_NO_SUCH_PART', exitCode: 2 }
  },
  job: {
    before: [],
    line: 'job create Web --folder /srv/web --mode guide',
    refused: { before: [], line: 'job create DB_Group --folder /srv/web', code: 'E_JOB_EXISTS', exitCode: 5 }
  },
  'job modify': {
    before: [],
    line: 'job modify DB_Group --process MORE=true --set applications.MORE.stopTimeout=5s',
    refused: { before: ONLINE, code: 'E_CONFIG_JOB_ONLINE', exitCode: 5 }
  },
  'job remove': {
    before: ['job create Web --folder /srv/web --mode guide'],
    line: 'job remove Web --confirm Web',
    refused: { before: ['job create Web --folder /srv/web --mode guide', 'bringin Web'], code: 'E_CONFIG_JOB_ONLINE', exitCode: 5 }
  },
  'link add': {
    before: ONLINE,
    line: 'link add serial --type serial --device RMHW131=/dev/ttyS0 --device RMHW132=/dev/ttyS0',
    refused: { before: [], line: 'link add serial --type serial --address RMHW131=10.0.0.1', code: 'E_USAGE', exitCode: 2 }
  },
  'link remove': {
    before: ONLINE,
    line: 'link remove link-0',
    refused: { before: ['link remove link-0'], code: 'E_NO_SUCH_PART', exitCode: 2 }
  },
  'vip add': {
    before: ONLINE,
    line: 'vip add DB_Group IP-More --address 192.168.150.141/16',
    refused: { before: [], line: 'vip add Mail IP-More --address 192.168.150.141/16', code: 'E_NO_SUCH_PART', exitCode: 2 }
  },
  'vip remove': {
    before: ['vip add DB_Group IP-More --address 192.168.150.141/16', ...ONLINE],
    line: 'vip remove DB_Group IP-More',
    refused: { before: [], code: 'E_NO_SUCH_PART', exitCode: 2 }
  }
}

/** What only looks, is the shell's own, or has a story of its own: a drill puts back what it disturbed (drill.test.ts), a licence needs who signs it (licence.test.ts), a token is the shell's (encode.test.ts). */
const LOOKING = ['agents', 'allstate', 'hbtstate', 'help', 'history', 'hostid', 'jobstate', 'list', 'log', 'ready', 'status', 'version', 'wait', 'watch', 'why']
const OWN = ['drill', 'encode', 'exit', 'license', 'login', 'logout', 'open', 'run', 'sim', 'use']

const LOOKS = ['sim', 'allstate', 'jobstate DB_Group', 'config show', 'history DB_Group']

const TIMES = /Ms$|^(since|age|observedAt|lastSeen)$/

/** All that a pair is, and what it has been told, without the times that pass by themselves. */
const picture = (results: Result[]): string =>
  JSON.stringify(results.slice(-LOOKS.length), (key, value: unknown) => (TIMES.test(key) ? undefined : value), 1).replace(/\d+(\.\d+)? ?(ms|s|m|h)\b/g, 'T')

test('every command is there', () => {
  expect([...Object.keys(CHANGES).map((key) => key.split(' ')[0]), ...LOOKING, ...OWN].filter((word, i, all) => all.indexOf(word) === i).sort()).toEqual(
    Object.keys(COMMANDS).sort()
  )
})

describe.each(Object.entries(CHANGES))('%s', (command, { before, line, refused, leavesNothing }) => {
  test('does it, and says so as one object', async () => {
    const { results, error } = await linesOf([...before, 'sim advance 1m', ...LOOKS, line, 'sim advance 1m', ...LOOKS])
    expect(error).toBeNull()
    const done = results.at(before.length + 1 + LOOKS.length)
    expect((done as { command: string }).command).toMatch(new RegExp(`^${command}\\b`))
    expect(done).not.toHaveProperty('dryRun', true)
    // What is looked at to prove that a dry run changes nothing does show what this changes.
    if (!leavesNothing) expect(picture(results)).not.toBe(picture(results.slice(0, before.length + 1 + LOOKS.length)))
  })

  test(`is refused where it must be: ${refused.code}`, async () => {
    const { exitCode, error } = await linesOf([...refused.before, refused.line ?? line])
    expect({ exitCode, code: error?.code }).toEqual({ exitCode: refused.exitCode, code: refused.code })
  })

  test('as a dry run changes nothing', async () => {
    const { exitCode, results } = await linesOf([...before, 'sim advance 1m', ...LOOKS, `${line} --dry-run`, ...LOOKS])
    expect(exitCode).toBeLessThanOrEqual(1)
    expect(results.at(-LOOKS.length - 1)).toMatchObject({ dryRun: true })
    expect(picture(results)).toBe(picture(results.slice(0, -LOOKS.length - 1)))
  })

  test('tells a person what it did, and a wrong option with the usage', async () => {
    const { exitCode, out } = await cuiSim([], [...before, line])
    expect(exitCode).toBe(0)
    expect(out.trimEnd().split('\n').length).toBeGreaterThan(before.length)
    const wrong = await cuiSim([...command.split(' '), '--no-such-option'])
    expect(wrong).toMatchObject({ exitCode: 2, out: '', err: expect.stringContaining('Try: ') })
  })
})
