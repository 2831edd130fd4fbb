import { spawn } from 'node:child_process'
import { Lab } from './kit/lab'
import { describePair } from './kit/needs'
import { dist, NODE, runProgram } from './kit/programs'

const TEST_TIMEOUT_MS = 600_000
const WITHOUT_AGENT = ['--agent-command', 'sleep 1000']
const ADDRESS = '192.168.150.152'
/** A cable that was plugged in carries at once; a busy machine may need a moment. */
const PLUGGED_IN_S = 60
const labs: Lab[] = []

async function up(...options: string[]): Promise<Lab> {
  const lab = await Lab.up([...WITHOUT_AGENT, ...options])
  labs.push(lab)
  return lab
}

const reaches = async (lab: Lab, address: string) => (await lab.exec('RMHW131', ['ping', '-c', '1', '-W', '1', address])).code === 0

describePair('the lab', {}, () => {
  afterEach(async () => {
    for (const lab of labs.splice(0)) await lab.down()
  }, TEST_TIMEOUT_MS)

  test(
    'two labs stand side by side with the same addresses, and know nothing of each other',
    async () => {
      const first = await up()
      const second = await up('--jobs', 'A,B', '--fs', 'xfs')
      await first.verb(['kill', 'RMHW132'])
      expect({ first: await reaches(first, ADDRESS), second: await reaches(second, ADDRESS) }).toEqual({ first: false, second: true })
      expect(await second.said('RMHW131', ['ls', '/srv'])).toBe('A\nB')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'exec hands on words, standard input and the exit code',
    async () => {
      const lab = await up()
      const result = await lab.exec('RMHW131', ['sh', '-c', 'hostname; cat; exit 7', "it's"], { input: 'typed' })
      expect(result).toEqual({ code: 7, stdout: 'RMHW131\ntyped', stderr: '' })
    },
    TEST_TIMEOUT_MS
  )

  test(
    'two hosts are cut from each other, also one way or over one cable, and nobody else is',
    async () => {
      const lab = await up()
      const [service, link] = ['192.168.150.152', '22.22.150.132']
      const seen = async () => [
        await reaches(lab, service),
        await reaches(lab, link),
        (await lab.exec('client', ['ping', '-c', '1', '-W', '1', service])).code === 0
      ]
      await lab.verb(['cut', 'RMHW131>RMHW132:service'])
      expect(await seen()).toEqual([false, true, true])
      await lab.verb(['kill', 'RMHW131'])
      await lab.verb(['start', 'RMHW131'])
      expect(await seen()).toEqual([false, true, true])
      await lab.verb(['heal', 'all'])
      await lab.verb(['cut', 'RMHW131-RMHW132'])
      expect(await seen()).toEqual([false, false, true])
      await lab.verb(['heal', 'RMHW131-RMHW132'])
      expect(await seen()).toEqual([true, true, true])
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a power cut loses what was not flushed, and keeps what was',
    async () => {
      const lab = await up()
      await lab.said('RMHW131', ['sh', '-c', 'cd /srv/DB_Group && echo kept > flushed && sync flushed && echo gone > unflushed'])
      await lab.verb(['powercut', 'RMHW131'])
      expect((await lab.exec('RMHW131', ['true'])).stderr).toContain('RMHW131 is switched off')
      await lab.verb(['start', 'RMHW131'])
      // The file system may have recorded its name by itself, after some seconds, and not what is in it.
      expect(await lab.said('RMHW131', ['sh', '-c', 'cd /srv/DB_Group && cat flushed; cat unflushed 2>/dev/null || true'])).toBe('kept')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a dead node loses its addresses and mounts, and comes back with a clean memory',
    async () => {
      const lab = await up()
      await lab.said('RMHW132', [
        'sh',
        '-c',
        'ip address add 192.168.150.130/16 dev service; echo x > /run/mirrorpair/old; echo y > /srv/DB_Group/kept; sleep 1000 >/dev/null 2>&1 &'
      ])
      expect(await reaches(lab, '192.168.150.130')).toBe(true)
      await lab.verb(['kill', 'RMHW132'])
      expect(await reaches(lab, '192.168.150.130')).toBe(false)
      await lab.verb(['start', 'RMHW132'])
      expect(
        await lab.said('RMHW132', ['sh', '-c', 'ip -4 -brief address show dev service | grep -c 150.130 || true; ls /run/mirrorpair; cat /srv/DB_Group/kept'])
      ).toBe('0\ny')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a cable can be pulled at both nodes or at one end, and plugged in again',
    async () => {
      const lab = await up()
      for (const name of ['link-0', 'RMHW132:link-0']) {
        await lab.verb(['cut', name])
        expect(await reaches(lab, '22.22.150.132')).toBe(false)
        expect(await reaches(lab, '11.11.150.132')).toBe(true)
        await lab.verb(['heal', name])
        // One that is told at once that nobody is there asks no second time.
        const ask = `for try in $(seq ${PLUGGED_IN_S}); do ping -c 1 -w 1 22.22.150.132 && exit 0; done; exit 1`
        await lab.said('RMHW131', ['sh', '-c', ask])
      }
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a paused node stands still and goes on where it was',
    async () => {
      const lab = await up()
      const counter = lab.start('RMHW131', ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done'])
      let count = 0
      counter.stdout.on('data', () => {
        count += 1
      })
      await new Promise((resolve) => counter.stdout.once('data', resolve))
      await lab.verb(['pause', 'RMHW131'])
      const whenPaused = count
      await lab.verb(['cut', 'link-0'])
      expect(count - whenPaused).toBeLessThanOrEqual(1)
      await lab.verb(['resume', 'RMHW131'])
      await new Promise((resolve) => counter.stdout.once('data', resolve))
    },
    TEST_TIMEOUT_MS
  )

  test(
    'what a lab leaves behind when its program is killed half way is taken away',
    async () => {
      const name = `e2e-half-${process.pid}`
      const child = spawn(NODE, [dist('lab'), 'up', '--name', name, ...WITHOUT_AGENT], { stdio: 'ignore' })
      const ended = new Promise((resolve) => child.on('exit', resolve))
      const lab = (words: string[]) => runProgram([NODE, dist('lab'), '--name', name, ...words])
      while ((await lab(['status'])).code !== 0) expect(child.exitCode).toBeNull()
      child.kill('SIGKILL')
      await ended
      // A program that it had just started goes on, and may mount something yet.
      while ((await runProgram(['pgrep', '-f', name])).code === 0);
      expect((await lab(['down'])).stdout).toBe(`The lab ${name} is gone.\n`)
      expect((await lab(['down'])).stdout).toBe(`There is no lab ${name}.\n`)
      expect((await runProgram(['losetup', '--list', '--noheadings', '--output', 'BACK-FILE'])).stdout).not.toContain(name)
      expect((await runProgram(['cat', '/proc/self/mountinfo'])).stdout).not.toContain(name)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a name that is taken, a wrong cable and an unknown host are told in a sentence',
    async () => {
      const lab = await up()
      const told = async (...words: string[]) => (await runProgram([NODE, dist('lab'), ...words])).stderr
      expect(await told('up', '--name', lab.name)).toBe(`the lab ${lab.name} is up already\nTry: lab down --name ${lab.name}, or another --name\n`)
      expect(await told('cut', 'link-9', '--name', lab.name)).toMatch(/^there is no cable "link-9"\nTry: name service/)
      expect(await told('kill', 'RMHW133', '--name', lab.name)).toMatch(/^"RMHW133" is no host of the lab\nTry: name RMHW131/)
      expect(await told('down', '--name', '../x')).toMatch(/is no name for a lab/)
    },
    TEST_TIMEOUT_MS
  )
})
