import { describeOnline, EQUAL_TIMEOUT_MS, SEEN_TIMEOUT_MS, TEST_TIMEOUT_MS } from './kit/describeLab'
import { JOB, type Node, NODES } from './kit/lab'
import { statusOf } from './kit/observer'

/** After the address is there it is answered. */
const ANSWERED_MS_MAX = 5_000
/** A client keeps its connection; it is kept waiting by nothing but a busy machine. */
const UNTOUCHED_MS_MAX = 5_000

describeOnline('the configuration changes under a running job (guide, annex 1)', { options: ['--application', 'kv'] }, (lab) => {
  const versionOn = async (node: Node) =>
    (JSON.parse(await lab.done(['config', 'show', '--node', node, '--json'])) as { version: number; text: string }).version
  const follows = async (node: Node, version: number) => {
    const endMs = Date.now() + SEEN_TIMEOUT_MS
    while ((await versionOn(node)) !== version) if (Date.now() > endMs) throw new Error(`${node} does not run version ${version}`)
  }
  const addresses = () => lab.said('RMHW131', ['ip', '-brief', 'address', 'show', 'dev', 'service'])
  const holds = async (address: string) => {
    const endMs = Date.now() + SEEN_TIMEOUT_MS
    while (!(await addresses()).includes(address)) if (Date.now() > endMs) throw new Error(`${address} did not come`)
  }
  const drops = async (address: string) => {
    const endMs = Date.now() + SEEN_TIMEOUT_MS
    while ((await addresses()).includes(address)) if (Date.now() > endMs) throw new Error(`${address} did not go`)
  }
  const application = () => lab.listens('RMHW131', 7400)

  test(
    'a link gets other addresses: hbtstate shows them at once, the service feels nothing, and an address that is not there is refused',
    async () => {
      const before = await application()
      const ledger = lab.ledger('--kv', 7400, { patienceMs: UNTOUCHED_MS_MAX })
      expect(await lab.cui(['link', 'modify', 'service', '--address', 'RMHW132=192.168.150.162', '--yes'])).toMatchObject({ code: 5 })
      for (const [i, node] of NODES.entries()) await lab.said(node, ['ip', 'address', 'add', `192.168.150.${161 + i}/16`, 'dev', 'service'])
      await lab.done(['link', 'modify', 'service', '--address', 'RMHW131=192.168.150.161', '--address', 'RMHW132=192.168.150.162', '--yes'])
      await lab.watch().waitFor('both nodes hear each other on the new addresses', SEEN_TIMEOUT_MS, (seen) =>
        NODES.every((node) => {
          const links = statusOf(seen[node])?.self.links ?? []
          return links.length > 0 && links.every(({ state }) => state === 'ok') && links[0]?.local.startsWith('192.168.150.16') === true
        })
      )
      expect((await lab.cui(['hbtstate'])).stdout).toMatch(/^192\.168\.150\.161:3002 <-> 192\.168\.150\.162:3002 +ok +ok$/m)
      const promised = await ledger.report()
      expect(promised).toMatchObject({ connections: 1, lastErrors: [] })
      expect(promised.outageMs).toBeLessThan(UNTOUCHED_MS_MAX)
      expect(await application()).toBe(before)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'the VIP goes and comes back as another change: each outage is that of an address, and no application is touched',
    async () => {
      const before = await application()
      const prober = lab.prober(7400)
      const version = await versionOn('RMHW131')
      const beganMs = Date.now()
      await lab.done(['vip', 'modify', JOB, '--address', '192.168.150.150/16', '--yes'])
      await holds('192.168.150.150/16')
      await lab.done(['config', 'restore', String(version), '--yes'])
      await holds('192.168.150.130/16')
      const tookMs = Date.now() - beganMs
      await drops('192.168.150.150/16')
      const { outageMs, accepted } = await prober.report()
      expect(accepted).toBeGreaterThan(0)
      // Of two changes, one after the other, with the commands between them.
      expect(outageMs).toBeLessThan(tookMs + ANSWERED_MS_MAX)
      expect(await application()).toBe(before)
      expect((await lab.now('RMHW131')).record).toMatchObject({ owner: 'RMHW131', roleSequence: 1 })
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a node whose engine is away: nothing is changed; one that comes back with an old configuration learns the new one before it does anything',
    async () => {
      await lab.verb(['kill', 'RMHW132', '--engine'])
      const version = await versionOn('RMHW131')
      expect(await lab.cui(['vip', 'modify', JOB, '--address', '192.168.150.150/16', '--yes', '--node', 'RMHW131'])).toMatchObject({ code: 3 })
      expect(await versionOn('RMHW131')).toBe(version)
      const old = await lab.said('RMHW132', ['cat', '/var/lib/mirrorpair/config.json'])
      const startedAtMs = Date.now()
      await lab.verb(['start', 'RMHW132'])
      // Its engine has to be there, and to be heard, before anything can be changed.
      expect(await lab.settled(startedAtMs, EQUAL_TIMEOUT_MS)).toBe('RMHW131')
      expect(await versionOn('RMHW132')).toBe(version)
      await lab.done(['vip', 'modify', JOB, '--address', '192.168.150.150/16', '--yes'])
      const next = await versionOn('RMHW131')
      await follows('RMHW132', next)
      await lab.verb(['kill', 'RMHW132', '--engine'])
      await lab.said('RMHW132', [
        'sh',
        '-c',
        `cat > /var/lib/mirrorpair/config.json << 'END'\n${old.replace('"fileWritten": true', '"fileWritten": false')}\nEND`
      ])
      const backAtMs = Date.now()
      await lab.verb(['start', 'RMHW132'])
      expect(await lab.settled(backAtMs, EQUAL_TIMEOUT_MS)).toBe('RMHW131')
      await follows('RMHW132', next)
      // The other one hears that it does a moment later.
      const endMs = Date.now() + SEEN_TIMEOUT_MS
      while ((await lab.cui(['status'])).stdout.includes('configurations')) expect(Date.now()).toBeLessThan(endMs)
    },
    TEST_TIMEOUT_MS
  )
})
