import { Cable } from '../kit/ptyPair'
import { describeOnline } from './kit/describeLab'
import { NODES } from './kit/lab'
import { statusOf } from './kit/observer'

const TEST_TIMEOUT_MS = 400_000
const LINK_TIMEOUT_MS = 60_000
/** Longer than any link's patience: a takeover would have begun. */
const STEADY_MS = 6_000
/** The client hangs up later than that: one connection says that its service was never stopped. */
const UNTOUCHED_MS_MAX = 5_000
const PATIENCE_MS = 30_000

describeOnline('a serial line between the nodes', { options: ['--application', 'kv'] }, (lab) => {
  const cable = new Cable()
  afterAll(() => cable.close())
  const links = (expected: string) =>
    lab.watch().waitFor(`both see: ${expected}`, LINK_TIMEOUT_MS, (seen) =>
      NODES.every((node) => {
        const states = statusOf(seen[node])?.self.links.map(({ name, state }) => `${name} ${state}`)
        return states?.join(', ') === expected
      })
    )
  const steady = async () => {
    await new Promise((resolve) => setTimeout(resolve, STEADY_MS))
    for (const node of NODES) expect((await lab.now(node)).record).toMatchObject({ owner: 'RMHW131', roleSequence: 1 })
  }

  test(
    'it is added while a job runs, and alone keeps the other node from taking over; without it the addresses decide',
    async () => {
      const ledger = lab.ledger('--kv', 7400, { patienceMs: PATIENCE_MS })
      const [a, b] = cable.devices
      expect(await lab.cui(['link', 'add', 'serial', '--type', 'serial', '--device', `RMHW131=${a}`, '--device', 'RMHW132=/dev/null', '--yes'])).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('The serial line /dev/null of link serial cannot be used on RMHW132')
      })
      const timing = ['--interval', '500ms', '--max-miss', '3']
      await lab.done(['link', 'add', 'serial', '--type', 'serial', '--device', `RMHW131=${a}`, '--device', `RMHW132=${b}`, ...timing, '--yes'])
      await links('service ok, link-0 ok, link-1 ok, serial ok')
      expect((await lab.cui(['hbtstate'])).stdout).toContain(`${a} <-> ${b}`)
      expect((await lab.cui(['link', 'list'])).stdout).toMatch(new RegExp(`serial +serial +0\\.5s +3 +no +${a} +${b}`))
      // The clients' network carries no heartbeat any more, so that they still see both nodes when the sockets are cut.
      await lab.done(['link', 'modify', 'service', '--heartbeat', 'off', '--yes'])
      for (const link of ['link-0', 'link-1']) await lab.verb(['cut', link])
      await links('link-0 error, link-1 error, serial ok')
      await steady()
      expect(await lab.answer('RMHW132')).toMatchObject({ peerAlive: 'up' })

      cable.isCut = true
      await links('link-0 error, link-1 error, serial error')
      await lab.notes('RMHW132', 'the VIP is still answered by', LINK_TIMEOUT_MS)
      await steady()

      cable.isCut = false
      await links('link-0 error, link-1 error, serial ok')
      for (const link of ['link-0', 'link-1']) await lab.verb(['heal', link])
      await links('link-0 ok, link-1 ok, serial ok')
      const { outageMs, connections } = await ledger.report()
      expect(connections).toBe(1)
      expect(outageMs).toBeLessThan(UNTOUCHED_MS_MAX)
      await lab.done(['link', 'remove', 'serial', '--yes'])
      await links('link-0 ok, link-1 ok')
    },
    TEST_TIMEOUT_MS
  )
})
