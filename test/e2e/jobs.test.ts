import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS, SEEN_TIMEOUT_MS, TEST_TIMEOUT_MS } from './kit/describeLab'
import { jobOf, type LedgerReport, type Node, NODES } from './kit/lab'
import type { Measuring } from './kit/programs'
import { lastingDifferences, nameCount } from './kit/trees'

/** A client keeps its connection; it is kept waiting by nothing but a busy machine. */
const UNTOUCHED_MS_MAX = 5_000
/** A name as it is given in Korea: it is in paths, names of cgroups, sockets and files. */
const WEB = '웹_그룹'
const FOLDER = '/srv/웹'
const VIP = '192.168.150.133'
const CREATE = [
  'job',
  'create',
  WEB,
  '--folder',
  FOLDER,
  '--vip',
  `IP-${WEB}=${VIP}/16`,
  '--process',
  'PAGES=exec sleep 1000001',
  '--set',
  'firstOwner=RMHW132'
]

describeOnline('jobs are made, changed and taken away on a pair that works (guide 3)', { options: ['--application', 'kv'] }, (lab) => {
  const shell = (node: Node, script: string) => lab.said(node, ['sh', '-c', script])
  const version = async () => (JSON.parse(await lab.done(['config', 'show', '--json'])) as { version: number }).version
  const other = () => lab.listens('RMHW131', 7400)
  const record = (node: Node) => jobOf(lab.watch().seen, node, WEB)?.record
  const feltNothing = async (ledger: Measuring<LedgerReport>) => {
    const promised = await ledger.report()
    expect(promised).toMatchObject({ connections: 1, lastErrors: [] })
    expect(promised.outageMs).toBeLessThan(UNTOUCHED_MS_MAX)
  }
  /** So many, and soon: an application runs as soon as its shell does, which then becomes it. */
  const sleepers = async (words: string, count: number) => {
    const found = () => shell('RMHW131', `pgrep -fx '${words}' | wc -l`)
    for (const endMs = Date.now() + SEEN_TIMEOUT_MS; (await found()) !== String(count); ) expect(Date.now()).toBeLessThan(endMs)
  }
  const gone = () => lab.watch().waitFor('the job is gone on both', SEEN_TIMEOUT_MS, (seen) => NODES.every((node) => jobOf(seen, node, WEB) === null))

  test(
    'what stands in the way on either node is told before anything is changed',
    async () => {
      await shell('RMHW131', `mkdir ${FOLDER}`)
      const before = await version()
      const refused = await lab.cui([...CREATE, '--vip', 'IP-Other=203.0.113.9/24@nic-9', '--yes'])
      expect(refused.code).toBe(5)
      for (const words of [
        `The folder ${FOLDER} of ${WEB} cannot be used on RMHW132`,
        'RMHW131 has no network card nic-9',
        'RMHW132 has no network card nic-9'
      ])
        expect(refused.stderr).toContain(words)
      await shell('RMHW132', `mkdir -p ${FOLDER}/sub && echo there > ${FOLDER}/page && echo out > ${FOLDER}/x.tmp`)
      await shell('RMHW131', `echo old > ${FOLDER}/old`)
      const looked = await lab.done([...CREATE, '--exclude', '*.tmp', '--dry-run'])
      expect(looked).toContain(`+   ${WEB}:`)
      expect(looked).toContain(`RMHW131: ${FOLDER} is not empty; the first copy of ${WEB} makes it what RMHW132 has`)
      expect(await version()).toBe(before)
      expect(jobOf(lab.watch().seen, 'RMHW131', WEB)).toBeNull()
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a new job captures, mirrors, serves and moves as one that was there at boot; the other one feels nothing',
    async () => {
      const before = await other()
      expect(before).not.toBe('')
      const ledger = lab.ledger('--kv', 7400, { patienceMs: UNTOUCHED_MS_MAX })
      const made = await lab.done([...CREATE, '--exclude', '*.tmp', '--yes'])
      expect(made).toContain(`Next: bringin ${WEB} starts it on RMHW132.`)
      await lab.done(['bringin', WEB, '--yes'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS, WEB)
      await lab.done(['wait', WEB, 'synchronized', '--timeout', '120s'])
      expect(await nameCount(lab, 'RMHW131', FOLDER)).toBe(2)
      expect((await lab.exec('RMHW131', ['touch', `${FOLDER}/mine`])).code).not.toBe(0)
      await shell('RMHW132', `cd ${FOLDER} && for i in $(seq 200); do echo $i > sub/$i; done; mv page page.html`)
      await lab.applied('RMHW132', EQUAL_TIMEOUT_MS, WEB)
      await lab.done(['switch', WEB, '--yes'])
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS, WEB)
      await sleepers('sleep 1000001', 1)
      expect(await shell('RMHW131', `ip -brief address show dev service | grep -c ${VIP}/16`)).toBe('1')
      await shell('RMHW131', `echo here > ${FOLDER}/later`)
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS, WEB)
      expect(await lastingDifferences(lab, FOLDER, /x\.tmp/)).toEqual([])
      expect(await nameCount(lab, 'RMHW132', FOLDER)).toBe(204)
      await feltNothing(ledger)
      expect(await other()).toBe(before)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'it gets an address while it is online, and an application when it is brought out, while the other one serves',
    async () => {
      const ledger = lab.ledger('--kv', 7400, { patienceMs: UNTOUCHED_MS_MAX })
      await lab.done(['job', 'modify', WEB, '--vip', 'IP-Web-2=192.168.150.134/16', '--yes'])
      await lab.watch().waitFor('the new address is up', SEEN_TIMEOUT_MS, (seen) => jobOf(seen, 'RMHW131', WEB)?.vips.filter(({ up }) => up).length === 2)
      const more = ['job', 'modify', WEB, '--process', 'STATS=exec sleep 1000002', '--depends', 'STATS=PAGES', '--yes']
      expect(await lab.cui(more)).toMatchObject({
        code: 5,
        stderr: expect.stringContaining(`needs ${WEB} detached or brought out, and it is online on RMHW131`)
      })
      await lab.done(['bringout', WEB, '--yes'])
      await lab.done(more)
      await lab.done(['bringin', WEB, '--yes'])
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS, WEB)
      await sleepers('sleep 100000[12]', 2)
      await feltNothing(ledger)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'it goes when it is brought out, its data stays; another one of its name begins anew, also after an engine that died in between',
    async () => {
      expect(await lab.cui(['job', 'remove', WEB, '--yes'])).toMatchObject({ code: 5 })
      await lab.done(['wait', WEB, 'synchronized', '--timeout', '120s'])
      await lab.done(['bringout', WEB, '--yes'])
      expect((await lab.now('RMHW131', WEB)).record.roleSequence).toBeGreaterThan(1)
      const said = await lab.done(['job', 'remove', WEB, '--yes'])
      for (const node of NODES) expect(said).toContain(`${node} keeps ${FOLDER}: `)
      await gone()
      for (const node of NODES) await shell(node, `cat ${FOLDER}/later && echo ${node} > ${FOLDER}/own`)
      await lab.verb(['kill', 'RMHW132', '--engine'])
      const startedAtMs = Date.now()
      await lab.verb(['start', 'RMHW132'])
      expect(await lab.settled(startedAtMs, EQUAL_TIMEOUT_MS)).toBe('RMHW131')
      // Not from RMHW132 this time.
      await lab.done([...CREATE.slice(0, -2), '--exclude', '*.tmp', '--yes'])
      await lab
        .watch()
        .waitFor('it begins anew', SEEN_TIMEOUT_MS, () => NODES.every((node) => record(node)?.roleSequence === 1 && record(node)?.owner === 'RMHW131'))
      await lab.done(['bringin', WEB, '--yes'])
      await lab.done(['wait', WEB, 'synchronized', '--timeout', '120s'])
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS, WEB)
      expect(await lastingDifferences(lab, FOLDER, /x\.tmp/)).toEqual([])
      expect(await shell('RMHW132', `cat ${FOLDER}/own`)).toBe('RMHW131')
      await lab.done(['switch', WEB, '--yes'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS, WEB)
      expect((await lab.now('RMHW132', WEB)).record.roleSequence).toBe(2)
    },
    TEST_TIMEOUT_MS
  )
})
