import { DEFAULT_LEASE_MS } from '../../src/model'
import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { JOB, jobOf, type Lab, type Node, VIP } from './kit/lab'
import { tell } from './kit/needs'
import { isSince } from './kit/observer'
import { dist, NODE } from './kit/programs'

const TEST_TIMEOUT_MS = 600_000
const PORT = 7400
const LEASE_MS = 3_000
const QUORUM = ['--application', 'kv', '--quorum', 'lease=3s,drift=200ms']
/** A mode that takes nothing over is given the time of several takeovers to show it. */
const NOTHING_HAPPENS_MS = 4 * LEASE_MS
const SEEN_TIMEOUT_MS = 80_000

const vipIsOn = async (lab: Lab, node: Node): Promise<boolean> => (await lab.status()).hosts[node].addresses.includes(`${VIP}/16`)

/** From now on this node says that it does not serve, and its address is gone. */
async function stopsServing(lab: Lab, node: Node): Promise<number> {
  const sinceMs = Date.now()
  const tookMs = await lab.watch().waitFor(`${node} stops serving`, SEEN_TIMEOUT_MS, (seen) => {
    const view = jobOf(seen, node)
    return isSince(seen[node], sinceMs) && view?.phase === 'offline' && view.vips.every((vip) => !vip.up) && view.data?.role === 'none'
  })
  expect(await vipIsOn(lab, node)).toBe(false)
  return tookMs
}

async function synchronized(lab: Lab, owner: Node): Promise<void> {
  await lab.equal(owner, EQUAL_TIMEOUT_MS)
  await lab.dataIs(owner, 'SYNCHRONIZED', EQUAL_TIMEOUT_MS, ({ session }) => session.state === 'SYNCHRONIZED')
  await lab.watch().waitFor('the record calls the mirror in sync', SEEN_TIMEOUT_MS, (seen) => jobOf(seen, owner)?.record.mirrorInSync === true)
}

const writes = (lab: Lab, value: string): Promise<string> => lab.said('client', [NODE, dist('kv'), '--ask', `${VIP}:${PORT}`, `SET word ${value}`])
const reads = (lab: Lab): Promise<string> => lab.said('client', [NODE, dist('kv'), '--ask', `${VIP}:${PORT}`, 'GET word'])

describeOnline('high availability', { options: ['--application', 'kv', '--mode', 'high-availability'] }, (lab) => {
  test(
    'the mirror takes over with the witness, without it the pair serves on, and an owner that has lost both stops until one is back',
    async () => {
      await synchronized(lab, 'RMHW131')
      expect(await writes(lab, 'first')).toBe('OK')

      await lab.verb(['kill', 'RMHW131'])
      const tookMs = await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      tell(`high availability: ${Math.round(tookMs)} ms from the death of the principal (lease ${DEFAULT_LEASE_MS} ms) until its mirror says that it serves`)
      expect(await reads(lab)).toBe('VALUE first')
      await lab.verb(['start', 'RMHW131'])
      await synchronized(lab, 'RMHW132')

      await lab.verb(['kill', 'witness'])
      await lab.says('RMHW132', /in jeopardy .* witness is DISCONNECTED/, SEEN_TIMEOUT_MS)
      expect(await writes(lab, 'second')).toBe('OK')

      await lab.verb(['kill', 'RMHW131'])
      const stoppedMs = await stopsServing(lab, 'RMHW132')
      tell(`high availability: without mirror and witness the principal had stopped after ${Math.round(stoppedMs)} ms`)
      await lab.verb(['start', 'witness'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      expect(await reads(lab)).toBe('VALUE second')
      // Recorded by the witness before anything was acknowledged without the mirror.
      expect((await lab.now('RMHW132')).quorum?.witnessHolds?.ballot?.mirrorInSync).toBe(false)
      expect(await writes(lab, 'third')).toBe('OK')
      await lab.verb(['start', 'RMHW131'])
      await synchronized(lab, 'RMHW132')
      await lab.calm(SEEN_TIMEOUT_MS)
    },
    TEST_TIMEOUT_MS
  )
})

describeOnline('high protection', { options: [...QUORUM, '--mode', 'high-protection'] }, (lab) => {
  test(
    'a principal without its mirror stops serving and serves again with it; a mirror takes nothing over by itself',
    async () => {
      await synchronized(lab, 'RMHW131')
      expect(await writes(lab, 'first')).toBe('OK')
      await lab.verb(['kill', 'RMHW132'])
      await stopsServing(lab, 'RMHW131')
      await lab.verb(['start', 'RMHW132'])
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS)
      expect(await reads(lab)).toBe('VALUE first')
      await synchronized(lab, 'RMHW131')

      await lab.verb(['kill', 'RMHW131'])
      await lab.says('RMHW132', /the mode high-protection knows no automatic failover/, SEEN_TIMEOUT_MS)
      await staysStandby(lab)
    },
    TEST_TIMEOUT_MS
  )
})

describeOnline('high performance', { options: ['--application', 'kv', '--mode', 'high-performance'] }, (lab) => {
  test(
    'a principal without its mirror serves on, exposed; nobody takes over by itself, and no switch is possible',
    async () => {
      const refused = await lab.cui(['switch', JOB])
      expect({ code: refused.code, said: refused.stderr }).toEqual({ code: 5, said: expect.stringContaining('the mode high-performance') })
      await lab.verb(['kill', 'RMHW132'])
      expect(await writes(lab, 'alone')).toBe('OK')
      await lab.says('RMHW131', /DB_Group has been exposed/, SEEN_TIMEOUT_MS)
      expect(await lab.now('RMHW131')).toMatchObject({ phase: 'online', vips: [{ up: true }] })
      expect(await reads(lab)).toBe('VALUE alone')
      await lab.verb(['start', 'RMHW132'])
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)

      await lab.verb(['kill', 'RMHW131'])
      await lab.says('RMHW132', /the mode high-performance knows no automatic failover/, SEEN_TIMEOUT_MS)
      await staysStandby(lab)
    },
    TEST_TIMEOUT_MS
  )
})

async function staysStandby(lab: Lab): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, NOTHING_HAPPENS_MS))
  expect(await lab.now('RMHW132')).toMatchObject({ phase: 'standby', record: { owner: 'RMHW131' } })
  expect(await vipIsOn(lab, 'RMHW132')).toBe(false)
}
