import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { createVotersPort } from '../../../agent/adapters/voters'
import { createPeerPort } from '../../../agent/api'
import { runSetup } from '../../../agent/setup'
import type { PeerMessage, PeerReply, VoteMessage, VoteReply } from '../../../src/wire'
import { call, configText, makeKeys, type Node, quiet, refused, startNode, temporaryFolder } from './kit'

const OCTET = 52
let folder: string
let a: Node
let b: Node

beforeAll(async () => {
  folder = await makeKeys(configText(OCTET, 47302))
})
beforeEach(async () => {
  a = await startNode('RMHW131', folder)
  b = await startNode('RMHW132', folder)
})
afterEach(async () => {
  await Promise.all([a.stop(), b.stop()])
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const ticket: PeerMessage = { kind: 'ticket', ticket: 'RMHW132-1', sinceStep: 0, waitMs: 0 }
const command: PeerMessage = { kind: 'command', job: 'DB_Group', command: 'switch', account: 'root', reason: null, dryRun: false }
const ballot = { roleSequence: 1, owner: 'RMHW131', mirrorInSync: true, syncSequence: 1, configVersion: 1 }
const vote: VoteMessage = { job: 'DB_Group', from: 'RMHW131', peer: 'RMHW132', sender: 'a1', number: 1, voter: null, ballot, ask: { do: 'renew' } }
const voted: VoteReply = { number: 1, incarnation: 'b1', granted: true, why: null, ballot, leasedTo: 'RMHW131' }
const keysOf = (directory: string) => ({
  cert: fs.readFileSync(path.join(directory, 'tls', 'node.crt')),
  key: fs.readFileSync(path.join(directory, 'tls', 'node.key'))
})

test('what one node sends, the other one receives and answers', async () => {
  const heard: PeerMessage[] = []
  b.peer.onMessage(async (message) => {
    heard.push(message)
    return { ok: true, result: { seen: 1 } }
  })
  expect(await a.peer.send(command, 5_000)).toEqual({ ok: true, result: { seen: 1 } })
  expect(heard).toEqual([command])
  expect(b.audit().slice(-2)).toMatchObject([{ who: 'root', from: `RMHW131 127.${OCTET}.1.1`, what: 'switch DB_Group', result: 'asked' }, { result: 'done' }])
})

test('keys of a newer version of the peer are handed on', async () => {
  b.peer.onMessage(async (message) => ({ ok: true, result: message }))
  const newer = { ...ticket, newKey: 7 } as PeerMessage
  expect(await a.peer.send(newer, 5_000)).toEqual({ ok: true, result: newer })
})

test('a refusal is an answer', async () => {
  b.peer.onMessage(() => Promise.reject(refused('E_JOB_BUSY', 5)))
  expect(await a.peer.send(ticket, 5_000)).toMatchObject({ ok: false, error: { code: 'E_JOB_BUSY', exitCode: 5 } })
})

describe('a vote', () => {
  const asks = (message: VoteMessage) => createVotersPort(a.peer, null).ask('peer', message, 5_000)
  const answers = (reply: PeerReply): PeerMessage[] => {
    const heard: PeerMessage[] = []
    b.peer.onMessage(async (message) => {
      heard.push(message)
      return reply
    })
    return heard
  }

  test('is asked for and given', async () => {
    const heard = answers({ ok: true, result: voted })
    expect(await asks(vote)).toEqual(voted)
    expect(heard).toEqual([{ kind: 'vote', vote }])
  })

  test('is asked for in the name of the certificate only', async () => {
    const heard = answers({ ok: true, result: voted })
    expect(await asks({ ...vote, from: 'RMHW132', peer: 'RMHW131' })).toBeNull()
    expect(heard).toEqual([])
  })

  test.each<[what: string, reply: PeerReply]>([
    ['a refusal', { ok: false, error: { code: 'E_JOB_UNKNOWN', message: 'unknown', tryThis: 'Wait.', exitCode: 5 } }],
    ['an answer to something else', { ok: true, result: { granted: true } }],
    ['a reason that this version does not know', { ok: true, result: { ...voted, granted: false, why: 'mood' } }]
  ])('is not %s', async (_what, reply) => {
    answers(reply)
    expect(await asks(vote)).toBeNull()
  })

  test('is not a question that is not understood', async () => {
    const heard = answers({ ok: true, result: voted })
    expect(await asks({ ...vote, ask: { do: 'conquer' } } as unknown as VoteMessage)).toBeNull()
    expect(heard).toEqual([])
  })

  test('is not silence, nor one of a witness that the cluster has not', async () => {
    await b.stop()
    expect(await asks(vote)).toBeNull()
    expect(await createVotersPort(a.peer, null).ask('witness', vote, 5_000)).toBeNull()
  })
})

test('before the engine listens, the peer is told so', async () => {
  expect(await a.peer.send(ticket, 5_000)).toMatchObject({ ok: false, error: { code: 'E_PEER_UNREACHABLE' } })
})

test('links that are up are tried first, in the order of the file', async () => {
  const from = async () => {
    await a.peer.send(command, 5_000)
    return b.audit().at(-1)?.['from']
  }
  b.peer.onMessage(async () => ({ ok: true, result: null }))
  expect(await from()).toBe(`RMHW131 127.${OCTET}.1.1`)
  a.linksDown.add('link-0')
  expect(await from()).toBe(`RMHW131 127.${OCTET}.2.1`)
})

test('without a certificate of the other node the door stays closed', async () => {
  const heard: unknown[] = []
  b.peer.onMessage(async (message) => ({ ok: true, result: heard.push(message) }))
  const otherCluster = await makeKeys(configText(OCTET, 47302))
  const knocks = [{}, keysOf(path.join(otherCluster, 'RMHW131')), keysOf(path.join(folder, 'RMHW132'))]
  for (const tls of knocks) {
    expect(await call(b, 'POST', '/v1/peer', { body: ticket, tls })).toMatchObject({ status: 403, body: { error: { code: 'E_PEER_FORBIDDEN' } } })
  }
  expect(await call(b, 'POST', '/v1/peer', { body: ticket, tls: keysOf(path.join(folder, 'RMHW131')) })).toMatchObject({ status: 200 })
  expect(await call(b, 'POST', '/v1/peer', { body: { kind: 'ticket' }, tls: keysOf(path.join(folder, 'RMHW131')) })).toMatchObject({ status: 400 })
  expect(heard).toEqual([ticket])
  fs.rmSync(otherCluster, { recursive: true })
})

test('nothing is said to somebody who took the address of the peer', async () => {
  const otherCluster = await makeKeys(configText(OCTET, 47302))
  await b.stop()
  const impostor = await startNode('RMHW132', otherCluster)
  const heard: unknown[] = []
  impostor.peer.onMessage(async (message) => ({ ok: true, result: heard.push(message) }))
  await expect(a.peer.send(ticket, 3_000)).rejects.toMatchObject({ report: { code: 'E_PEER_UNREACHABLE', exitCode: 3 } })
  expect(heard).toEqual([])
  await impostor.stop()
  fs.rmSync(otherCluster, { recursive: true })
})

test('a peer that is away is told at once, and found again when it is back', async () => {
  await b.stop()
  const startMs = performance.now()
  await expect(a.peer.send(command, 5_000)).rejects.toMatchObject({
    report: { code: 'E_PEER_UNREACHABLE', exitCode: 3, message: expect.stringContaining('link-1') }
  })
  expect(performance.now() - startMs).toBeLessThan(4_000)
  b = await startNode('RMHW132', folder)
  b.peer.onMessage(async () => ({ ok: true, result: 'back' }))
  expect(await a.peer.send(command, 5_000)).toEqual({ ok: true, result: 'back' })
})

test('a way that swallows everything costs its share of the time, and the next one is taken', async () => {
  const swallowed: net.Socket[] = []
  await b.stop()
  const hole = net.createServer((socket) => void swallowed.push(socket)).listen(47302, `127.${OCTET}.1.2`)
  await new Promise<void>((resolve) => hole.once('listening', () => resolve()))
  // The node's other addresses answer; the first link's is taken by the hole, and would be tried again later.
  b = await startNode('RMHW132', folder)
  b.peer.onMessage(async () => ({ ok: true, result: 'by link-1' }))
  expect(await a.peer.send(command, 6_000)).toEqual({ ok: true, result: 'by link-1' })
  expect(swallowed.length).toBe(1)
  for (const socket of swallowed) socket.destroy()
  await new Promise((resolve) => hole.close(resolve))
})

test('who asks is told in his time, though the attempt to connect lasts longer', async () => {
  await b.stop()
  let ended = 0
  const sockets: net.Socket[] = []
  const hole = net.createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {}).on('close', () => ended++)
  })
  await new Promise<void>((resolve) => hole.listen(47302, `127.${OCTET}.1.2`, resolve))
  await expect(a.peer.send(ticket, 100)).rejects.toMatchObject({
    report: { code: 'E_PEER_UNREACHABLE', message: expect.stringContaining('no answer in time') }
  })
  expect(ended).toBe(0)
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => hole.close(resolve))
})

test('a command whose answer is lost is not sent a second time', async () => {
  let heard = 0
  b.peer.onMessage(() => {
    heard++
    return new Promise(() => {})
  })
  await expect(a.peer.send(command, 3_000)).rejects.toMatchObject({
    report: { code: 'E_PEER_UNREACHABLE', tryThis: expect.stringContaining('may have arrived') }
  })
  expect(heard).toBe(1)
})

test('a node without keys says which file it lacks', async () => {
  const empty = temporaryFolder()
  const peer = createPeerPort({ places: { ...a.places, stateDirectory: empty }, linkUp: () => true })
  await expect(peer.send(ticket, 1_000)).rejects.toMatchObject({ report: { code: 'E_API_CERTIFICATE', message: expect.stringContaining('ca.crt') } })
  expect((await quiet(() => runSetup('invite', ['--state', empty, '--config', a.places.configFile, '--node', 'RMHW131']))).err).toContain(
    'E_SETUP_NO_AUTHORITY'
  )
  fs.rmSync(empty, { recursive: true })
})
