import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER, JOB, jobOf, type Node, NODES, VIP } from './kit/lab'
import { dist, NODE } from './kit/programs'
import { lastingDifferences } from './kit/trees'

const RUNBOOKS = path.join(__dirname, '..', '..', 'man', 'runbooks')
const TEST_TIMEOUT_MS = 640_000
const RUN_TIMEOUT_MS = 400_000
const SEEN_TIMEOUT_MS = 80_000
const SERVES_SECONDS = 120

/** The runbooks that ship, as they stand, on a real pair; what they leave to a person is done by a program. */
describeOnline('runbooks of the annexes', { options: ['--application', 'kv'] }, (lab) => {
  let folder: string
  let hands: string
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'runbooks-'))
    hands = path.join(folder, 'hands')
    const machine = `"${NODE}" "${dist('lab')}" --name ${lab.name}`
    const script = [
      '#!/bin/sh -e',
      'printf "%s: %s\\n" "$1" "$2" >> "$(dirname "$0")/did"',
      'case "$2" in',
      `  reboot) ${machine} shutdown "$1"; ${machine} start "$1" ;;`,
      `  poweroff) ${machine} shutdown "$1" ;;`,
      // A machine of the lab has other cards after each start.
      `  *'switch the machine on'*) ${machine} start "$1" ;;`,
      `  *) ${machine} exec "$1" -- sh -c "$2" ;;`,
      'esac'
    ]
    fs.writeFileSync(hands, script.join('\n'), { mode: 0o755 })
  })
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

  const run = async (name: string, values: Record<string, string>): Promise<string> => {
    const settings = Object.entries({ JOB, ...values }).flatMap(([key, value]) => ['--set', `${key}=${value}`])
    return await lab.done(['run', path.join(RUNBOOKS, `${name}.runbook`), '--hands', hands, ...settings], { timeoutMs: RUN_TIMEOUT_MS })
  }
  const did = (): string[] => fs.readFileSync(path.join(folder, 'did'), 'utf8').trim().split('\n')
  const owner = async (): Promise<unknown> => (JSON.parse(await lab.done(['jobstate', '--json'])) as { jobs: { activite: string }[] }).jobs[0]?.activite
  const read = (node: Node, file: string) => lab.said(node, ['cat', file])

  test(
    'os-update: both machines are updated and rebooted, and the service is down only while it moves',
    async () => {
      const prober = lab.prober(7400)
      await run('os-update', { STANDBY: 'RMHW132', ACTIVE: 'RMHW131', UPDATE: 'echo updated >> /srv/updated' })
      expect(await owner()).toBe('RMHW132')
      expect(did()).toEqual(['RMHW132: echo updated >> /srv/updated', 'RMHW132: reboot', 'RMHW131: echo updated >> /srv/updated', 'RMHW131: reboot'])
      expect((await prober.report()).accepted).toBeGreaterThan(0)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'nic-exchange: the standby goes off, comes back with other cards, and both copies are equal',
    async () => {
      await lab.said('RMHW132', ['sh', '-c', `echo before > ${FOLDER}/exchange`])
      expect(await run('nic-exchange', { NODE: 'RMHW131' })).toContain('is ready')
      expect(await owner()).toBe('RMHW132')
      expect(await read('RMHW131', `${FOLDER}/exchange`)).toBe('before')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'database-patch: what the patch changes in the data files is on both nodes afterwards, and is served by the other one',
    async () => {
      const patch = `! findmnt -t fuse.mirrorpair ${FOLDER} > /dev/null; [ -w ${FOLDER} ] && echo patched > ${FOLDER}/patched || true`
      await run('database-patch', { ACTIVE: 'RMHW132', STANDBY: 'RMHW131', PATCH: patch, STOP: 'true' })
      expect(await owner()).toBe('RMHW131')
      expect(await read('RMHW131', `${FOLDER}/patched`)).toBe('patched')
      expect(await lastingDifferences(lab, FOLDER)).toEqual([])
    },
    TEST_TIMEOUT_MS
  )

  test(
    'split-brain: after both have served, the other node follows the one whose data is right',
    async () => {
      // The address last: an owner that only loses that hands over in order.
      for (const cable of ['link-0', 'link-1', 'service']) await lab.verb(['cut', `RMHW131:${cable}`])
      // Its service is there when its start is nearly over.
      const serves = `until "$1" "$2" --ask 127.0.0.1:7400 COUNT > /dev/null 2>&1; do sleep 0.1; done; echo of132 > ${FOLDER}/mine`
      await lab.said('RMHW132', ['timeout', String(SERVES_SECONDS), 'sh', '-c', serves, 'serves', NODE, dist('kv')])
      await lab.said('RMHW131', ['sh', '-c', `echo of131 > ${FOLDER}/mine`])
      await lab.verb(['heal', 'all'])
      for (const node of NODES) await lab.watch().waitFor(`${node}: Manually`, SEEN_TIMEOUT_MS, (seen) => jobOf(seen, node)?.record.needToVerify === 'Manually')
      // The younger owner goes on, the other one stops: both are at rest before anybody chooses.
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      await lab.watch().waitFor('RMHW131 stands by', ONLINE_TIMEOUT_MS, (seen) => jobOf(seen, 'RMHW131')?.phase === 'standby')
      await run('split-brain', { SOURCE: 'RMHW131' })
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      expect(await read('RMHW132', `${FOLDER}/mine`)).toBe('of131')
      expect(await lastingDifferences(lab, FOLDER)).toEqual([])
    },
    TEST_TIMEOUT_MS
  )

  test(
    'ip-change: nodes and job have other addresses, and the old ones are gone from the cards',
    async () => {
      const nodes = {
        NODE_A: 'RMHW131',
        OLD_A: '192.168.150.151',
        NEW_A: '192.168.150.161',
        NODE_B: 'RMHW132',
        OLD_B: '192.168.150.152',
        NEW_B: '192.168.150.162'
      }
      const ran = await run('ip-change', { ...nodes, LINK: 'service', NIC: 'service', PREFIX: '16', NEW_VIP: '192.168.150.150' })
      expect(ran).toContain('192.168.150.161:3002 <-> 192.168.150.162:3002')
      const cards = await lab.said('RMHW131', ['ip', '-brief', 'address', 'show', 'dev', 'service'])
      expect(cards).toContain('192.168.150.161/16')
      expect(cards).toContain('192.168.150.150/')
      for (const old of [nodes.OLD_A, VIP]) expect(cards).not.toContain(`${old}/`)
    },
    TEST_TIMEOUT_MS
  )
})
