import { describeOnline, TEST_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER, JOB, type Node, NODES } from './kit/lab'
import { tell } from './kit/needs'
import { type Seen, statusOf } from './kit/observer'

const RUN_TIMEOUT_MS = 300_000

interface Drilled {
  outageMs: number | null
  lost: number | null
  syncMs: number | null
  writes: number
  probedVip: boolean
  to: string
  missed: string[]
  waitMs: number | null
  still: { forMs: number; noticedMs: number | null; noticed: string | null } | null
}

describeOnline('drills on a real pair', { options: ['--application', 'kv', '--mode', 'high-availability'] }, (lab) => {
  const drill = async (...words: string[]): Promise<Drilled> => {
    const ran = await lab.cui(['drill', JOB, ...words, '--yes', '--json'], { timeoutMs: RUN_TIMEOUT_MS })
    const said = JSON.parse(ran.stdout) as Drilled & { error?: { message: string } }
    expect(said.error).toBeUndefined()
    expect({ code: ran.code, missed: said.missed }).toEqual({ code: 0, missed: [] })
    const { outageMs, lost, syncMs, writes } = said
    tell(`drill ${words[0]}: outage ${outageMs} ms, ${lost} of ${writes} writes lost, in sync after ${syncMs} ms`)
    return said
  }
  const linksAre = (seen: Seen, node: Node, state: string) => statusOf(seen[node])?.self.links.every((link) => link.state === state) === true
  const heard = (state: string) =>
    lab.watch().waitFor(`all links are ${state} on both nodes`, RUN_TIMEOUT_MS, (seen) => NODES.every((node) => linksAre(seen, node, state)))
  const entries = async (node: Node) =>
    (JSON.parse(await lab.done(['drill', JOB, 'history', '--node', node, '--json'])) as { entries: (Drilled & { kind: string })[] }).entries
  const kinds = async () => await Promise.all(NODES.map(async (node) => (await entries(node)).map(({ kind }) => kind)))
  const files = async (node: Node) => (await lab.said(node, ['ls', '-A', FOLDER])).split('\n').filter((name) => name.includes('drill'))

  test(
    'switch: measured from outside, nothing acknowledged is missing, and the probe is gone from both folders',
    async () => {
      const measured = await drill('switch', '--target', 'outage=30s,loss=0,sync=60s')
      expect(measured).toMatchObject({ to: 'RMHW132', lost: 0, probedVip: true })
      expect(measured.outageMs).toBeGreaterThan(0)
      // Ten a second where the machine has nothing else to do.
      expect(measured.writes).toBeGreaterThan(2)
      await lab.applied('RMHW132', RUN_TIMEOUT_MS)
      expect([await files('RMHW131'), await files('RMHW132')]).toEqual([[], []])
    },
    TEST_TIMEOUT_MS
  )

  test(
    'kill-app: its death is noticed and it is started again where it was',
    async () => {
      const before = await lab.listens('RMHW132', 7400)
      const measured = await drill('kill-app', 'KV', '--target', 'outage=30s,loss=0')
      expect(measured).toMatchObject({ to: 'RMHW132', lost: 0 })
      expect(measured.outageMs).toBeGreaterThan(0)
      expect(await lab.listens('RMHW132', 7400)).not.toBe(before)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'cut-link: the link is broken for a while, the service feels nothing, and both nodes keep what all three have measured',
    async () => {
      expect(await drill('cut-link', 'link-0', '--target', 'outage=1s,loss=0')).toMatchObject({ outageMs: 0, to: 'RMHW132' })
      // The drill ends when the one that was cut hears it again; the other one has to hear it too.
      await heard('ok')
      const links = await lab.done(['hbtstate'])
      expect(links).toMatch(/^22\.22\.150\.131:3001 <-> 22\.22\.150\.132:3001 +ok +ok$/m)
      expect(links).not.toContain('error')
      expect(await kinds()).toEqual([
        ['switch', 'kill-app', 'cut-link'],
        ['switch', 'kill-app', 'cut-link']
      ])
    },
    TEST_TIMEOUT_MS
  )

  test(
    'freeze-peer: all of the standby hangs, commits wait until that is recorded and go on, and it comes back by itself with every write',
    async () => {
      const measured = await drill('freeze-peer', '--target', 'outage=1s,loss=0,sync=60s,wait=20s')
      expect(measured).toMatchObject({ outageMs: 0, to: 'RMHW132', probedVip: true, still: { noticed: expect.any(String) } })
      const { still, waitMs } = measured
      // The partner timeout; then it is recorded with the witness, and nobody waits any more.
      expect(waitMs).toBeGreaterThan(9_000)
      expect(waitMs).toBeLessThan(still?.forMs ?? 0)
      tell(`freeze-peer: noticed after ${still?.noticedMs} ms, the longest commit waited ${waitMs} ms of ${still?.forMs}`)
      expect(await files('RMHW132')).toEqual([])
      const refused = await lab.cui(['drill', JOB, 'freeze-peer', 'RMHW132', '--yes', '--json'])
      expect({ code: refused.code, said: refused.stdout }).toEqual({ code: 5, said: expect.stringContaining('E_DRILL_STILL') })
    },
    TEST_TIMEOUT_MS
  )

  test(
    'freeze-peer: the engine that hangs is killed in the middle, and nothing stays frozen',
    async () => {
      const drilling = lab.cui(['drill', JOB, 'freeze-peer', '--for', '30s', '--timeout', '90s', '--yes', '--json'], { timeoutMs: RUN_TIMEOUT_MS })
      await lab.watch().waitFor('RMHW131 is silent', RUN_TIMEOUT_MS, (seen) => linksAre(seen, 'RMHW132', 'error'))
      await lab.verb(['kill', 'RMHW131', '--engine'])
      await lab.watch().waitFor('the heartbeats go on without an engine', RUN_TIMEOUT_MS, (seen) => linksAre(seen, 'RMHW132', 'ok'))
      // As systemd does; before, it would have given up at the heartbeat program, which hung.
      await lab.verb(['start', 'RMHW131'])
      // It did not stand still for as long as it was asked to, as far as anybody knows.
      expect((await drilling).code).not.toBe(0)
      await lab.equal('RMHW132', RUN_TIMEOUT_MS)
      await heard('ok')
      expect(await lab.done(['hbtstate'])).not.toContain('error')
      const { outageMs, lost } = (await entries('RMHW132')).at(-1) ?? {}
      expect({ outageMs, lost }).toEqual({ outageMs: 0, lost: 0 })
    },
    TEST_TIMEOUT_MS
  )
})
