import fs from 'node:fs'
import path from 'node:path'
import { createClockPort } from '../../../agent/adapters/clock'
import { ballotsDirectory } from '../../../agent/witness/places'
import type { RunningWitness } from '../../../agent/witness/run'
import { Asker, DRIFT_MS, held, LEASE_MS, logOf, makePair, type Pair, startHere, temporaryFolder } from './kit'

const [A, B] = ['RMHW131', 'RMHW132'] as const
let folder: string
let pair: Pair
let directory: string
let witness: RunningWitness
let askers: Asker[] = []

const asker = async (node: string, peer: string, of = pair): Promise<Asker> => {
  const made = new Asker(node, peer, { port: witness.port, certificates: await of.sign(node) })
  askers.push(made)
  return made
}
/** Both have said what they hold, so that it may vote. */
async function bothKnown(): Promise<[Asker, Asker]> {
  const [a, b] = [await asker(A, B), await asker(B, A)]
  for (let round = 0; round < 2; round++) for (const each of [a, b]) await each.report(held(A))
  return [a, b]
}
const restart = async (): Promise<void> => {
  await witness.close()
  witness = await startHere(folder, 0, clock)
}
/** Of the witness, which counts the leases: it goes on when a test says so, and not while a busy machine lets an answer wait. */
let nowMs = 0
const clock = { ...createClockPort(), nowMs: () => nowMs }
/** Until a vote is free again: what may run at the witness is over then. */
const leaseOver = (): void => {
  nowMs += LEASE_MS + DRIFT_MS + 10
}

beforeEach(async () => {
  folder = temporaryFolder()
  pair = await makePair('seoul')
  directory = await pair.enrol(folder)
  witness = await startHere(folder, 0, clock)
})
afterEach(async () => {
  for (const each of askers) each.client.close()
  askers = []
  await witness.close()
  fs.rmSync(folder, { recursive: true, force: true })
})

test('a new witness votes when it has heard both nodes, and then lets the owner serve and nobody else', async () => {
  const [a, b] = [await asker(A, B), await asker(B, A)]
  await a.report(held(A))
  expect(await a.renew(held(A))).toMatchObject({ granted: false, why: 'blank', ballot: null })
  await b.report(held(A))
  expect(await b.report(held(A))).toMatchObject({ ballot: held(A) })
  leaseOver()
  expect(await a.renew(held(A))).toMatchObject({ granted: true, ballot: held(A), leasedTo: A })
  expect(await b.claim(held(A), held(B, 2))).toMatchObject({ granted: false, why: 'leased' })
  leaseOver()
  expect(await b.claim(held(A), held(B, 2))).toMatchObject({ granted: true, ballot: held(B, 2), leasedTo: B })
})

test('what it has voted for is there after a restart, for nobody else in the same role sequence, and for a whole lease for nobody new', async () => {
  const [a, b] = await bothKnown()
  leaseOver()
  expect(await b.claim(held(A), held(B, 2))).toMatchObject({ granted: true })
  await restart()
  for (const each of [a, b]) each.client.close()
  const [again, other] = [await asker(A, B), await asker(B, A)]
  expect(await again.report(held(A))).toMatchObject({ ballot: held(B, 2), leasedTo: B })
  expect(await again.claim(held(A), held(A, 2))).toMatchObject({ granted: false, why: 'newer' })
  expect(await again.claim(held(A), held(A, 3))).toMatchObject({ granted: false, why: 'leased' })
  expect(await other.renew(held(B, 2))).toMatchObject({ granted: false, why: 'incarnation' })
  expect(await other.renew(held(B, 2))).toMatchObject({ granted: true, leasedTo: B })
})

test('table 4: what it keeps of a job survives a restart, the safety sequence too; a ballot of before has none', async () => {
  const [a, b] = await bothKnown()
  leaseOver()
  const kept = held(A, 1, { safetySequence: 4, mirrorInSync: false, syncSequence: 7 })
  await a.renew(held(A))
  expect(await a.claim(held(A), kept)).toMatchObject({ granted: true })
  await restart()
  for (const each of [a, b]) each.client.close()
  expect((await (await asker(B, A)).report(held(A)))?.ballot).toEqual(kept)
})

test('a vote that does not reach the disk is not given, and has not happened', async () => {
  const [a, b] = await bothKnown()
  leaseOver()
  const ballots = path.join(directory, 'ballots')
  fs.renameSync(ballots, `${ballots}.away`)
  expect(await b.claim(held(A), held(B, 2))).toBeNull()
  expect(b.troubles.at(-1)).toContain('its vote could not be recorded')
  fs.renameSync(`${ballots}.away`, ballots)
  expect(await a.report(held(A))).toMatchObject({ ballot: held(A), leasedTo: null })
  expect(await a.claim(held(A), held(A, 2))).toMatchObject({ granted: true })
})

