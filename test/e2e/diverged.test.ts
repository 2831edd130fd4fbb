import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS, SEEN_TIMEOUT_MS, TEST_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER, JOB, jobOf, NODES } from './kit/lab'
import { tell } from './kit/needs'
import { lastingDifferences } from './kit/trees'

const MIB = 1024 * 1024
const BALLAST_MIB = 48
const SURPLUS_MIB = 12

describeOnline('two nodes that both have something of their own', {}, (lab) => {
  const write = (node: 'RMHW131' | 'RMHW132', name: string, mib: number, more: string[] = []) =>
    lab.said(node, ['dd', 'if=/dev/urandom', `of=${FOLDER}/${name}`, 'bs=1M', `count=${mib}`, 'conv=notrunc', 'status=none', ...more])
  const read = async (node: 'RMHW131' | 'RMHW132', name: string) => (await lab.exec(node, ['cat', `${FOLDER}/${name}`])).stdout

  test(
    'an old source that returns with writes that nobody had: only what differs travels, and its surplus is gone',
    async () => {
      await write('RMHW131', 'ballast', BALLAST_MIB)
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      // The stream is slow, not down: what waits in its queue dies with the node.
      await lab.done(['bandwidth', JOB, '256KiB'])
      await write('RMHW131', 'ballast', SURPLUS_MIB / 2, ['seek=20'])
      await write('RMHW131', 'surplus', SURPLUS_MIB / 2)
      await lab.dataIs('RMHW131', 'much is queued', SEEN_TIMEOUT_MS, ({ queuedBytes }) => queuedBytes > (SURPLUS_MIB / 2) * MIB)
      await lab.verb(['kill', 'RMHW131'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      await write('RMHW132', 'after the failover', 2)
      const backAtMs = Date.now()
      await lab.verb(['start', 'RMHW131'])
      expect(await lab.settled(backAtMs, EQUAL_TIMEOUT_MS)).toBe('RMHW132')
      await lab.applied('RMHW132', EQUAL_TIMEOUT_MS)
      const { sentBytes } = lab.data('RMHW132')
      tell(`old source back: ${SURPLUS_MIB} MiB of its own and 2 MiB of the new source differed, ${(sentBytes / MIB).toFixed(1)} MiB sent`)
      expect(sentBytes).toBeLessThan((BALLAST_MIB / 2) * MIB)
      expect(await lastingDifferences(lab, FOLDER)).toEqual([])
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a split brain is Manually: nothing is overwritten until selectsrc, then both are as the chosen one',
    async () => {
      await write('RMHW132', 'shared', 1)
      await lab.applied('RMHW132', EQUAL_TIMEOUT_MS)
      // The address last: an owner that only loses that hands over in order.
      for (const cable of ['link-0', 'link-1', 'service']) await lab.verb(['cut', `RMHW132:${cable}`])
      // The observer cannot ask a node that nothing reaches: the node itself is looked at.
      await lab.said('RMHW131', [
        'sh',
        '-c',
        `for i in $(seq 900); do echo of131 > ${FOLDER}/mine && grep -q of131 ${FOLDER}/mine && exit 0; sleep 0.1; done; exit 1`
      ])
      await lab.said('RMHW132', ['sh', '-c', `echo of132 > ${FOLDER}/mine; echo only132 > ${FOLDER}/only132`])
      await lab.said('RMHW131', ['sh', '-c', `echo only131 > ${FOLDER}/only131`])
      await lab.verb(['heal', 'all'])
      const manually = (node: 'RMHW131' | 'RMHW132') =>
        lab.watch().waitFor(`${node}: Manually`, SEEN_TIMEOUT_MS * 2, (seen) => jobOf(seen, node)?.record.needToVerify === 'Manually')
      for (const node of NODES) await manually(node)
      // The disk of RMHW131 was there before its address: its start may not be over yet.
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS)
      const job = (await lab.cui(['jobstate', JOB])).stdout
      expect(job).toMatch(/Need to Verify *:? *Manually/)

      // Whatever the pair does by itself, it does not touch either copy.
      const refused = await lab.cui(['mirror', JOB, 'start', '--yes'])
      expect(refused.code).not.toBe(0)
      expect(refused.stderr).toContain('mirror would overwrite data')
      expect(await read('RMHW131', 'mine')).toBe('of131\n')
      expect(await read('RMHW132', 'mine')).toBe('of132\n')
      expect([await read('RMHW131', 'only131'), await read('RMHW132', 'only132')]).toEqual(['only131\n', 'only132\n'])

      const sinceMs = Date.now()
      await lab.done(['selectsrc', JOB, 'RMHW131', '--confirm', JOB])
      expect(await lab.settled(sinceMs, EQUAL_TIMEOUT_MS)).toBe('RMHW131')
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      expect([await read('RMHW132', 'mine'), await read('RMHW132', 'only132')]).toEqual(['of131\n', ''])
      expect(await lastingDifferences(lab, FOLDER)).toEqual([])
    },
    TEST_TIMEOUT_MS
  )
})
