import fs from 'node:fs'
import path from 'node:path'
import { runSetup } from '../../../agent/setup'
import { readCertificates } from '../../../agent/api/certificates'
import { witnessCommand } from '../../../agent/witness'
import { clusterDirectories } from '../../../agent/witness/places'
import type { RunningWitness } from '../../../agent/witness/run'
import { call, configText, makeKeys, type Node, quiet, startNode } from '../api/kit'
import { Asker, held, startHere, temporaryFolder } from './kit'

const [A, B] = ['RMHW131', 'RMHW132'] as const
const OCTET = 57
const PORT = 47307
let keys: string
let folder: string
let node: Node
let witness: RunningWitness | null = null
let askers: Asker[] = []

beforeEach(async () => {
  folder = temporaryFolder()
  keys = await makeKeys(configText(OCTET, PORT))
  fs.copyFileSync(path.join(keys, 'ca', 'ca.key'), path.join(keys, A, 'tls', 'ca.key'))
  node = await startNode(A, keys)
})
afterEach(async () => {
  for (const { client } of askers) client.close()
  askers = []
  await Promise.all([node.stop(), witness?.close()])
  witness = null
  for (const each of [folder, keys]) fs.rmSync(each, { recursive: true, force: true })
})

const invite = async (...more: string[]): Promise<string> => {
  const { out } = await quiet(() => runSetup('invite', ['--config', path.join(keys, 'mirrorpair.yaml'), '--state', path.join(keys, A), '--node', A, ...more]))
  return /join \S+ (\S+)/.exec(out)?.[1] as string
}
const command = (...words: string[]) => quiet(() => witnessCommand([...words, '--state', folder]))
const join = async (code?: string) => command('join', `127.${OCTET}.0.1:${PORT}`, code ?? (await invite('--witness')), '--name', 'here')
const asker = (name: string, peer: string): Asker => {
  const made = new Asker(name, peer, { port: witness?.port ?? 0, certificates: readCertificates(path.join(keys, name), name) })
  askers.push(made)
  return made
}

test('a witness joins with a one-time code, gets no heartbeat key, serves the pair, shows what it holds, and leaves', async () => {
  expect(await join()).toMatchObject({ code: 0, out: expect.stringContaining('here is a witness of test now') })
  const files = fs.readdirSync(folder, { recursive: true }) as string[]
  expect(files.filter((file) => file.includes('heartbeat'))).toEqual([])
  expect(node.audit()).toContainEqual(expect.objectContaining({ who: 'here', what: 'join as witness', result: 'done' }))
  witness = await startHere(folder)
  for (const each of [asker(A, B), asker(B, A)]) for (let round = 0; round < 2; round++) await each.report(held(A, 3))
  const { out } = await command('status')
  expect(out).toMatch(/test +DB_Group +3 +RMHW131 +yes +3 +- +1 /)
  const shown = JSON.parse((await command('status', '--json')).out)
  expect(shown).toMatchObject({ host: 'here', connections: 2, clusters: [{ name: 'test', jobs: [{ job: 'DB_Group', ballot: held(A, 3) }] }] })
  expect(await command('leave', 'tset')).toMatchObject({ code: 5, err: expect.stringContaining('E_WITNESS_PAIR') })
  expect((await command('leave', 'test')).code).toBe(0)
  expect(clusterDirectories(folder)).toEqual([])
  expect(await (askers[0] as Asker).report(held(A, 3))).toBeNull()
})

test('a witness that joins again begins with nothing, while it runs, and what was under way for the one before changes nothing', async () => {
  await join()
  witness = await startHere(folder)
  const [a, b] = [asker(A, B), asker(B, A)]
  for (let round = 0; round < 2; round++) for (const each of [a, b]) await each.report(held(A, 3))
  expect(await a.report(held(A, 3))).toMatchObject({ ballot: held(A, 3) })
  expect(await join()).toMatchObject({ code: 0, out: expect.stringContaining('serves it from now on') })
  let reply = null
  while (reply === null) reply = await a.report(held(A, 3))
  expect(reply.ballot).toBeNull()
  expect(clusterDirectories(folder)).toHaveLength(1)
})

test('what is left of a joining that broke off does not keep it from leaving another pair', async () => {
  await join()
  const broken = path.join(folder, 'clusters', `${'A'.repeat(16)}.${'0'.repeat(8)}`)
  fs.mkdirSync(broken)
  expect(await command('leave', 'tset')).toMatchObject({ code: 5, err: expect.stringContaining('E_WITNESS_PAIR') })
  expect(await command('leave', 'test')).toMatchObject({ code: 0, out: expect.stringContaining('no witness of test any more') })
  expect(clusterDirectories(folder)).toEqual([broken])
})

test('a code for a witness lets no node in, and the other way round', async () => {
  const forWitness = await invite('--witness')
  const words = ['join', `127.${OCTET}.0.1:${PORT}`, forWitness, '--state', path.join(folder, 'node'), '--node', B]
  expect(await quiet(() => runSetup('join', words.slice(1)))).toMatchObject({ code: 4, err: expect.stringContaining('E_JOIN_REFUSED') })
  expect(await join(await invite())).toMatchObject({ code: 4, err: expect.stringContaining('E_JOIN_REFUSED') })
})

test("a witness's certificate opens no other door", async () => {
  await join()
  const [directory = ''] = clusterDirectories(folder)
  const { ca, cert, key } = readCertificates(directory, 'here')
  const answer = await call(node, 'POST', '/v1/peer', { body: { kind: 'ticket', ticket: 'x', sinceStep: 0, waitMs: 0 }, tls: { ca, cert, key } })
  expect(answer.body.error.code).toBe('E_PEER_FORBIDDEN')
})

test.each([
  ['an unknown word', ['frobnicate'], 2, 'E_SETUP_USAGE'],
  ['no code', ['join', '127.0.0.1'], 2, 'E_SETUP_USAGE'],
  ['half a code', ['join', '127.0.0.1', 'ABCD'], 2, 'E_SETUP_CODE'],
  ['a port that is none', ['run', '--port', '70000'], 2, 'E_SETUP_USAGE'],
  ['status without a witness', ['status'], 3, 'E_WITNESS_ABSENT']
])('%s is refused in words', async (_what, words, code, text) => {
  expect(await command(...words)).toMatchObject({ code, err: expect.stringContaining(text) })
})
