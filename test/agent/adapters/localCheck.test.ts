import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createAgentsPort } from '../../../agent/adapters'
import { checkHere } from '../../../agent/adapters/configuration/localCheck'
import type { WitnessTrial } from '../../../agent/ports'
import type { Config, EtcdConfig, JobConfig, VipConfig, WitnessConfig } from '../../../src/model'
import { DATA_DEFAULTS } from '../../fakes/dataDefaults'
import { Cable } from '../../kit/ptyPair'
import { application, job, link, makePlaces, removePlaces } from './surroundings'

const places = makePlaces()
const { config: none } = places
afterAll(() => removePlaces(places))

const data = (...folders: string[]): JobConfig['data'] => ({
  folders: folders.map((folder) => ({ path: folder, exclude: [] })),
  port: 7340,
  capture: 'fuse',
  queueBytes: 1_000,
  ...DATA_DEFAULTS
})
const folder = (name: string): string => {
  const made = path.join(places.root, name)
  fs.mkdirSync(made, { recursive: true })
  return made
}
const vip = (change: Partial<VipConfig>): VipConfig => ({ name: 'IP-Web', address: '127.9.9.9', prefix: 8, family: 4, nicGroup: null, nic: null, ...change })
const withJobs = (...jobs: JobConfig[]): Config => ({ ...none, jobs: Object.fromEntries(jobs.map((each) => [each.name, each])) })

/** Each witness that was asked. */
const tried: WitnessConfig[] = []
let silence: string | null = null
const witness: WitnessTrial = async (asked) => {
  tried.push(asked)
  return silence
}

const look = async (next: Config, before: Config = none, hardware: string | null = null) => {
  const { problems, ...more } = await checkHere(places, { vips: { probe: async () => hardware }, agents: createAgentsPort(), witness }, before, next)
  return { ...more, problems: problems.map(({ code, message }) => `${code} ${message}`) }
}

describe('folders', () => {
  test('one that is there, with what is in it and what is free', async () => {
    const full = folder('full')
    fs.writeFileSync(path.join(full, 'a'), 'x'.repeat(100_000))
    const { problems, folders } = await look(withJobs(job({ data: data(full, folder('empty')) })))
    expect(problems).toEqual([])
    expect(folders).toMatchObject([
      { path: full, place: 0, empty: false, counted: true },
      { place: 1, empty: true, bytes: 0, counted: true }
    ])
    expect(folders[0]?.bytes).toBeGreaterThanOrEqual(100_000)
    expect(folders[0]?.freeBytes).toBeGreaterThan(0)
  })

  test('everything that is wrong with them is told, not the first', async () => {
    const file = path.join(places.root, 'file')
    fs.writeFileSync(file, '')
    const missing = path.join(places.root, 'no', 'such')
    const { problems } = await look(withJobs(job({ data: data(missing, file, path.join(folder('upper'), 'none')) })))
    expect(problems).toEqual([
      expect.stringContaining(
        `E_CONFIG_PATH The folder ${missing} of DB_Group cannot be used on RMHW131: it is not there, and neither is ${path.dirname(missing)}`
      ),
      expect.stringContaining('it is no folder'),
      expect.stringContaining('ENOENT')
    ])
  })

  test('a link into the folder of another job, the files of the agent, and what the kernel makes', async () => {
    const db = folder('db')
    const inside = path.join(places.root, 'inside')
    fs.symlinkSync(folder('db/sub'), inside)
    const { problems } = await look(withJobs(job({ data: data(db) }), job({ name: 'Web', data: data(inside, places.stateDirectory, '/proc') })))
    expect(problems).toEqual([
      expect.stringContaining(`The folder ${db} of DB_Group`),
      expect.stringContaining(`it is ${db} of DB_Group, or in it, or around it`),
      expect.stringContaining(`the agent keeps its own files in ${places.stateDirectory}`),
      expect.stringContaining("/proc is of the kernel's own making")
    ])
  })

  test('of what was there before nothing is looked at', async () => {
    const gone = withJobs(job({ data: data('/no/such/folder') }))
    expect(await look({ ...gone, nodes: { ...none.nodes } }, gone)).toEqual({ problems: [], warnings: [], folders: [] })
  })
})

