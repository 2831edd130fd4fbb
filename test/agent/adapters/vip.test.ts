import { execFileSync, spawnSync } from 'node:child_process'
import { createVipPort } from '../../../agent/adapters'
import { inNetwork, networkText, sameAddress } from '../../../agent/adapters/vip/address'
import { arpClaim, gratuitousArps, neighbourProbe } from '../../../agent/adapters/vip/frames'
import type { VipConfig } from '../../../src/model'
import { bundleProgram, keptLog, makePlaces, removePlaces, whyNoNamespaces } from './surroundings'

const vip = (change: Partial<VipConfig>): VipConfig => ({
  name: 'IP-DB_Group',
  address: '192.168.150.130',
  prefix: 24,
  family: 4,
  nicGroup: null,
  nic: null,
  ...change
})

test.each([
  ['192.168.150.130', '192.168.150.151', 16, true],
  ['192.169.150.130', '192.168.150.151', 16, false],
  ['10.0.0.9', '10.0.0.14', 29, true],
  ['10.0.0.9', '10.0.0.16', 29, false],
  ['fd00:1::130', 'fd00:1:0::1', 64, true],
  ['fd00:2::130', 'fd00:1::1', 64, false],
  ['10.0.0.1', 'fd00::1', 0, false]
])('%s in the network of %s/%s: %s', (address, local, prefix, expected) => {
  expect(inNetwork(address, local, prefix)).toBe(expected)
})

test.each([
  ['192.168.150.130', 16, '192.168.0.0/16'],
  ['10.0.0.9', 29, '10.0.0.8/29'],
  ['10.0.0.9', 32, '10.0.0.9/32'],
  ['10.0.0.9', 0, '0.0.0.0/0'],
  ['fd00:1::130', 64, 'fd00:0001:0000:0000:0000:0000:0000:0000/64']
])('the network of %s/%s is %s', (address, prefix, expected) => {
  expect(networkText(address, prefix)).toBe(expected)
})

test('spellings of one address are equal, and frames are what the standards say', () => {
  expect(sameAddress('fd00:0:0::1', 'FD00::0:1')).toBe(true)
  expect(sameAddress('::ffff:10.0.0.1', '::ffff:a00:1')).toBe(true)
  const [request, reply] = gratuitousArps('192.168.150.130', '02:00:00:00:00:01')
  expect(request?.toString('hex')).toBe('ffffffffffff020000000001080600010800060400010200000000' + '01c0a89682000000000000c0a89682')
  expect(arpClaim(reply ?? Buffer.alloc(0), '192.168.150.130')?.toString('hex')).toBe('020000000001')
  expect(neighbourProbe('fd00::12:3456', '02:00:00:00:00:01').subarray(0, 6).toString('hex')).toBe('3333ff123456')
})

test('a loopback VIP changes nothing on the machine: a note says which node holds it', async () => {
  const [one, two] = [makePlaces('RMHW131'), makePlaces('RMHW132')]
  const loopback = vip({ address: '127.0.0.30', prefix: 8 })
  const [first, second] = [createVipPort(one, keptLog()), createVipPort(two, keptLog())]
  await first.raise(loopback, null)
  expect([await first.held(loopback), await second.held(loopback)]).toEqual([true, false])
  await first.drop(loopback)
  await first.drop(loopback)
  expect(await first.held(loopback)).toBe(false)
  removePlaces(one)
  removePlaces(two)
})

const why = whyNoNamespaces()
const inNamespaces = why === null ? describe : describe.skip
if (why !== null) console.warn(why)

