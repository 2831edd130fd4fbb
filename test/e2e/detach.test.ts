import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS, SEEN_TIMEOUT_MS, TEST_TIMEOUT_MS } from './kit/describeLab'
import { JOB, jobOf, type Node } from './kit/lab'

/** A watched application is started again well within this. */
const NOTHING_MS = 5_000
const KV_PORT = 7400
const ENGINE_DOWN_MS = 1_500

/** Deaf to its signal, and it leaves a daemon behind that was forked twice, with a session of its own. */
const DEAF = [
  '      - name: DEAF',
  '        process:',
  `          start: "trap '' TERM; (setsid sh -c \\"trap '' TERM; while :; do sleep 3177; done\\" &); while :; do sleep 3178; done"`,
  '        stopTimeout: 8s'
].join('\n')

describeOnline('detach and resource on a real pair (guide, chapters 4 and 5)', { options: ['--application', 'kv'] }, (lab) => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'detach-e2e-'))
  afterAll(() => fs.rmSync(home, { recursive: true }))
  const applications = () => jobOf(lab.watch().seen, 'RMHW131')?.applications ?? []
  const becomes = (name: string, wanted: string) =>
    lab
      .watch()
      .waitFor(`${name} is ${wanted}`, SEEN_TIMEOUT_MS, (seen) => jobOf(seen, 'RMHW131')?.applications.find((each) => each.name === name)?.word === wanted)
  const sleepers = async (node: Node): Promise<string> => (await lab.exec(node, ['pgrep', '-f', 'sleep 317[78]'])).stdout.trim()
  const detachedOn = (node: Node, yes: boolean) =>
    lab.watch().waitFor(`${node} knows`, SEEN_TIMEOUT_MS, (seen) => ((jobOf(seen, node)?.record.detached ?? null) !== null) === yes)

  test(
    'detached, the application is killed: nothing happens, and every status says why; settings change; brought in it is restarted',
    async () => {
      await lab.done(['detach', JOB, '--keep-data', '--reason', 'patch 15.4'])
      await detachedOn('RMHW132', true)
      await lab.killListener('RMHW131', KV_PORT)
      await becomes('KV', 'failed')
      const endMs = Date.now() + NOTHING_MS
      while (Date.now() < endMs) expect(await lab.listens('RMHW131', KV_PORT)).toBe('')
      const { stdout } = await lab.cui(['allstate'])
      expect(stdout).toMatch(/^DB_Group +detached +RMHW131/m)
      expect(stdout).toContain('patch 15.4')
      expect(stdout).toContain('application KV of DB_Group has failed on RMHW131 and stays so')
      expect(await lab.cui(['switch', JOB])).toMatchObject({ code: 5, stderr: expect.stringContaining('detached') as string })
      expect(await lab.cui(['ready', JOB])).toMatchObject({ code: 5 })
      expect(await lab.cui(['status', 'query', JOB, 'is-protected'])).toMatchObject({ code: 2 })
      const { text } = JSON.parse(await lab.done(['config', 'show', '--json'])) as { text: string }
      const changed = text.replace(/( *)- name: KV/, `${DEAF}\n$1- name: KV`)
      expect(changed).not.toBe(text)
      fs.writeFileSync(path.join(home, 'next.yaml'), changed)
      await lab.done(['config', 'apply', path.join(home, 'next.yaml'), '--yes'])
      await lab.done(['bringin', JOB, '--yes'])
      await detachedOn('RMHW132', false)
      await becomes('KV', 'online')
      await becomes('DEAF', 'online')
      expect(await lab.listens('RMHW131', KV_PORT)).not.toBe('')
      expect(await sleepers('RMHW131')).not.toBe('')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'an application that is deaf to its signal is taken offline, and the engine dies in the middle of it: the next one leaves nothing behind',
    async () => {
      const { engine } = (await lab.status()).nodes.RMHW131
      const ordered = lab.cui(['resource', JOB, 'DEAF', 'offline', '--no-wait'])
      await lab.watch().waitFor('DEAF is being stopped', SEEN_TIMEOUT_MS, () => applications().find(({ name }) => name === 'DEAF')?.state === 'stopping')
      // By this process, at once: on a busy machine DEAF's time may be over before a program that does it has started.
      process.kill(engine as number, 'SIGKILL')
      await ordered
      expect(await sleepers('RMHW131')).not.toBe('')
      await new Promise((resolve) => setTimeout(resolve, ENGINE_DOWN_MS))
      await lab.verb(['start', 'RMHW131'])
      // It has looked for what runs: before that it knows of nothing.
      await becomes('KV', 'online')
      await becomes('DEAF', 'offline')
      expect(await sleepers('RMHW131')).toBe('')
      await becomes('KV', 'online')
      await lab.done(['resource', JOB, 'DEAF', 'online'])
      await becomes('DEAF', 'online')
      await lab.done(['resource', JOB, 'DEAF', 'offline'])
      expect(await sleepers('RMHW131')).toBe('')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'detached with its data: the view says Stop, what is written waits; brought in the difference is sent',
    async () => {
      await lab.done(['detach', JOB, '--stop-data'])
      const stopped = async (): Promise<boolean> => {
        const { stdout } = await lab.cui(['jobstate', JOB])
        return ['Connection', 'Mirror', 'Replication', 'Target Side'].every((name) => new RegExp(`^${name} +Stop$`, 'm').test(stdout))
      }
      // Both data programs say so, each in its time.
      for (const endMs = Date.now() + SEEN_TIMEOUT_MS; !(await stopped()); ) expect(Date.now()).toBeLessThan(endMs)
      await lab.said('RMHW131', ['sh', '-c', `echo held > /srv/${JOB}/held`])
      expect((await lab.exec('RMHW132', ['test', '-e', `/srv/${JOB}/held`])).code).not.toBe(0)
      expect(await lab.cui(['transmit', JOB, 'resume', '--yes'])).toMatchObject({ code: 5 })
      await lab.done(['bringin', JOB, '--yes'])
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      expect((await lab.exec('RMHW132', ['cat', `/srv/${JOB}/held`])).stdout).toBe('held\n')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'detached, the node dies: the other one stays where it is until it is told at that node',
    async () => {
      await lab.done(['detach', JOB, '--keep-data'])
      await detachedOn('RMHW132', true)
      await lab.verb(['kill', 'RMHW131'])
      await lab.alone('RMHW132', SEEN_TIMEOUT_MS)
      await lab.notes('RMHW132', 'cannot take over: it is detached', SEEN_TIMEOUT_MS)
      await lab.done(['bringin', JOB, '--yes', '--node', 'RMHW132'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
    },
    TEST_TIMEOUT_MS
  )
})
