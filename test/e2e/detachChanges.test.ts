import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS, SEEN_TIMEOUT_MS, TEST_TIMEOUT_MS } from './kit/describeLab'
import { JOB, jobOf, type Node, NODES } from './kit/lab'
import { lastingDifferences } from './kit/trees'

/** The service goes on; in its folders it waits for the data program that takes over, which has to start. */
const WAITED_MS_MAX = 60_000
const KV_PORT = 7400
const MORE = '/srv/more'

describeOnline(
  'detach --stop-data: what the data program stands on is changed under a service that goes on (guide 4, Detach)',
  { options: ['--application', 'kv'] },
  (lab) => {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'detach-changes-'))
    afterAll(() => fs.rmSync(home, { recursive: true }))
    const shell = (node: Node, script: string) => lab.said(node, ['sh', '-c', script])
    const record = (node: Node) => jobOf(lab.watch().seen, node)?.record
    const text = async () => (JSON.parse(await lab.done(['config', 'show', '--json'])) as { text: string }).text
    let nextPort = 0

    /** A folder more, before the one that there is, another queue and another port. */
    async function changed(): Promise<string> {
      const before = await text()
      const port = Number(/port: (\d+)/.exec(before.slice(before.indexOf('data:')))?.[1])
      nextPort = port + 500
      const after = before
        .replace(/^( *)folders:\n( *)- path:/m, `$1queue: 16MiB\n$1folders:\n$2- path: ${MORE}\n$2- path:`)
        .replace(`port: ${port}`, `port: ${nextPort}`)
      expect(after).toContain(`- path: ${MORE}`)
      fs.writeFileSync(path.join(home, 'next.yaml'), after)
      return path.join(home, 'next.yaml')
    }

    const listens = async (node: Node): Promise<boolean> =>
      (await lab.exec(node, ['sh', '-c', `ss -Hltn sport = :${nextPort}`])).stdout.includes(`:${nextPort}`)

    test(
      'a folder, a queue and the port change while the application serves; nothing of it is in sync before it was copied; then it serves on the other node with all data',
      async () => {
        for (const node of NODES) await shell(node, `mkdir ${MORE} && echo ${node} > ${MORE}/of-${node}`)
        const ledger = lab.ledger('--kv', KV_PORT)
        const service = await lab.listens('RMHW131', KV_PORT)
        const file = await changed()
        const apply = ['config', 'apply', file, '--yes']
        await lab.done(['detach', JOB, '--keep-data'])
        expect(await lab.cui(apply)).toMatchObject({
          code: 5,
          stderr: expect.stringContaining('detached with its replication stopped, or brought out') as string
        })
        await lab.done(['detach', JOB, '--stop-data', '--reason', 'one more tablespace'])
        await shell('RMHW131', `(cd ${MORE} && exec sleep 3179) > /dev/null 2>&1 & until pgrep -fx 'sleep 3179' > /dev/null; do sleep 0.1; done`)
        const used = await lab.cui(apply)
        expect(used).toMatchObject({ code: 5, stderr: expect.stringMatching(/\/srv\/more of DB_Group cannot be captured .* sleep \(process \d+\)/) as string })
        await shell('RMHW131', "pkill -fx 'sleep 3179'; while pgrep -fx 'sleep 3179' > /dev/null; do sleep 0.1; done")
        await lab.done(apply)
        await shell('RMHW131', `echo before > ${MORE}/before; echo held > /srv/${JOB}/held`)
        await lab.done(['bringin', JOB, '--yes'])
        // At once: nothing of the new folder is over there for certain.
        await lab.watch().waitFor('the standby knows', SEEN_TIMEOUT_MS, () => (record('RMHW132')?.detached ?? null) === null)
        await shell('RMHW131', `for i in $(seq 300); do echo $i > ${MORE}/$i; done`)
        await lab.done(['wait', JOB, 'synchronized', '--timeout', '120s'])
        expect((await ledger.report()).outageMs).toBeLessThan(WAITED_MS_MAX)
        expect(await lab.listens('RMHW131', KV_PORT)).toBe(service)
        await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
        await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
        expect(await listens('RMHW132')).toBe(true)
        for (const folder of [MORE, `/srv/${JOB}`]) expect(await lastingDifferences(lab, folder, /$^/)).toEqual([])
        expect(
          await shell(
            'RMHW132',
            `cat ${MORE}/before ${MORE}/of-RMHW131 /srv/${JOB}/held; ls ${MORE} | wc -l; test -e ${MORE}/of-RMHW132 || echo none of its own`
          )
        ).toBe('before\nRMHW131\nheld\n302\nnone of its own')
        expect((await lab.exec('RMHW132', ['touch', `${MORE}/mine`])).code).not.toBe(0)
        await lab.done(['switch', JOB, '--yes'])
        await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
        expect(await lab.listens('RMHW132', KV_PORT)).not.toBe('')
        await shell('RMHW132', `echo there > ${MORE}/there`)
        await lab.applied('RMHW132', EQUAL_TIMEOUT_MS)
        expect(await shell('RMHW131', `cat ${MORE}/there; ls ${MORE} | wc -l`)).toBe('there\n303')
      },
      TEST_TIMEOUT_MS
    )
  }
)
