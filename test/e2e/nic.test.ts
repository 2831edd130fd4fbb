import { plugInMore, setPort } from '../lab/network'
import { labPlaces } from '../lab/places'
import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { growKv, kvEntries } from './kit/kv'
import { JOB, jobOf, VIP } from './kit/lab'
import { tell } from './kit/needs'
import { statusOf } from './kit/observer'

const TEST_TIMEOUT_MS = 600_000
const SEEN_TIMEOUT_MS = 60_000
const KV_PORT = 7400
const SECOND = 'second'
/** The patience with a lost link, the move, and what a client needs to try again. */
const MOVED_MS_MAX = 15_000
/** Commits that must go through. */
const COMMITS = 20

describeOnline('public cables are pulled', { options: ['--application', 'kv'] }, (lab) => {
  /** What the node's engine says of the card of its VIP, as the other one has heard it: it cannot be asked over a cable that is pulled. */
  const path = (node: 'RMHW131' | 'RMHW132', word: string) =>
    lab.watch().waitFor(`${node} says ${word} of its card`, SEEN_TIMEOUT_MS, (seen) => {
      const heard = statusOf(seen[node === 'RMHW131' ? 'RMHW132' : 'RMHW131'])?.peer?.view.jobs[JOB]
      return heard?.vips[0]?.path === word
    })

  test(
    'of the standby: nothing moves; of the active node: the job goes to the other one, and stays there when the cable is back',
    async () => {
      await lab.verb(['cut', 'RMHW132:service'])
      await path('RMHW132', 'lost')
      expect(await lab.now('RMHW131')).toMatchObject({ phase: 'online', record: { owner: 'RMHW131', roleSequence: 1 } })
      await lab.verb(['heal', 'RMHW132:service'])
      await path('RMHW132', 'ok')

      await lab.verb(['cut', 'RMHW131:service'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      const { hosts } = await lab.status()
      expect(hosts.RMHW132.addresses).toContain(`${VIP}/16`)
      expect(hosts.RMHW131.addresses).not.toContain(`${VIP}/16`)
      await lab.verb(['heal', 'RMHW131:service'])
      await path('RMHW131', 'ok')
      await lab.equal('RMHW132', EQUAL_TIMEOUT_MS)
      expect((await lab.now('RMHW132')).record).toMatchObject({ owner: 'RMHW132', roleSequence: 2, errorFlag: null })
    },
    TEST_TIMEOUT_MS
  )
})

describeOnline('all cables of the standby are pulled, in the mode without a third voter', { options: ['--application', 'kv', '--mode', 'guide'] }, (lab) => {
  test(
    'it hears nobody and reaches nobody: it stays what it is, says why, and follows again when they are back',
    async () => {
      for (const cable of ['service', 'link-0', 'link-1']) await lab.verb(['cut', `RMHW132:${cable}`])
      // It cannot be asked over cables that are pulled.
      const says =
        'for i in $(seq 300); do grep -q "could not be probed.*has no link.*stays standby" /var/lib/mirrorpair/events.log && exit 0; sleep 0.1; done; exit 1'
      await lab.said('RMHW132', ['sh', '-c', says])
      for (const cable of ['service', 'link-0', 'link-1']) await lab.verb(['heal', `RMHW132:${cable}`])
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      for (const node of ['RMHW131', 'RMHW132'] as const)
        expect(jobOf(lab.watch().seen, node)?.record).toMatchObject({ owner: 'RMHW131', roleSequence: 1, needToVerify: 'No' })
    },
    TEST_TIMEOUT_MS
  )
})

describeOnline('two cards of one group', { options: ['--application', 'kv'] }, (lab) => {
  test(
    'the cable of the first is pulled: the address goes to the second, clients commit on, the job stays; of the second too: the job goes to the other node',
    async () => {
      const places = labPlaces(lab.name)
      const port = plugInMore(places, 'RMHW131', 'service', SECOND)
      await lab.done(['vip', 'modify', JOB, '--nic', `service,${SECOND}`, '--yes'])
      const holds = async (card: string) => (await lab.said('RMHW131', ['ip', '-brief', 'address', 'show', 'dev', card])).includes(`${VIP}/`)
      // It was dropped with its old cards, and may be raised a moment after the command.
      await lab.said('RMHW131', ['timeout', '60', 'sh', '-c', `until ip -brief address show dev service | grep -qF ' ${VIP}/'; do sleep 0.1; done`])
      expect(await holds(SECOND)).toBe(false)

      const ledger = lab.ledger('--kv', KV_PORT)
      await growKv(lab, COMMITS)
      await lab.verb(['cut', 'RMHW131:service'])
      await growKv(lab, COMMITS)
      expect([await holds('service'), await holds(SECOND)]).toEqual([false, true])
      // Once after the change of its cards: it does not come and go.
      expect((await lab.done(['log', '--node', 'RMHW131', '--last', '100'])).match(/Drop VIP/g)).toHaveLength(2)
      await lab.verb(['heal', 'RMHW131:service'])
      await growKv(lab, COMMITS)
      const { committed, outageMs } = await ledger.report()
      tell(`the cable of one of two cards is pulled: outage at the client ${outageMs} ms`)
      expect(outageMs).toBeLessThan(MOVED_MS_MAX)
      expect((await lab.now('RMHW132')).record).toMatchObject({ owner: 'RMHW131', roleSequence: 1 })

      await lab.verb(['cut', 'RMHW131:service'])
      setPort(places, port, false)
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      expect(await kvEntries(lab, committed)).toBe(committed)
    },
    TEST_TIMEOUT_MS
  )
})
