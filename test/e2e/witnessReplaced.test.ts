import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parse, stringify } from 'yaml'
import { describePair, tell } from './kit/needs'
import { EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { EtcdCluster, etcdHostOf, recorded } from './kit/etcd'
import { growKv, kvEntries } from './kit/kv'
import { JOB, Lab, NODES, otherNode } from './kit/lab'
import { dist, NODE } from './kit/programs'

const [WITNESS, OTHER_WITNESS] = ['192.168.150.153', '192.168.150.154']
const [WITNESS_PORT, ETCD_PORT] = [7330, 7400]
const PORT = 7400
const UP_TIMEOUT_MS = 300_000
const TEST_TIMEOUT_MS = 900_000
/** A commit may wait for a busy machine, and never for a vote: below a lease. An owner that lost it would stop its service, and with it the connection. */
const LEASE_SECONDS = 6
const NO_OUTAGE_MS = 5_000
const PATIENCE_MS = 30_000
const LOOK_MS = 50

describePair('the witness is replaced under load', { etcd: true }, () => {
  const lab = Lab.named('voters')
  let folder = ''
  let etcd: EtcdCluster

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-voters-'))
    await lab.build(['--application', 'kv', '--mode', 'high-availability', '--quorum', `lease=${LEASE_SECONDS}s,drift=200ms`])
    await lab.said('witness', ['ip', 'address', 'add', `${OTHER_WITNESS}/16`, 'dev', 'service'])
    etcd = await EtcdCluster.start(folder, etcdHostOf(lab, 'witness', WITNESS, ETCD_PORT))
    await lab.done(['bringin', JOB])
    await lab.settled(0, ONLINE_TIMEOUT_MS)
  }, UP_TIMEOUT_MS)
  afterAll(async () => {
    await lab.down()
    fs.rmSync(folder, { recursive: true, force: true })
  }, UP_TIMEOUT_MS)

  /** Both nodes go by the changed configuration. */
  async function apply(change: (config: { jobs: Record<string, unknown> }) => void): Promise<void> {
    const file = path.join(folder, 'changed.yaml')
    fs.rmSync(file, { force: true })
    await lab.done(['config', 'backup', file])
    const config = parse(fs.readFileSync(file, 'utf8'))
    change(config)
    fs.writeFileSync(file, stringify(config))
    await lab.done(['config', 'apply', file, '--yes'])
  }

  /** From now on: the new one. */
  const votes = () => lab.hearsWitness(Date.now(), ONLINE_TIMEOUT_MS)

  /** Its owner looks for what runs of a new job first. Voters that have just heard of it may let nobody serve it for a whole lease: that is waited for, and not refused. */
  async function broughtIn(): Promise<void> {
    const deadline = performance.now() + ONLINE_TIMEOUT_MS
    for (let last = await lab.cui(['bringin', JOB]); last.code !== 0; last = await lab.cui(['bringin', JOB]))
      if (!last.stderr.includes('looking for what runs') || performance.now() > deadline) throw new Error(`bringin: ${last.stdout}${last.stderr}`)
  }

  /** Another machine's witness: the pair's certificate, and nothing else. */
  async function startOtherWitness(): Promise<void> {
    const state = path.join(folder, 'other-witness')
    fs.cpSync(`/run/mirrorpair-lab/${lab.name}/certificates/witness`, state, { recursive: true })
    const command = [NODE, dist('agent'), 'witness', 'run', '--state', state, '--listen', OTHER_WITNESS, '--port', String(WITNESS_PORT)]
    const child = lab.start('witness', recorded(command, path.join(folder, 'other.pid')))
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)))
    const deadline = performance.now() + ONLINE_TIMEOUT_MS
    while (!fs.existsSync(path.join(state, 'witness.sock'))) {
      if (performance.now() > deadline) throw new Error(`the other witness does not start: ${said}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  /** The shell waits until both nodes hear it. */
  const set = (...words: string[]) => lab.done(['witness', 'set', ...words, '--yes'])

  function etcdWords(): string[] {
    const { endpoints, user, caFile, certFile, keyFile } = etcd.config()
    return ['--etcd', endpoints.join(','), '--ca', `${caFile}`, '--cert', `${certFile}`, '--key', `${keyFile}`, '--user', `${user}`, '--password-file']
  }

  async function readyFor(what: string): Promise<{ exitCode: number; said: string }> {
    const { code, stdout, stderr } = await lab.cui(['ready', JOB, what])
    return { exitCode: code ?? 1, said: stdout + stderr }
  }

  test(
    'by another one, and by etcd, which then loses a member: no commit waits for it, and none is lost',
    async () => {
      const ledger = lab.ledger('--kv', PORT, { patienceMs: PATIENCE_MS })
      await growKv(lab, 50)
      await startOtherWitness()
      expect(await set(OTHER_WITNESS)).toContain(`The witness is ${OTHER_WITNESS}, port ${WITNESS_PORT}.`)
      await lab.verb(['kill', 'witness', '--engine'])
      await growKv(lab, 50)
      const missing = await lab.cui(['witness', 'set', ...etcdWords(), '/nowhere', '--dry-run'])
      expect({ code: missing.code, said: missing.stderr.match(/\/nowhere, which the new witness names for etcd, cannot be read on RMHW13[12]/g) }).toEqual({
        code: 5,
        said: NODES.map((node) => expect.stringContaining(node))
      })
      expect(await lab.done(['witness', 'set', ...etcdWords(), '/etc/hostname', '--dry-run'])).toMatch(
        /RMHW132: etcd \(.*\) cannot be asked: .*the login failed/
      )
      expect(await lab.done(['witness', 'show'])).toContain(OTHER_WITNESS)
      expect(await set(...etcdWords(), `${etcd.config().passwordFile}`)).toContain('The witness is etcd (')
      process.kill(Number(fs.readFileSync(path.join(folder, 'other.pid'), 'utf8')), 'SIGKILL')
      await growKv(lab, 50)
      await etcd.kill(0)
      await growKv(lab, 200)
      await votes()
      const { committed, outageMs, connections } = await ledger.report()
      tell(`the witness is replaced twice under load, and a member of etcd is killed: the longest wait of a commit is ${outageMs} ms`)
      expect(await kvEntries(lab, committed)).toBe(committed)
      expect(connections).toBe(1)
      expect(outageMs).toBeLessThan(NO_OUTAGE_MS)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'with etcd, a member of it dead, the active node loses its power: the mirror takes over, and nothing is lost',
    async () => {
      const active = await lab.settled(Date.now(), EQUAL_TIMEOUT_MS)
      const ledger = lab.ledger('--kv', PORT, { name: 'death' })
      await growKv(lab, 50)
      await lab.verb(['powercut', active])
      await lab.online(otherNode(active), ONLINE_TIMEOUT_MS)
      await growKv(lab, 50)
      const { committed, outageMs } = await ledger.report()
      tell(`etcd as witness, one of its three members dead, lease ${LEASE_SECONDS} s: outage at the client ${outageMs} ms when the active node loses its power`)
      expect(await kvEntries(lab, committed, 'death')).toBe(committed)
      const sinceMs = Date.now()
      await lab.verb(['start', active])
      await lab.settled(sinceMs, EQUAL_TIMEOUT_MS)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a job is taken out and made again: what etcd and the witness hold of the one before does not stand in its way',
    async () => {
      const again = async (): Promise<void> => {
        await lab.done(['bringout', JOB, '--yes'])
        let job: unknown
        await apply((config) => {
          job = config.jobs[JOB]
          config.jobs = {}
        })
        await apply((config) => {
          config.jobs = { [JOB]: job }
        })
        await broughtIn()
        await lab.settled(Date.now(), EQUAL_TIMEOUT_MS)
        for (const node of NODES) expect((await lab.now(node)).record.roleSequence).toBe(1)
      }
      await again()
      await lab.verb(['start', 'witness'])
      await set(WITNESS)
      const owner = await lab.settled(Date.now(), EQUAL_TIMEOUT_MS)
      await lab.done(['switch', JOB])
      await lab.online(otherNode(owner), ONLINE_TIMEOUT_MS)
      await lab.settled(Date.now(), EQUAL_TIMEOUT_MS)
      await again()
    },
    TEST_TIMEOUT_MS
  )

  test(
    'it is taken out and added again under load: without one nobody takes over by himself, with it the mirror does',
    async () => {
      const active = await lab.settled(Date.now(), EQUAL_TIMEOUT_MS)
      const ledger = lab.ledger('--kv', PORT, { name: 'removal', patienceMs: PATIENCE_MS })
      await growKv(lab, 50)
      expect(await lab.cui(['witness', 'remove', '--yes'])).toMatchObject({ code: 1, stderr: expect.stringContaining('the cluster has no witness') })
      await lab.done(['mode', JOB, 'high-protection', '--yes'])
      expect(await lab.done(['witness', 'remove', '--yes'])).toContain('The pair has no witness.')
      expect(await readyFor('failover')).toMatchObject({ exitCode: 5, said: expect.stringContaining('high-protection') })
      expect((await lab.cui(['why', JOB])).stdout).not.toContain('witness')
      for (const node of NODES) expect((await lab.now(node)).quorum?.witness).toBeNull()
      expect(await set(WITNESS)).toContain(`The witness is ${WITNESS}`)
      await lab.done(['mode', JOB, 'high-availability', '--yes'])
      await votes()
      await lab.settled(Date.now(), EQUAL_TIMEOUT_MS)
      expect(await readyFor('failover')).toMatchObject({ exitCode: 0 })
      const calm = await ledger.report()
      tell(`the witness is removed and added again under load: the longest wait of a commit is ${calm.outageMs} ms`)
      expect(calm.connections).toBe(1)
      expect(calm.outageMs).toBeLessThan(NO_OUTAGE_MS)
      await lab.verb(['powercut', active])
      await lab.online(otherNode(active), ONLINE_TIMEOUT_MS)
      expect(await kvEntries(lab, calm.committed, 'removal')).toBe(calm.committed)
    },
    TEST_TIMEOUT_MS
  )
})