describe('addresses', () => {
  test('a card that is not there, and a network that no card is in', async () => {
    const vips = [vip({ address: '203.0.113.9', prefix: 24, nic: 'nic-9' }), vip({ name: 'IP-Mail', address: '203.0.113.10', prefix: 24 })]
    // Of several, each node finds its own.
    vips.push(vip({ name: 'IP-Both', address: '203.0.113.11', prefix: 24, nic: 'nic-9', nics: ['nic-9', 'lo'] }))
    const { problems } = await look(withJobs(job({ vips })))
    expect(problems).toEqual([
      expect.stringContaining('E_CONFIG_NIC RMHW131 has no network card nic-9, which is named for VIP IP-Web.'),
      expect.stringContaining('E_VIP_NO_NIC No NIC of RMHW131 has a network that holds VIP IP-Mail (203.0.113.10)')
    ])
  })

  test('one that somebody answers for; one that a job has already may answer', async () => {
    const web = withJobs(job({ vips: [vip({ address: '203.0.113.9', prefix: 24, nic: 'lo' })] }))
    const { problems } = await look(web, none, '02:00:00:00:00:07')
    expect(problems).toEqual([expect.stringContaining('E_CONFIG_VIP_ANSWERS VIP IP-Web: 02:00:00:00:00:07 answers for 203.0.113.9 already')])
    expect((await look(withJobs(job({ name: 'Web', vips: [vip({ address: '203.0.113.9', prefix: 24, nic: 'lo' })] })), web, 'x')).problems).toEqual([])
  })

  test('an address of a link that this machine does not have', async () => {
    const links = [link({ addresses: { RMHW131: '203.0.113.1', RMHW132: '203.0.113.2' } })]
    expect((await look({ ...none, links })).problems).toEqual([expect.stringContaining('E_CONFIG_ADDRESS RMHW131 has no address 203.0.113.1')])
  })
})

test('a serial line that is none, or not there', async () => {
  const serial = (device: string) => [
    link({ addresses: {}, heartbeatPort: null, serial: { baud: 9_600, devices: { RMHW131: device, RMHW132: '/dev/ttyS0' } } })
  ]
  const problems = async (device: string) => (await look({ ...none, links: serial(device) })).problems
  const refused = (device: string, why: string) =>
    expect.stringContaining(`E_CONFIG_DEVICE The serial line ${device} of link link-0 cannot be used on RMHW131: ${why}`)
  expect(await problems('/dev/null')).toEqual([refused('/dev/null', 'it is no serial line')])
  expect(await problems('/etc/passwd')).toEqual([refused('/etc/passwd', 'it is no device')])
  expect(await problems('/dev/ttyNone')).toEqual([refused('/dev/ttyNone', 'ENOENT')])
  const cable = new Cable()
  expect(await problems(cable.devices[0])).toEqual([])
  cable.close()
})

describe('the witness', () => {
  const at = (address: string, etcd?: Partial<EtcdConfig>): Config => {
    const files = { caFile: null, certFile: null, keyFile: null, user: null, passwordFile: null }
    return { ...none, witness: { address, port: 7330, ...(etcd ? { etcd: { endpoints: ['https://10.0.0.1:2379'], ...files, ...etcd } } : {}) } }
  }
  beforeEach(() => {
    silence = null
    tried.splice(0)
  })

  test('one that is new in it is knocked at, and that it does not answer is told, not refused', async () => {
    expect(await look(at('10.0.0.3'))).toMatchObject({ problems: [], warnings: [] })
    silence = 'connect ECONNREFUSED'
    expect(await look(at('10.0.0.3'))).toMatchObject({
      problems: [],
      warnings: ['RMHW131: the witness 10.0.0.3 cannot be asked: connect ECONNREFUSED.']
    })
    expect(tried).toHaveLength(2)
    const { witness: known } = at('10.0.0.3')
    await look(at('10.0.0.3'), { ...none, witness: { ...known!, since: 4 } })
    await look(none, at('10.0.0.3'))
    expect(tried).toHaveLength(2)
  })

  test('what etcd wants to see has to be here, all of it', async () => {
    const password = path.join(places.root, 'etcd-password')
    fs.writeFileSync(password, 'secret')
    const { problems } = await look(at('10.0.0.1', { caFile: '/no/ca.crt', certFile: '/no/e.crt', keyFile: password, passwordFile: password }))
    expect(problems).toEqual([
      expect.stringContaining('E_CONFIG_ETCD_FILE /no/ca.crt, which the new witness names for etcd, cannot be read on RMHW131: ENOENT'),
      expect.stringContaining('E_CONFIG_ETCD_FILE /no/e.crt')
    ])
    expect(tried).toEqual([])
    silence = 'the login failed'
    const { warnings } = await look(at('10.0.0.1', { passwordFile: password }))
    expect(warnings).toEqual(['RMHW131: etcd (https://10.0.0.1:2379) cannot be asked: the login failed.'])
  })
})

