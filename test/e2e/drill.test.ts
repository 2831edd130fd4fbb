import { describeOnline } from './kit/describeLab'
import { FOLDER, JOB, type Node, NODES } from './kit/lab'
import { tell } from './kit/needs'

const TEST_TIMEOUT_MS = 110_000
const RUN_TIMEOUT_MS = 100_000

interface Drilled {
  outageMs: number | null
  lost: number | null
  syncMs: number | null
  writes: number
  probedVip: boolean
  to: string
  missed: string[]
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
  const files = async (node: Node) => (await lab.said(node, ['ls', '-A', FOLDER])).split('\n').filter((name) => name.includes('drill'))

  test(
    'switch: measured from outside, nothing acknowledged is missing, and the probe is gone from both folders',
    async () => {
      const measured = await drill('switch', '--target', 'outage=30s,loss=0,sync=60s')
      expect(measured).toMatchObject({ to: 'RMHW132', lost: 0, probedVip: true })
      expect(measured.outageMs).toBeGreaterThan(0)
      expect(measured.writes).toBeGreaterThan(10)
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
      const links = await lab.done(['hbtstate'])
      expect(links).toMatch(/^22\.22\.150\.131:3001 <-> 22\.22\.150\.132:3001 +ok +ok$/m)
      expect(links).not.toContain('error')
      for (const node of NODES) {
        const kept = JSON.parse(await lab.done(['drill', JOB, 'history', '--node', node, '--json'])) as { entries: { kind: string }[] }
        expect(kept.entries.map(({ kind }) => kind)).toEqual(['switch', 'kill-app', 'cut-link'])
      }
    },
    TEST_TIMEOUT_MS
  )
})
