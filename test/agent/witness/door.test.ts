import { X509Certificate } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'
import type { NodeCertificates } from '../../../agent/api/certificates'
import { createWitnessClient, type WitnessClient } from '../../../agent/witness/client'
import { JOBS_OF_CLUSTER_MAX } from '../../../agent/witness/jobs'
import { serverNameOf } from '../../../agent/witness/places'
import type { RunningWitness } from '../../../agent/witness/run'
import { lockDirectory } from '../../../agent/adapters/lockDirectory'
import { onJsonLines } from '../../../agent/adapters/jsonLines'
import { caWord } from '../../../agent/setup/invitation'
import { WITNESS_LINE_LENGTH_MAX, witnessName } from '../../../src/wire/witness'
import { Asker, DRIFT_MS, held, LEASE_MS, makePair, type Pair, startHere, temporaryFolder } from './kit'

const [A, B] = ['RMHW131', 'RMHW132'] as const
let folder: string
let pair: Pair
let witness: RunningWitness
let closing: (() => unknown)[] = []

beforeEach(async () => {
  folder = temporaryFolder()
  pair = await makePair('seoul')
  await pair.enrol(folder)
  witness = await startHere(folder)
})
afterEach(async () => {
  for (const close of closing) close()
  closing = []
  await witness.close()
  fs.rmSync(folder, { recursive: true, force: true })
})

const asker = async (node: string, peer: string): Promise<Asker> => {
  const made = new Asker(node, peer, { port: witness.port, certificates: await pair.sign(node) })
  closing.push(() => made.client.close())
  return made
}

/** A connection as a node has it, to say on it whatever one likes. */
async function connect(name: string, certificates?: NodeCertificates): Promise<tls.TLSSocket> {
  const servername = serverNameOf(caWord(new X509Certificate(pair.authority.certificatePem).raw))
  const socket = tls.connect({
    host: '127.0.0.1',
    port: witness.port,
    ...(certificates ?? (await pair.sign(name))),
    servername,
    checkServerIdentity: () => undefined
  })
  closing.push(() => socket.destroy())
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('secureConnect', resolve).once('close', resolve))
  return socket
}

const closed = (socket: net.Socket): Promise<unknown> => new Promise((resolve) => (socket.destroyed ? resolve(null) : socket.once('close', resolve)))
const answer = (socket: net.Socket): Promise<unknown> => new Promise((resolve) => onJsonLines(socket, WITNESS_LINE_LENGTH_MAX, resolve))

test('what cannot be a question is refused in words, and the connection goes on', async () => {
  const socket = await connect(A)
  socket.write('{"id":7,"message":{"job":"DB_Group"}}\n')
  expect(await answer(socket)).toMatchObject({ id: 7, refused: expect.stringContaining('message.from') })
  socket.write('[]\n')
  expect(await answer(socket)).toMatchObject({ id: null })
})

test.each([
  ['what is no JSON', 'hello\n'],
  ['a line without end', 'x'.repeat(WITNESS_LINE_LENGTH_MAX + 1)],
  ['nothing but noise', '\0\n\xff\n']
])('%s ends the connection, and the witness goes on', async (_what, bytes) => {
  const socket = await connect(A)
  const end = closed(socket)
  socket.write(bytes)
  await end
  expect(await (await asker(A, B)).report(held(A))).toMatchObject({ ballot: null })
})

test('without the certificate of a node there is no word', async () => {
  await closed(await connect(witnessName('there')))
  const bare = tls.connect({ host: '127.0.0.1', port: witness.port, rejectUnauthorized: false })
  bare.on('error', () => {})
  await closed(bare)
  expect(await (await asker(A, B)).report(held(A))).not.toBeNull()
})

test('a node has one connection: the newest', async () => {
  const [first, second] = [await connect(A), await connect(A)]
  await closed(first)
  expect(second.destroyed).toBe(false)
})

test('jobs without end are refused, those that are known go on', async () => {
  const a = await asker(A, B)
  const known = Array.from({ length: JOBS_OF_CLUSTER_MAX }, (_, place) => a.report(held(A), `job-${place}`))
  expect((await Promise.all(known)).every((reply) => reply !== null)).toBe(true)
  expect(await a.report(held(A), 'one-more')).toBeNull()
  expect(a.troubles.at(-1)).toContain(`${JOBS_OF_CLUSTER_MAX} jobs`)
  expect(await a.report(held(A), 'job-0')).not.toBeNull()
})

