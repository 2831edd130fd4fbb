import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { JOB, jobOf, VIP } from './kit/lab'
import { statusOf } from './kit/observer'

const TEST_TIMEOUT_MS = 150_000
const SEEN_TIMEOUT_MS = 20_000

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
      expect(jobOf(lab.watch().seen, 'RMHW131')).toMatchObject({ phase: 'online', record: { owner: 'RMHW131', roleSequence: 1 } })
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
      expect(jobOf(lab.watch().seen, 'RMHW132')?.record).toMatchObject({ owner: 'RMHW132', roleSequence: 2, errorFlag: null })
    },
    TEST_TIMEOUT_MS
  )
})
