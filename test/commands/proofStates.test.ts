import { wordsOf } from '../../commands/line'
import { KeptPair, ONLINE } from './simulation'

/** What may be typed of a job, in short. */
const LINES: Record<string, string> = {
  bringin: 'bringin DB_Group',
  bringout: 'bringout DB_Group',
  switch: 'switch DB_Group',
  takeover: 'takeover DB_Group',
  drill: 'drill DB_Group switch --yes',
  forcetake: 'forcetake DB_Group --confirm DB_Group --node RMHW132',
  selectsrc: 'selectsrc DB_Group RMHW131 --confirm DB_Group',
  clearerr: 'clearerr DB_Group RMHW131',
  detach: 'detach DB_Group --keep-data',
  offline: 'resource DB_Group AGENT offline',
  online: 'resource DB_Group AGENT online',
  leave: 'resource DB_Group AGENT detach',
  mirror: 'mirror DB_Group start',
  stop: 'mirror DB_Group stop',
  pause: 'mirror DB_Group pause',
  resume: 'mirror DB_Group resume',
  verify: 'verify DB_Group start',
  end: 'verify DB_Group stop',
  hold: 'transmit DB_Group pause',
  send: 'transmit DB_Group resume',
  bandwidth: 'bandwidth DB_Group 10MiB',
  safety: 'safety DB_Group off',
  upgrade: 'upgrade DB_Group RMHW132',
  mode: 'mode DB_Group guide',
  link: 'link modify link-0 --max-miss 9',
  vip: 'vip modify DB_Group --address 192.168.150.140/16',
  application: 'job modify DB_Group --process MORE=true',
  folder: 'job modify DB_Group --exclude *.tmp',
  remove: 'job remove DB_Group --confirm DB_Group'
}

