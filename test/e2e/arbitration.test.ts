import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parse, stringify } from 'yaml'
import { ADDRESSES, type Node } from '../lab/plan'
import { EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS, SEEN_TIMEOUT_MS, TEST_TIMEOUT_MS } from './kit/describeLab'
import { growKv, kvEntries } from './kit/kv'
import { JOB, jobOf, Lab, NODES, otherNode, VIP } from './kit/lab'
import { describePair, FENCE_AGENT, tell } from './kit/needs'

const UP_TIMEOUT_MS = 480_000
/** A fence agent is a program that has to start: on a slow machine that is most of its time. */
const FENCE_S = 12
const PORT = 7400
const COMMITS = 30

describePair('a pair without a witness that asks an address and a fence agent', { fence: true }, () => {
  const lab = Lab.named('arbiter')
  let folder = ''
  let outlets = ''

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-arbiter-'))
    outlets = path.join(folder, 'outlets')
    fs.mkdirSync(outlets)
    execFileSync('mkfifo', NODES.map(outlet))
    await lab.build(['--application', 'kv'])
    await arbitrate()
    await lab.done(['bringin', JOB])
    await lab.online('RMHW131', ONLINE_TIMEOUT_MS)
    await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
  }, UP_TIMEOUT_MS)
  afterAll(async () => {
    await lab.down()
    fs.rmSync(folder, { recursive: true, force: true })
  }, UP_TIMEOUT_MS)

  /** The power switch is a file for each outlet. It does not answer yet: whoever opens a pipe waits for somebody at the other end. */
  const outlet = (node: Node): string => path.join(outlets, node)
  const isOff = (node: Node): boolean => fs.existsSync(outlet(node)) && fs.readFileSync(outlet(node), 'utf8').trim() === 'off'

  async function arbitrate(): Promise<void> {
    const file = path.join(folder, 'pair.yaml')
    await lab.done(['config', 'backup', file])
    const config = parse(fs.readFileSync(file, 'utf8'))
    const nodes = Object.fromEntries(NODES.map((node) => [node, { status_file: outlet(node) }]))
    const fence = { agent: FENCE_AGENT, timeout: `${FENCE_S}s`, options: { type: 'file' }, ...nodes }
    config.arbitration = { reach: [ADDRESSES.client.service], timeout: '3s', fence }
    fs.writeFileSync(file, stringify(config))
    await lab.done(['config', 'apply', file, '--yes'])
  }

  const holdsVip = async (node: Node): Promise<boolean> => (await lab.said(node, ['ip', '-brief', 'address', 'show'])).includes(`${VIP}/`)

  async function noted(node: Node, what: RegExp): Promise<void> {
    await lab.watch().waitFor(`${node}: ${what.source}`, SEEN_TIMEOUT_MS, (seen) => what.test(jobOf(seen, node)?.note ?? ''))
  }

  test(
    'the active node dies: as long as the agent fails nothing is taken over, and it is said why',
    async () => {
      const ledger = lab.ledger('--kv', PORT)
      await growKv(lab, COMMITS)
      await lab.verb(['kill', 'RMHW131'])
      await noted('RMHW132', new RegExp(`fence_dummy.*did not end within ${FENCE_S}000 ms`))
      expect(await lab.now('RMHW132')).toMatchObject({ phase: 'standby', record: { owner: 'RMHW131', roleSequence: 1 } })
      expect(await holdsVip('RMHW132')).toBe(false)
      for (const node of NODES) {
        // In one go: an agent that finds no outlet, or that switches it off in between, would be undone.
        fs.writeFileSync(`${outlet(node)}.new`, 'on')
        fs.renameSync(`${outlet(node)}.new`, outlet(node))
      }
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      expect([isOff('RMHW131'), isOff('RMHW132')]).toEqual([true, false])
      await growKv(lab, COMMITS)
      const { committed } = await ledger.report()
      tell(`arbitration by a fence agent: ${await kvEntries(lab, committed)} of ${committed} commits are there (safety OFF)`)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'the owner is cut off from everybody: it stops by itself, and the other one takes over when it is switched off',
    async () => {
      await lab.verb(['heal', 'all'])
      fs.writeFileSync(outlet('RMHW131'), 'on')
      const sinceMs = Date.now()
      await lab.verb(['start', 'RMHW131'])
      const owner = await lab.settled(sinceMs, EQUAL_TIMEOUT_MS)
      // That of the address last: while others hear it, an owner whose address has no cable hands the job over in order after two seconds.
      for (const link of ['link-0', 'link-1', 'service']) await lab.verb(['cut', `${owner}:${link}`])
      await lab.online(otherNode(owner), ONLINE_TIMEOUT_MS)
      expect([isOff(owner), isOff(otherNode(owner))]).toEqual([true, false])
      const deadline = performance.now() + SEEN_TIMEOUT_MS
      // Its outlet was not pulled here: it has to see by itself that it reaches nobody.
      while ((await holdsVip(owner)) && performance.now() < deadline);
      expect(await holdsVip(owner)).toBe(false)
    },
    TEST_TIMEOUT_MS
  )
})