test('what reached the disk although its writing failed does not come back after a restart, beside what was answered since', async () => {
  const [a, b] = await bothKnown()
  leaseOver()
  const { open } = fs.promises
  // The new name is there, and the flush of the folder fails.
  const failing = jest
    .spyOn(fs.promises, 'open')
    .mockImplementation((file, ...how) => (String(file).endsWith('ballots') ? Promise.reject(new Error('EIO: i/o error, fsync')) : open(file, ...how)))
  expect(await b.claim(held(A), held(B, 2))).toBeNull()
  failing.mockRestore()
  expect(await a.renew(held(A))).toMatchObject({ granted: true, leasedTo: A })
  await restart()
  for (const each of [a, b]) each.client.close()
  const other = await asker(B, A)
  await other.report(held(A))
  expect(await other.claim(held(A), held(B, 2))).toMatchObject({ granted: false, why: 'leased', ballot: held(A), leasedTo: A })
})

test('a damaged ballot is as good as none: it is said, and the witness hears both nodes first', async () => {
  await bothKnown()
  const file = path.join(directory, 'ballots', 'DB_Group.json')
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"roleSequence":1', '"roleSequence":9'))
  await restart()
  const a = await asker(A, B)
  expect(await a.report(held(A))).toMatchObject({ ballot: null })
  expect(logOf(folder)).toContain('its checksum does not match')
})

test('who asks is what its certificate says', async () => {
  const thief = await asker(B, A)
  const forged = { ...thief.message(held(A), { do: 'report' }), from: A, peer: B }
  expect(await thief.client.ask(forged, 5_000)).toBeNull()
  expect(thief.troubles).toEqual([expect.stringContaining(`in the name of ${A}, with the certificate of ${B}`)])
})

test('a claim for somebody who is no node of the pair is refused', async () => {
  const [a] = await bothKnown()
  expect(await a.claim(held(A), held('RMHW139', 2))).toBeNull()
  expect(a.troubles.at(-1)).toContain('the owner is no node of the pair')
})

test('two pairs with jobs of the same name do not know of each other', async () => {
  await bothKnown()
  const other = await makePair('seoul')
  await other.enrol(folder)
  await restart()
  const stranger = await asker(A, B, other)
  expect(await stranger.report(held(B, 7))).toMatchObject({ ballot: null })
  expect(await (await asker(A, B)).report(held(A))).toMatchObject({ ballot: held(A) })
})

test('a pair that it has not joined gets no connection', async () => {
  const stranger = await asker(A, B, await makePair('seoul'))
  expect(await stranger.report(held(A))).toBeNull()
  await restart()
  expect(logOf(folder)).toContain('a pair that this witness has not joined')
})

test('a lease that is asked for longer than ever before is on the disk first: after a restart it is waited for', async () => {
  const [a, b] = await bothKnown()
  leaseOver()
  const patient = new Asker(A, B, { port: witness.port, certificates: await pair.sign(A), times: () => ({ leaseMs: 60_000, driftMs: DRIFT_MS }) })
  askers.push(patient)
  await patient.report(held(A))
  expect(await patient.renew(held(A))).toMatchObject({ granted: true })
  await restart()
  leaseOver()
  for (const each of [a, b]) each.client.close()
  const other = await asker(B, A)
  await other.report(held(A))
  expect(await other.claim(held(A), held(B, 2))).toMatchObject({ granted: false, why: 'leased', leasedTo: A })
})

test('a witness that is taken back after another one has stood in for it begins with nothing, and an older configuration gets no vote', async () => {
  const [a, b] = await bothKnown()
  for (const each of [a, b]) each.since = 4
  expect(await a.report(held(A, 5))).toMatchObject({ ballot: null, leasedTo: '' })
  for (const each of [a, b]) await each.report(held(A, 5))
  expect(await b.report(held(A, 5))).toMatchObject({ ballot: held(A, 5) })
  b.since = 3
  expect(await b.report(held(A, 5))).toBeNull()
  expect(b.troubles.at(-1)).toContain('from before this witness became')
})

test('a job may be called as something that every object has', async () => {
  const a = await asker(A, B)
  for (const job of ['constructor', '__proto__', 'toString']) expect(await a.report(held(A), job)).toMatchObject({ ballot: null })
})

test('one job is refused while another one is answered: it is said once, and that all is well only when it is', async () => {
  const a = await asker(A, B)
  const b = await asker(B, A)
  const broken = path.join(ballotsDirectory(directory), 'Web.json.new')
  fs.mkdirSync(broken)
  for (let round = 0; round < 4; round++) for (const job of ['Web', 'DB_Group']) for (const each of [a, b]) await each.report(held(A), job)
  expect(b.troubles).toEqual([expect.stringContaining('its vote could not be recorded')])
  fs.rmdirSync(broken)
  for (let round = 0; round < 4; round++) for (const job of ['Web', 'DB_Group']) for (const each of [a, b]) await each.report(held(A), job)
  expect(b.troubles.slice(1)).toEqual([null])
})
