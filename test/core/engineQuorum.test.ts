import { createEngine } from '../../agent/engine/createEngine'
import { Orders } from '../../agent/engine/orders'
import type { Engine } from '../../agent/engine/engine'
import { askWitness, startWitness, type Witness } from '../../src/core/quorum/witness'
import type { JobMode } from '../../src/model'
import type { VoteMessage, VoteReply } from '../../src/wire'
import { type FakePorts, fakePair } from '../fakes/fakePorts'
import { A, B, JOB, jobConfig, quorumConfig } from '../fakes/pairConfig'

/** Long enough for a busy machine, short enough for a test. */
const TIMES = { leaseMs: 1_500, driftMs: 100, configVersion: 1 }
const TEST_TIMEOUT_MS = 30_000

/** The third voter, as its program decides, in this process. */
class WitnessHere {
  away = false
  readonly asked: string[] = []
  private state: Witness = startWitness('W-1', {}, performance.now(), TIMES)

  ask = async (message: VoteMessage): Promise<VoteReply | null> => {
    this.asked.push(message.from)
    if (this.away) return null
    const { witness, reply } = askWitness(this.state, message, performance.now())
    this.state = witness
    return reply
  }
}

let doors: FakePorts[] = []
let engines: Engine[] = []
afterEach(async () => {
  for (const engine of engines) await engine.stop()
  for (const ports of doors) ports.end()
})

/** Two engines and a witness, with the job online on the first. */
async function online(mode: JobMode): Promise<{ a: Engine; b: Engine; atA: FakePorts; atB: FakePorts; witness: WitnessHere }> {
  const config = { ...quorumConfig(mode), jobs: { [JOB]: jobConfig({ mode, data: null }) }, quorum: TIMES }
  const [atA, atB] = fakePair(config)
  const witness = new WitnessHere()
  doors = [atA, atB]
  for (const ports of doors) ports.askWitness = witness.ask
  const start = (ports: FakePorts) => createEngine({ places: ports.places, ports: ports.ports, configHash: 'c0ffee', fatal: fail })
  const [a, b] = [await start(atA), await start(atB)]
  engines = [a, b]
  await until('the owner has a lease', () => quorumOf(a)?.leaseLeftMs !== null && a.status().peer !== null && bringsIn(a))
  await a.command(JOB, 'bringin', {}, 'root')
  await until('it is online', () => a.status().self.jobs[JOB]?.phase === 'online')
  return { a, b, atA, atB, witness }
}

test('a lease that the guard holds counts for the role sequence that it was granted in, and for no other one', async () => {
  const [ports] = fakePair(quorumConfig())
  const nowMs = ports.ports.clock.nowMs()
  ports.leases.set(JOB, { roleSequence: 3, untilMs: nowMs + 9_000, killAtMs: nowMs + 8_000 })
  const found = (roleSequence: number) => new Orders(ports.ports).carryOut(jobConfig({ data: null }), roleSequence, { do: 'observe' })
  expect(await found(3)).toMatchObject({ leaseUntilMs: nowMs + 9_000 })
  expect(await found(4)).toMatchObject({ leaseUntilMs: null })
})

const fail = (why: unknown): never => {
  throw why
}
const quorumOf = (engine: Engine) => engine.status().self.jobs[JOB]?.quorum
const phaseOf = (engine: Engine) => engine.status().self.jobs[JOB]?.phase
const bringsIn = (engine: Engine): Promise<boolean> =>
  engine.command(JOB, 'bringin', { dryRun: true }, 'root').then(
    () => true,
    () => false
  )

async function until(what: string, met: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + TEST_TIMEOUT_MS / 2
  while (!(await met())) {
    if (performance.now() > endMs) throw new Error(`${what}: it did not come`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** The engine goes on; nothing reaches the other one. */
function cut(...ports: FakePorts[]): void {
  for (const each of ports) each.other = null
}
function join(atA: FakePorts, atB: FakePorts): void {
  atA.other = atB
  atB.other = atA
}

/** The last word about the address and the applications. */
const serves = ({ calls }: FakePorts): boolean =>
  calls.lastIndexOf('raise') > calls.lastIndexOf('drop') && calls.lastIndexOf('start POSTGRES') > calls.lastIndexOf('stop POSTGRES')

test(
  'high availability: an owner serves on by the leave of its peer or of the witness, stops without both, and serves again',
  async () => {
    const { a, atA, atB, witness } = await online('high-availability')
    // One that has just started may have let somebody serve before: for a lease it votes for nobody.
    await until('the witness lets it serve', () => quorumOf(a)?.witnessHolds?.leasedTo === A)
    expect(quorumOf(a)).toMatchObject({ witness: 'CONNECTED', witnessHolds: { ballot: { owner: A } } })
    expect(new Set(witness.asked)).toEqual(new Set([A, B]))
    cut(atA, atB)
    const untilMs = atA.leases.get(JOB)!.untilMs
    await until('the lease has been renewed by the witness alone', () => atA.leases.get(JOB)!.untilMs > untilMs + 2 * TIMES.leaseMs)
    expect(phaseOf(a)).toBe('online')
    expect(serves(atB)).toBe(false)

    witness.away = true
    await until('it stops', () => !serves(atA))
    expect(performance.now()).toBeLessThan(atA.leases.get(JOB)!.untilMs)
    expect(a.status().problems.join('; ')).toContain('neither RMHW132 nor a witness has let it serve in time')
    await until('the witness is DISCONNECTED', () => quorumOf(a)?.witness === 'DISCONNECTED')

    witness.away = false
    join(atA, atB)
    await until('it serves again', () => phaseOf(a) === 'online' && serves(atA))
  },
  TEST_TIMEOUT_MS
)

test(
  'high availability: when the owner is gone, its mirror serves with the vote of the witness, no earlier than the lease has ended',
  async () => {
    const { a, b, atA, atB } = await online('high-availability')
    cut(atA, atB)
    await a.stop()
    const { untilMs } = atA.leases.get(JOB)!
    await until('the mirror serves', () => phaseOf(b) === 'online' && serves(atB))
    expect(performance.now()).toBeGreaterThan(untilMs)
    expect(b.status().self.jobs[JOB]?.record).toMatchObject({ owner: B, roleSequence: 2, takeReason: 'failover' })
  },
  TEST_TIMEOUT_MS
)

test(
  'high protection: the witness has no vote, the owner stops without its mirror and serves again with it, and the mirror takes nothing over',
  async () => {
    const { a, b, atA, atB, witness } = await online('high-protection')
    expect(witness.asked).toEqual([])
    cut(atA, atB)
    await until('it stops', () => !serves(atA))
    expect(performance.now()).toBeLessThan(atA.leases.get(JOB)!.untilMs)
    join(atA, atB)
    await until('it serves again', () => phaseOf(a) === 'online' && serves(atA))

    cut(atA, atB)
    await a.stop()
    await until('the mirror says why it does not', () =>
      b.status().problems.some((text) => text.includes('the mode high-protection knows no automatic failover'))
    )
    await new Promise((resolve) => setTimeout(resolve, 2 * TIMES.leaseMs))
    expect(serves(atB)).toBe(false)
    expect(witness.asked).toEqual([])
  },
  TEST_TIMEOUT_MS
)
