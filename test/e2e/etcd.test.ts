import fs from 'node:fs'
import { createEtcdWitness } from '../../agent/witness/etcd'
import type { EtcdConfig } from '../../src/model'
import { Asker, held, temporaryFolder } from '../agent/witness/kit'
import { EtcdCluster } from './kit/etcd'
import { describePair, tell } from './kit/needs'

const [A, B] = ['RMHW131', 'RMHW132'] as const
const LEASE_MS = 2_000
const DRIFT_MS = 100
const UP_MS = 240_000
const TEST_TIMEOUT_MS = 600_000
/** A new leader of etcd is elected in about one. */
const VOTES_AGAIN_MS = 60_000

describePair('etcd as the witness', { etcd: true }, () => {
  let folder: string
  let etcd: EtcdCluster
  let jobs = 0
  const open: Asker[] = []
  /** Of the nodes, which count the leases: it goes on when a test says so, and not while a busy machine lets an answer wait. */
  let nowMs = 0
  const troubles: (string | null)[] = []

  beforeAll(async () => {
    folder = temporaryFolder()
    etcd = await EtcdCluster.start(folder)
  }, UP_MS)
  afterAll(async () => {
    await etcd.stop()
    fs.rmSync(folder, { recursive: true, force: true })
  }, UP_MS)
  afterEach(() => {
    for (const { client } of open.splice(0)) client.close()
    troubles.splice(0)
  })

  const asker = (node: string, peer: string, config: Partial<EtcdConfig> = {}): Asker => {
    const client = createEtcdWitness({
      etcd: { ...etcd.config(), ...config },
      prefix: 'mirrorpair/test',
      clock: { nowMs: () => nowMs },
      times: () => ({ leaseMs: LEASE_MS, driftMs: DRIFT_MS }),
      since: () => 0,
      troubled: (why) => troubles.push(why)
    })
    const made = new Asker(node, peer, client)
    open.push(made)
    return made
  }
  /** A job that nobody has asked about, and that both nodes have told what they hold. */
  async function bothKnown(): Promise<[Asker, Asker, string]> {
    jobs += 1
    const job = `job-${jobs}`
    const [a, b] = [asker(A, B), asker(B, A)]
    for (let round = 0; round < 2; round++) for (const each of [a, b]) await each.report(held(A), job)
    return [a, b, job]
  }
  const pass = (ms: number): void => {
    nowMs += ms
  }
  const leaseOver = (): void => pass(LEASE_MS + DRIFT_MS + 50)
  /** Asks again, as a node does, until there is an answer. */
  async function renewed(a: Asker, job: string): Promise<number> {
    const began = performance.now()
    while (performance.now() - began < VOTES_AGAIN_MS) if ((await a.renew(held(A), job))?.granted) return performance.now() - began
    throw new Error(`no vote within ${VOTES_AGAIN_MS} ms: ${troubles.join('; ')}`)
  }

  test(
    'it lets the owner serve and nobody else, and who wants to take over waits for a whole lease without a renewal, on its own clock',
    async () => {
      const [a, b, job] = await bothKnown()
      leaseOver()
      expect(await a.renew(held(A), job)).toMatchObject({ granted: true, ballot: held(A), leasedTo: A })
      expect(await b.claim(held(A), held(B, 2), job)).toMatchObject({ granted: false, why: 'leased', leasedTo: A })
      pass(LEASE_MS / 2)
      expect(await a.renew(held(A), job)).toMatchObject({ granted: true })
      expect(await b.report(held(A), job)).toMatchObject({ leasedTo: A })
      pass(LEASE_MS / 2 + DRIFT_MS + 50)
      // A whole lease after the first renewal, half of one after the second.
      expect(await b.claim(held(A), held(B, 2), job)).toMatchObject({ granted: false, why: 'leased' })
      leaseOver()
      expect(await b.claim(held(A), held(B, 2), job)).toMatchObject({ granted: true, ballot: held(B, 2), leasedTo: B })
      expect(await a.renew(held(A), job)).toMatchObject({ granted: false, why: 'newer' })
    },
    TEST_TIMEOUT_MS
  )

  test(
    'both ask at the same moment, and one of them gets the vote',
    async () => {
      const [a, b, job] = await bothKnown()
      leaseOver()
      const replies = await Promise.all([a.claim(held(A), held(A, 2), job), b.claim(held(A), held(B, 2), job)])
      expect(replies.filter((reply) => reply?.granted)).toHaveLength(1)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a member is killed and the votes go on; two are, and there are none; one comes back, and what was voted is there',
    async () => {
      const [a, b, job] = await bothKnown()
      leaseOver()
      expect(await a.renew(held(A), job)).toMatchObject({ granted: true })
      await etcd.kill(0)
      tell(`etcd: votes again ${Math.round(await renewed(a, job))} ms after a member was killed`)
      await etcd.kill(1)
      expect(await a.client.ask(a.message(held(A), { do: 'renew' }, job), 2_000)).toBeNull()
      expect(await b.client.ask(b.message(held(A), { do: 'report' }, job), 2_000)).toBeNull()
      etcd.startMember(1)
      await renewed(a, job)
      expect(await b.report(held(A), job)).toMatchObject({ ballot: held(A), leasedTo: A })
      etcd.startMember(0)
      await renewed(a, job)
    },
    TEST_TIMEOUT_MS
  )

  test.each([
    ['a wrong password', { passwordFile: '/etc/hostname' }, 'the login failed'],
    ['no password file', { passwordFile: '/nowhere' }, 'no such file'],
    ['no certificate', { certFile: null, keyFile: null }, ''],
    ['an authority that has not signed it', { caFile: null }, 'certificate']
  ])(
    'with %s there is no vote, and it is told why',
    async (_what, config, why) => {
      const a = asker(A, B, config)
      expect(await a.report(held(A), 'job')).toBeNull()
      expect(troubles).toEqual([expect.stringContaining(why)])
    },
    TEST_TIMEOUT_MS
  )
})