test('whoever comes and goes leaves nothing behind', async () => {
  for (let round = 0; round < 300; round++) {
    const socket = net.connect(witness.port, '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.destroy()
  }
  // Those with a certificate too.
  const certificates = await pair.sign(A)
  for (let round = 0; round < 300; round++) (await connect(A, certificates)).destroy()
  const socket = await connect(A)
  expect(socket.destroyed).toBe(false)
})

describe('a client', () => {
  const question = (node: string, peer: string) =>
    new Asker(node, peer, { port: 1, certificates: { ca: '', cert: '', key: '' } }).message(held(A), { do: 'report' })
  const clientOf = async (port: number, troubles: unknown[] = []): Promise<WitnessClient> => {
    const certificates = await pair.sign(A)
    const times = () => ({ leaseMs: LEASE_MS, driftMs: DRIFT_MS })
    const client = createWitnessClient({
      address: '127.0.0.1',
      port,
      certificates: () => certificates,
      times,
      since: () => 0,
      troubled: (why) => troubles.push(why)
    })
    closing.push(() => client.close())
    return client
  }
  /** Somebody at the witness's address who takes questions and never answers. */
  const silentWitness = async (name: string, serve: (socket: tls.TLSSocket) => void = () => {}): Promise<number> => {
    const server = tls.createServer({ ...(await pair.sign(name)), minVersion: 'TLSv1.3' }, (socket) => serve(socket.on('error', () => {})))
    closing.push(() => server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as net.AddressInfo).port
  }

  test('gets no answer where nobody listens, says why once, and is answered when the witness is back', async () => {
    const { port } = witness
    const troubles: unknown[] = []
    const client = await clientOf(port, troubles)
    await witness.close()
    expect(await client.ask(question(A, B), 1_000)).toBeNull()
    expect(await client.ask(question(A, B), 1_000)).toBeNull()
    expect(troubles).toEqual([expect.stringContaining('ECONNREFUSED')])
    witness = await startHere(folder, port)
    let reply = null
    while (reply === null) reply = await client.ask(question(A, B), 1_000)
    expect(troubles.at(-1)).toBeNull()
  })

  test('gives a silent witness the time that it has, asks nothing twice, and comes with a new connection afterwards', async () => {
    const asked: string[] = []
    let connections = 0
    const port = await silentWitness(witnessName('there'), (socket) => {
      connections += 1
      socket.on('data', (bytes: Buffer) => asked.push(bytes.toString()))
    })
    const client = await clientOf(port)
    expect(await Promise.all([1, 2, 3].map(() => client.ask(question(A, B), 500)))).toEqual([null, null, null])
    expect(asked.join('').trim().split('\n')).toHaveLength(3)
    while (connections < 2) expect(await client.ask(question(A, B), 300)).toBeNull()
  })

  test('on a way that is slow to be made it is answered all the same: a new connection has its own time', async () => {
    const LATE_MS = 400
    let connections = 0
    const late = (from: net.Socket, to: net.Socket): void => {
      from.on('data', (bytes) => void setTimeout(() => to.write(bytes), LATE_MS)).on('error', () => to.destroy())
      from.on('close', () => to.destroy())
      closing.push(() => from.destroy())
    }
    const way = net.createServer((near) => {
      connections += 1
      const far = net.connect(witness.port, '127.0.0.1')
      late(near, far)
      late(far, near)
    })
    closing.push(() => way.close())
    await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve))
    const a = new Asker(A, B, { port: (way.address() as net.AddressInfo).port, certificates: await pair.sign(A) })
    closing.push(() => a.client.close())
    // Longer than a question and its answer take, shorter than these and the handshake.
    const inTime = (): Promise<unknown> => a.client.ask(a.message(held(A), { do: 'report' }), 3 * LATE_MS)
    expect(await inTime()).toBeNull()
    let answer = null
    for (let tries = 0; answer === null && tries < 5; tries++) answer = await inTime()
    expect(answer).not.toBeNull()
    expect(connections).toBe(1)
  })

  test('waits no longer than it was told for somebody who takes a connection and says nothing', async () => {
    const server = net.createServer((socket) => closing.push(() => socket.destroy()))
    closing.push(() => server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const client = await clientOf((server.address() as net.AddressInfo).port)
    expect(await client.ask(question(A, B), 100)).toBeNull()
  })

  test('believes nobody who is a node of the pair to be its witness', async () => {
    const troubles: unknown[] = []
    const client = await clientOf(await silentWitness(B), troubles)
    expect(await client.ask(question(A, B), 2_000)).toBeNull()
    expect(troubles).toEqual([expect.stringContaining('it is no witness')])
  })

  test('that was closed asks nothing more', async () => {
    const client = await clientOf(witness.port)
    client.close()
    expect(await client.ask(question(A, B), 1_000)).toBeNull()
  })
})

test('a witness that ends does not wait for who has connected and says nothing', async () => {
  const silent = net.connect(witness.port, '127.0.0.1').on('error', () => undefined)
  await new Promise((resolve) => silent.once('connect', resolve))
  await closed(await connect(witnessName('there')))
  const ends = witness.close().then(() => 'ended')
  expect(await Promise.race([ends, new Promise((resolve) => setTimeout(resolve, 3_000).unref())])).toBe('ended')
  witness = await startHere(folder)
})

test('only one witness runs on a state directory', async () => {
  expect(await lockDirectory('witness', folder)).toBe(true)
  expect(await lockDirectory('witness', folder)).toBe(false)
  expect(await lockDirectory('engine', folder)).toBe(true)
  const link = `${folder}.link`
  fs.symlinkSync(folder, link)
  expect([await lockDirectory('engine', `${folder}/`), await lockDirectory('engine', link)]).toEqual([false, false])
  fs.rmSync(link)
})