/** Each state that a pair may be in, and what is refused there, with which code; all else is taken. A dry run goes through the checks of the real thing. */
const STATES: [state: string, before: string[], refused: Record<string, string>][] = [
  [
    'offline',
    [],
    {
      E_JOB_NOT_ONLINE: 'switch detach offline online leave mirror stop pause resume verify end hold send bandwidth safety',
      E_JOB_COPY_INCOMPLETE: 'takeover',
      E_FORCE_PEER_HEARD: 'forcetake',
      E_SELECT_NOT_NEEDED: 'selectsrc',
      E_NOT_READY: 'drill'
    }
  ],
  [
    'online',
    ONLINE,
    {
      E_FORCE_PEER_HEARD: 'forcetake',
      E_SELECT_NOT_NEEDED: 'selectsrc',
      E_MODE_SAFETY: 'safety',
      E_CONFIG_JOB_ONLINE: 'application folder remove'
    }
  ],
  [
    'a full mirror runs',
    ['bringin DB_Group'],
    {
      E_MIRROR_RUNNING: 'switch takeover upgrade',
      E_FORCE_PEER_HEARD: 'forcetake',
      E_SELECT_NOT_NEEDED: 'selectsrc',
      E_MODE_SAFETY: 'safety',
      E_CONFIG_JOB_ONLINE: 'application folder remove',
      E_NOT_READY: 'drill'
    }
  ],
  [
    'the standby is lost',
    [...ONLINE, 'sim kill RMHW132', 'sim advance 30s'],
    {
      E_PEER_NOT_HEARD: 'switch takeover',
      E_NO_ANSWER: 'forcetake',
      E_SELECT_NOT_NEEDED: 'selectsrc',
      E_DATA_NOT_CONNECTED: 'mirror verify',
      E_MODE_SAFETY: 'safety',
      E_PEER_UNREACHABLE: 'upgrade',
      E_CONFIG_PEER: 'mode vip',
      E_CONFIG_LINKS: 'link',
      E_CONFIG_JOB_ONLINE: 'application folder remove',
      E_NOT_READY: 'drill'
    }
  ],
  [
    'the agent of the standby is lost',
    [...ONLINE, 'sim crash RMHW132', 'sim advance 30s'],
    {
      E_PEER_NOT_HEARD: 'switch takeover',
      E_NO_ANSWER: 'forcetake',
      E_SELECT_NOT_NEEDED: 'selectsrc',
      E_DETACH_UNHEARD: 'detach',
      E_MODE_SAFETY: 'safety',
      E_PEER_UNREACHABLE: 'upgrade',
      E_CONFIG_PEER: 'mode link vip',
      E_CONFIG_JOB_ONLINE: 'application folder remove',
      E_NOT_READY: 'drill'
    }
  ],
  [
    'the standby and the witness are lost',
    [...ONLINE, 'sim kill RMHW132', 'sim kill witness', 'sim advance 30s'],
    {
      E_NO_QUORUM: 'bringin',
      E_JOB_NOT_ONLINE: 'switch takeover detach offline online leave mirror stop pause resume verify end hold send bandwidth safety',
      E_NO_ANSWER: 'forcetake',
      E_SELECT_NOT_NEEDED: 'selectsrc',
      E_PEER_UNREACHABLE: 'upgrade',
      E_CONFIG_PEER: 'mode vip',
      E_CONFIG_LINKS: 'link',
      E_CONFIG_JOB_ONLINE: 'application folder remove',
      E_NOT_READY: 'drill'
    }
  ],
  [
    'the other node keeps an error flag',
    [...ONLINE, 'sim break-app DB_Group AGENT', 'sim advance 3m'],
    {
      E_JOB_ERROR_FLAG: 'switch takeover',
      E_SELECT_NOT_NEEDED: 'selectsrc',
      E_MODE_SAFETY: 'safety',
      E_CONFIG_JOB_ONLINE: 'application folder remove',
      E_NOT_READY: 'drill'
    }
  ],
  [
    'sending is held back',
    [...ONLINE, 'transmit DB_Group pause'],
    {
      E_FORCE_PEER_HEARD: 'forcetake',
      E_SELECT_NOT_NEEDED: 'selectsrc',
      E_MODE_SAFETY: 'safety',
      E_CONFIG_JOB_ONLINE: 'application folder remove',
      E_NOT_READY: 'drill'
    }
  ],
  [
    'detached',
    [...ONLINE, 'detach DB_Group --keep-data'],
    {
      E_JOB_DETACHED: 'switch takeover',
      E_FORCE_PEER_HEARD: 'forcetake',
      E_SELECT_NOT_NEEDED: 'selectsrc',
      E_MODE_SAFETY: 'safety',
      E_CONFIG_JOB_ONLINE: 'folder remove',
      E_NOT_READY: 'drill'
    }
  ],
  [
    'detached, with its replication stopped',
    [...ONLINE, 'detach DB_Group --stop-data'],
    {
      E_JOB_DETACHED: 'switch takeover',
      E_FORCE_PEER_HEARD: 'forcetake',
      E_SELECT_NOT_NEEDED: 'selectsrc',
      E_DATA_STOPPED: 'mirror stop pause resume verify end hold send bandwidth safety',
      E_CONFIG_JOB_ONLINE: 'remove',
      E_NOT_READY: 'drill'
    }
  ],
  [
    'both have served',
    ['mode DB_Group guide', ...ONLINE, 'sim cut all', 'sim advance 1m', 'sim write DB_Group 1MiB', 'sim heal', 'sim advance 30s'],
    {
      E_SELECT_FIRST: 'switch takeover mirror verify',
      E_CONFIG_JOB_ONLINE: 'application folder remove',
      E_NOT_READY: 'drill'
    }
  ]
]

test.each(STATES)('%s: what is refused, and what is not', async (_state, before, refused) => {
  const pair = new KeptPair()
  try {
    await pair.done(before)
    const said: Record<string, string> = {}
    for (const [name, line] of Object.entries(LINES)) {
      const { exitCode, out } = await pair.cui([...wordsOf(line), '--dry-run', '--json'])
      const { error } = JSON.parse(out) as { error?: { code: string; message: string; tryThis: string; exitCode: number } }
      if (error === undefined) continue
      expect(error).toMatchObject({ exitCode, message: expect.stringMatching(/\w/), tryThis: expect.stringMatching(/\w/) })
      said[error.code] = [...(said[error.code]?.split(' ') ?? []), name].join(' ')
    }
    expect(said).toEqual(refused)
  } finally {
    pair.end()
  }
})