inNamespaces('on a network of three machines (namespaces on a bridge)', () => {
  const places = makePlaces()
  const tag = `mp${process.pid}`
  const names = ['a', 'b', 'c'].map((each) => `${tag}${each}`)
  const [a = '', b = '', client = ''] = names
  const lan = `${tag}l`
  const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const inside = (name: string, ...args: string[]): string => ip('-n', name, ...args)
  /** The real port in a process inside of the namespace; the lines it says. */
  const act = (name: string, ...calls: [string, VipConfig | number, number?][]): string[] => {
    const result = spawnSync('ip', ['netns', 'exec', name, program.file, ...program.args, JSON.stringify(calls)], { encoding: 'utf8', timeout: 20_000 })
    if (result.stderr !== '') throw new Error(result.stderr)
    return result.stdout.trim().split('\n')
  }
  let program = { file: '', args: [''] }

  beforeAll(() => {
    program = bundleProgram(
      places.root,
      'vip',
      `import { createVipPort } from '../../../agent/adapters'
       import { readNics } from '../../../agent/adapters/vip/nics'
       import { pathOf } from '../../../agent/adapters/vip/paths'
       import { monotonicMs } from '../../../agent/adapters/clock'
       const run = async () => {
         const log = { event: (_: string, text: string) => console.log('log ' + text) }
         const port = createVipPort({ runDirectory: '/tmp', node: 'RMHW131' } as never, log as never)
         for (const [name, vip, forMs = null] of JSON.parse(process.argv[2]!)) {
           if (name === 'path') { console.log(name, pathOf(await readNics(), vip)); continue }
           if (name === 'linger') { await new Promise((resolve) => setTimeout(resolve, vip)); continue }
           try { console.log(name, await (port as any)[name](vip, forMs === null ? null : monotonicMs() + forMs)) } catch (error: any) { console.log(error.report?.code, error.message) }
         }
         port.close()
       }
       void run()`
    )
    ip('netns', 'add', lan)
    inside(lan, 'link', 'add', 'br0', 'type', 'bridge')
    inside(lan, 'link', 'set', 'br0', 'up')
    names.forEach((name, index) => {
      ip('netns', 'add', name)
      ip('link', 'add', 'eth0', 'netns', name, 'type', 'veth', 'peer', 'name', `p${index}`, 'netns', lan)
      inside(lan, 'link', 'set', `p${index}`, 'master', 'br0', 'up')
      inside(name, 'address', 'add', `192.168.150.15${index + 1}/24`, 'dev', 'eth0')
      inside(name, '-6', 'address', 'add', `fd00:1::${index + 1}/64`, 'dev', 'eth0', 'nodad')
      inside(name, 'link', 'set', 'eth0', 'up')
    })
  })
  afterAll(() => {
    for (const name of [...names, lan]) spawnSync('ip', ['netns', 'delete', name])
    removePlaces(places)
  })

  test.each<[string, VipConfig]>([
    ['IPv4', vip({})],
    ['IPv6', vip({ address: 'fd00:1::130', prefix: 64, family: 6 })]
  ])('%s: raised, seen by the others as a duplicate, announced to a client that knew another owner, dropped', (_name, address) => {
    const ping = (): number | null => spawnSync('ip', ['netns', 'exec', client, 'ping', '-c', '1', '-W', '2', address.address]).status
    const neighbour = (): string => inside(client, 'neighbour', 'show', 'to', address.address)
    const hardwareOf = (name: string): string => JSON.parse(inside(name, '-j', 'link', 'show', 'eth0'))[0].address
    expect(act(a, ['held', address], ['raise', address], ['held', address], ['raise', address])).toEqual([
      'held false',
      'raise undefined',
      'held true',
      'raise undefined'
    ])
    expect(ping()).toBe(0)
    expect(neighbour()).toContain(hardwareOf(a))
    expect(act(b, ['probe', address])).toEqual([`probe ${hardwareOf(a)}`])
    expect(act(b, ['raise', address], ['held', address])[0]).toMatch(new RegExp(`^E_VIP_DUPLICATE .*${hardwareOf(a)}`))
    expect(inside(b, 'address', 'show')).not.toContain(address.address)
    expect(act(a, ['drop', address], ['drop', address], ['held', address])).toEqual(['drop undefined', 'drop undefined', 'held false'])
    // A Linux neighbour does not change an entry twice within a second: the repeated announcements are for that.
    expect(act(b, ['raise', address], ['linger', 1_200])).toEqual(['raise undefined'])
    expect(neighbour()).toContain(hardwareOf(b))
    expect(ping()).toBe(0)
    expect(act(b, ['drop', address])).toEqual(['drop undefined'])
  })

  test.each<[string, VipConfig]>([
    ['IPv4', vip({})],
    ['IPv6', vip({ address: 'fd00:1::130', prefix: 64, family: 6 })]
  ])('%s: over a card without a link nobody can be asked, and silence is no answer; it is raised all the same', (_name, address) => {
    act(a, ['raise', address])
    inside(lan, 'link', 'set', 'p1', 'down')
    expect(act(b, ['probe', address], ['raise', address], ['drop', address])).toEqual([
      expect.stringMatching(/^E_VIP_PROBE .* eth0 .*: it has no link/),
      'raise undefined',
      'drop undefined'
    ])
    inside(lan, 'link', 'set', 'p1', 'up')
    expect(act(b, ['probe', address])[0]).toMatch(/^probe (..:){5}..$/)
    act(a, ['drop', address])
  })

  test('a card without a link: the address has another way, then none; it is raised where there is a link', () => {
    inside(a, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'far1')
    for (const each of ['eth1', 'far1']) inside(a, 'link', 'set', each, 'up')
    const [group, plain] = [vip({ nic: 'eth0', nics: ['eth0', 'eth1'] }), vip({})]
    const onEth1 = (): boolean => inside(a, 'address', 'show', 'dev', 'eth1').includes(group.address)
    expect(act(a, ['path', group], ['raise', group], ['path', group])).toEqual(['path ok', 'raise undefined', 'path ok'])
    expect(onEth1()).toBe(false)
    inside(lan, 'link', 'set', 'p0', 'down')
    expect(act(a, ['path', group], ['path', plain], ['drop', group], ['raise', group], ['path', group])).toEqual([
      'path other',
      'path lost',
      'drop undefined',
      'raise undefined',
      'path ok'
    ])
    expect(onEth1()).toBe(true)
    inside(a, 'link', 'set', 'far1', 'down')
    expect(act(a, ['path', group], ['drop', group], ['path', group], ['path', vip({ address: '127.0.0.30' })])).toEqual([
      'path lost',
      'drop undefined',
      'path lost',
      'path ok'
    ])
    inside(a, 'link', 'delete', 'eth1')
    inside(lan, 'link', 'set', 'p0', 'up')
    expect(act(a, ['path', group], ['path', plain])).toEqual(['path ok', 'path ok'])
  })

  test.each<[string, VipConfig, string, string, string]>([
    ['IPv4', vip({ nic: 'eth0', nics: ['eth0', 'eth1'] }), '10.77.0.1', '192.168.150.153', '192.168.150.199'],
    ['IPv6', vip({ address: 'fd00:1:0::130', prefix: 64, family: 6, nic: 'eth0', nics: ['eth0', 'eth1'] }), 'fd00:77::1', 'fd00:1::3', 'fd00:1::99']
  ])(
    '%s: on the second card of the group it is answered from, near and far, however strict the kernel is, and when the first one is back',
    (_name, group, far, router, spare) => {
      const by = `-${group.family}`
      const reached = (from: string): number | null =>
        spawnSync('ip', ['netns', 'exec', client, 'ping', '-c', '1', '-W', '2', '-I', from, group.address]).status
      inside(client, by, 'address', 'add', `${far}/${group.family === 4 ? 32 : 128}`, 'dev', 'lo')
      inside(a, by, 'route', 'add', 'default', 'via', router, 'dev', 'eth0', 'metric', '100')
      // One for when the other is away: nobody is there.
      inside(a, by, 'route', 'add', 'default', 'via', spare, 'dev', 'eth0', 'metric', '200')
      inside(a, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'p9', 'netns', lan)
      inside(lan, 'link', 'set', 'p9', 'master', 'br0', 'up')
      inside(a, 'link', 'set', 'eth1', 'up')
      for (const each of ['all', 'eth0', 'eth1']) execFileSync('ip', ['netns', 'exec', a, 'sysctl', '-qw', `net.ipv4.conf.${each}.rp_filter=1`])
      const rules = (): string[] => inside(a, by, 'rule', 'show').match(/^73\d\d:/gm) ?? []
      try {
        act(a, ['raise', group])
        expect([reached(router), reached(far)]).toEqual([0, 0])
        inside(lan, 'link', 'set', 'p0', 'down')
        expect(act(a, ['path', group], ['drop', group], ['raise', group], ['path', group])).toEqual([
          'path other',
          'drop undefined',
          'raise undefined',
          'path ok'
        ])
        expect([reached(router), reached(far)]).toEqual([0, 0])
        expect(rules()).toHaveLength(3)
        // Others take away the rules, and the kernel the routes of a card that is switched off and on: the address is there, and nobody reaches it.
        inside(lan, 'link', 'set', 'p0', 'up')
        for (const priority of ['7330', '7331', '7332']) inside(a, by, 'rule', 'delete', 'priority', priority)
        const { ifindex } = JSON.parse(inside(a, '-j', 'link', 'show', 'eth1'))[0]
        inside(a, by, 'route', 'flush', 'table', String(733_000_000 + ifindex))
        expect(act(a, ['held', group], ['held', group])).toEqual([expect.stringMatching(/^log .*eth1 and are set again/), 'held true', 'held true'])
        expect([reached(router), reached(far)]).toEqual([0, 0])
        expect(rules()).toHaveLength(3)
        inside(lan, 'link', 'set', 'p0', 'down')
        // What the machine says for itself finds the way too, where it is the network of the address.
        expect(inside(a, by, 'route', 'get', router)).toContain('dev eth1')
        inside(lan, 'link', 'set', 'p0', 'up')
        expect([reached(router), reached(far)]).toEqual([0, 0])
      } finally {
        act(a, ['drop', group])
        inside(lan, 'link', 'set', 'p0', 'up')
        inside(a, 'link', 'delete', 'eth1')
        for (const route of [router, spare]) inside(a, by, 'route', 'delete', 'default', 'via', route)
        for (const each of ['all', 'eth0']) execFileSync('ip', ['netns', 'exec', a, 'sysctl', '-qw', `net.ipv4.conf.${each}.rp_filter=0`])
        inside(client, by, 'address', 'delete', `${far}/${group.family === 4 ? 32 : 128}`, 'dev', 'lo')
      }
      expect(rules()).toEqual([])
    }
  )

  test('two VIPs of one network: dropping the first leaves the second', () => {
    const [one, two] = [vip({ address: '10.9.0.1', nic: 'eth0' }), vip({ address: '10.9.0.2', nic: 'eth0' })]
    expect(act(a, ['raise', one], ['raise', two], ['drop', one], ['held', two], ['drop', two])).toEqual([
      'raise undefined',
      'raise undefined',
      'drop undefined',
      'held true',
      'drop undefined'
    ])
  })

  test('with quorum: a machine that sleeps with the address still answers for it by its kernel, and is told away from its neighbours', () => {
    const address = vip({})
    const neighbour = (): string => inside(client, 'neighbour', 'show', 'to', address.address)
    const hardwareOf = (name: string): string => JSON.parse(inside(name, '-j', 'link', 'show', 'eth0'))[0].address
    expect(act(a, ['raise', address])).toEqual(['raise undefined'])
    spawnSync('ip', ['netns', 'exec', client, 'ping', '-c', '1', '-W', '2', address.address])
    expect(neighbour()).toContain(hardwareOf(a))
    const said = act(b, ['raise', address, 60_000], ['held', address], ['linger', 2_500])
    expect(said.sort()).toEqual(['held true', expect.stringMatching(new RegExp(`^log ${hardwareOf(a)} still answers`)), 'raise undefined'])
    expect(neighbour()).toContain(hardwareOf(b))
    act(a, ['drop', address])
    act(b, ['drop', address])
  })

  test.each<[string, VipConfig]>([
    ['IPv4', vip({})],
    ['IPv6', vip({ address: 'fd00:1::130', prefix: 64, family: 6 })]
  ])('%s: under a lease the kernel itself removes the address, whoever sleeps; extended it stays, without a lease for good', (_name, address) => {
    const lifeS = (): number => {
      const nics = JSON.parse(inside(a, '-j', 'address', 'show', 'eth0')) as { addr_info: { local?: string; valid_life_time: number }[] }[]
      return nics.flatMap((nic) => nic.addr_info).find((own) => own.local === address.address)?.valid_life_time ?? 0
    }
    expect(act(a, ['raise', address, 9_900], ['held', address])).toEqual(['raise undefined', 'held true'])
    expect(lifeS()).toBeGreaterThan(5)
    expect(lifeS()).toBeLessThanOrEqual(8)
    act(a, ['extend', address, 20_900])
    expect(lifeS()).toBeGreaterThan(15)
    act(a, ['extend', address])
    expect(lifeS()).toBe(0xffff_ffff)
    act(a, ['extend', address, 1_500])
    expect(lifeS()).toBe(0xffff_ffff)
    // The program has ended: nobody of ours is there to drop it.
    act(a, ['extend', address, 3_900])
    // Little is left: that is no reason to make it stay.
    act(a, ['extend', address, 1_500])
    expect(act(a, ['linger', 3_900], ['held', address])).toEqual(['held false'])
    expect(act(a, ['extend', address, 9_000], ['held', address])).toEqual(['extend undefined', 'held false'])
    expect(act(a, ['raise', address, 9_000], ['extend', address, 20_000], ['drop', address], ['held', address])[3]).toBe('held false')
  })

  test('no NIC with its network: the answer lists what there is', () => {
    expect(act(a, ['raise', vip({ address: '172.16.0.1' })])[0]).toMatch(/^E_VIP_NO_NIC .*eth0 192\.168\.150\.151\/24/)
  })
})