describe('applications', () => {
  test('an account that is not there; a command and a directory that may come later are only warned of', async () => {
    const group = job({ applications: [application({ user: 'no-such-user', start: 'exec /opt/none/server --port 1', workingDirectory: '/opt/none' })] })
    const { problems, warnings } = await look(withJobs(group))
    expect(problems).toEqual([expect.stringContaining('E_APPLICATION_USER Application APP of DB_Group cannot run as no-such-user on RMHW131')])
    expect(warnings).toEqual([
      'RMHW131: the working directory /opt/none of application APP is not there.',
      'RMHW131: the command /opt/none/server of application APP is not there.'
    ])
  })

  test('what is in the folders of the job comes with its first copy', async () => {
    const web = folder('web')
    const group = job({ applications: [application({ start: `${web}/bin/server`, workingDirectory: web })], data: data(web) })
    expect((await look(withJobs(group))).warnings).toEqual([])
  })

  test('a resource agent: what its metadata says of its parameters, what it advises, and what it says itself', async () => {
    const root = path.join(places.root, 'ocf')
    const provider = path.join(root, 'resource.d', 'test')
    fs.mkdirSync(provider, { recursive: true })
    const content =
      '<parameter name="port" required="1"><content type="integer"/></parameter><parameter name="dir"><deprecated/><content type="string"/></parameter>'
    const metadata = `<resource-agent name="db"><parameters>${content}</parameters><actions><action name="stop" timeout="90s"/></actions></resource-agent>`
    const script = `#!/bin/sh\ncase $1 in meta-data) echo '${metadata}' ;; *) echo ocf-exit-reason:no such database >&2; exit 5 ;; esac\n`
    fs.writeFileSync(path.join(provider, 'db'), script, { mode: 0o755 })
    fs.writeFileSync(path.join(provider, 'dumb'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const before = process.env.OCF_ROOT
    process.env.OCF_ROOT = root
    try {
      const seen = (type: string, parameters: Record<string, string>) =>
        look(
          withJobs(
            job({ applications: [application({ kind: 'agent', stopTimeoutMs: 120_000, agent: { provider: 'test', type, parameters, checkLevel: 0 } })] })
          )
        )
      expect((await seen('none', {})).problems).toEqual([
        expect.stringMatching(/E_CONFIG_AGENT Application APP of DB_Group on RMHW131: there is no agent ocf:test:none/)
      ])
      expect((await seen('db', { prt: '1' })).problems).toEqual([
        expect.stringContaining('ocf:test:db has no parameter prt'),
        expect.stringContaining('needs the parameter port')
      ])
      expect(await seen('db', { port: '1', dir: '/x' })).toEqual({
        problems: [],
        warnings: [
          expect.stringContaining('the parameter dir of application APP is deprecated'),
          expect.stringMatching(/ocf:test:db does not take the parameters of application APP as things are: exit code 5.*no such database/)
        ],
        folders: []
      })
      expect((await seen('dumb', {})).warnings).toEqual([expect.stringContaining('the parameters of application APP could not be checked: ocf:test:dumb')])
    } finally {
      if (before === undefined) delete process.env.OCF_ROOT
      else process.env.OCF_ROOT = before
    }
  })

  test('a unit: as systemd knows it, or a warning where there is no systemd to ask', async () => {
    const bin = fs.mkdtempSync(path.join(os.tmpdir(), 'mp-systemctl-'))
    const before = process.env['PATH']
    const systemctl = (says: string): void => fs.writeFileSync(path.join(bin, 'systemctl'), `#!/bin/sh\n${says}\n`, { mode: 0o755 })
    try {
      process.env['PATH'] = `${bin}:${before}`
      const unit = () => look(withJobs(job({ applications: [application({ kind: 'service', unit: 'nginx' })] })))
      systemctl('echo LoadState=not-found; echo UnitFileState=')
      expect((await unit()).problems).toEqual(['E_CONFIG_UNIT Application APP of DB_Group: systemd on RMHW131 says that nginx is not-found.'])
      systemctl('echo LoadState=loaded; echo UnitFileState=enabled')
      expect(await unit()).toMatchObject({ problems: [], warnings: [expect.stringContaining('systemd starts nginx by itself at boot')] })
      systemctl('echo "no bus" >&2; exit 1')
      expect(await unit()).toMatchObject({ problems: [], warnings: ['RMHW131: systemd could not be asked about nginx of application APP: no bus.'] })
    } finally {
      process.env['PATH'] = before
      fs.rmSync(bin, { recursive: true })
    }
  })
})
