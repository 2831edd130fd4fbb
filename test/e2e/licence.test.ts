import fs from 'node:fs'
import path from 'node:path'
import { inDays, type Licensing, newLicensor } from '../agent/licence/kit'
import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS, TEST_TIMEOUT_MS } from './kit/describeLab'
import { JOB, NODES, type Node } from './kit/lab'
import { dist, NODE } from './kit/programs'

const RUNBOOK = path.join(__dirname, '..', '..', 'man', 'runbooks', 'licence-renewal.runbook')
const PORT = 7400

interface Shown {
  node: string
  word: string
  hostId: string
}

/** A pair whose distributor asks for licences. They are missing, installed, over; the service never feels it. */
describeOnline('licences', { options: ['--application', 'kv'] }, (lab) => {
  let esk: Licensing
  beforeAll(async () => {
    esk = await newLicensor()
  }, TEST_TIMEOUT_MS)
  afterAll(() => esk.remove())

  const show = async (): Promise<Shown[]> => (JSON.parse((await lab.cui(['license', 'show', '--json'])).stdout) as { nodes: Shown[] }).nodes
  const words = async (): Promise<string[]> => (await show()).map(({ word }) => word)
  /** As root of the node does it; text goes through base64, so that no shell reads it, and is on the disk before its power is cut. */
  const put = (node: Node, file: string, text: string): Promise<string> =>
    lab.said(node, ['sh', '-c', `umask 077; echo ${Buffer.from(text).toString('base64')} | base64 -d > ${file}; sync ${file}`])

  test(
    'required and missing: the job serves on, changes are refused with what to do, and a dead owner is taken over by itself',
    async () => {
      expect(await words()).toEqual(['Valid', 'Valid'])
      for (const node of NODES) await put(node, '/etc/mirrorpair/licensor.json', esk.licensor)
      expect(await words()).toEqual(['Missing', 'Missing'])
      expect(await lab.cui(['link', 'modify', 'link-0', '--heartbeat', '3009'])).toMatchObject({ code: 5, stderr: expect.stringContaining('license install') })
      await lab.verb(['powercut', 'RMHW131'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      await lab.verb(['start', 'RMHW131'])
      await lab.settled(Date.now(), EQUAL_TIMEOUT_MS)
      await lab.done(['switch', JOB])
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS)
      await lab.done(['bringout', JOB])
      expect(await lab.cui(['bringin', JOB])).toMatchObject({ code: 5, stderr: expect.stringContaining('is refused on RMHW131 while its licence is Missing') })
    },
    TEST_TIMEOUT_MS
  )

  test(
    'licence-renewal: the host ids are sent, temporary and final licences are installed, and nothing stops',
    async () => {
      const [one] = await show()
      const first = await esk.sign(one?.hostId ?? '', inDays(3))
      await lab.done(['license', 'install', first])
      await lab.done(['bringin', JOB])
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      const prober = lab.prober(PORT)
      // The distributor: reads the host id that was sent, and signs.
      const hands = path.join(esk.folder, 'hands')
      const cui = `"${NODE}" "${dist('lab')}" --name ${lab.name} cui`
      const script = [
        '#!/bin/sh -e',
        'out=$' + '{2##* as }',
        `id=$(${cui} hostid --node "$1" --json | sed 's/.*"hostId":"\\([^"]*\\)".*/\\1/')`,
        `case "$2" in *temporary*) until=${inDays(14)} ;; *) until=never ;; esac`,
        `"${NODE}" "${dist('agent')}" license sign --key "${esk.folder}/licensor.key" --host-id "$id" --licensee DB --expires $until --out "$out"`
      ]
      fs.writeFileSync(hands, script.join('\n'), { mode: 0o755 })
      const files = ['TEMPORARY_A', 'FINAL_A', 'TEMPORARY_B', 'FINAL_B'].map((name) => [name, path.join(esk.folder, `${name}.lic`)])
      const values = [['JOB', JOB], ['NODE_A', 'RMHW131'], ['NODE_B', 'RMHW132'], ...files].flatMap(([name, value]) => ['--set', `${name}=${value}`])
      await lab.done(['run', RUNBOOK, '--hands', hands, ...values], { timeoutMs: TEST_TIMEOUT_MS })
      expect(await words()).toEqual(['Valid', 'Valid'])
      const { refused, accepted } = await prober.report()
      expect(accepted).toBeGreaterThan(0)
      expect(refused).toBe(0)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'it ends later, and a card is exchanged: allstate says so, and the job is served, restarted and taken over as before',
    async () => {
      const [one, two] = await show()
      const over = fs.readFileSync(await esk.sign(one?.hostId ?? '', inDays(-2)), 'utf8')
      await put('RMHW131', '/var/lib/mirrorpair/license.lic', over)
      await lab.said('RMHW132', ['ip', 'link', 'set', 'link-1', 'address', '02:4d:50:00:02:77'])
      expect(await words()).toEqual(['Expired', 'WrongHost'])
      const said = await lab.cui(['allstate'])
      expect(said.stdout).toContain('the licence of RMHW131 is Expired')
      expect((await lab.cui(['status', 'query', JOB, 'is-online'])).code).toBe(0)
      await lab.verb(['powercut', 'RMHW131'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      await lab.verb(['start', 'RMHW131'])
      await lab.settled(Date.now(), EQUAL_TIMEOUT_MS)
      expect((await show()).find(({ node }) => node === 'RMHW132')?.hostId).not.toBe(two?.hostId)
    },
    TEST_TIMEOUT_MS
  )
})
