import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import { setUser, usersFileOf } from '../../../agent/api/usersFile'
import { call, configText, login, makeKeys, type Node, PASSWORD, refused, startNode } from './kit'

let folder: string
let node: Node

beforeAll(async () => {
  folder = await makeKeys(configText(51, 47301))
  await setUser(usersFileOf(path.join(folder, 'RMHW131')), 'administrator', PASSWORD)
})
beforeEach(async () => {
  node = await startNode('RMHW131', folder)
})
afterEach(async () => {
  await node.stop()
  for (const file of ['sessions.json', 'audit.log', 'events.jsonl']) fs.rmSync(path.join(folder, 'RMHW131', file), { force: true })
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const tokenOf = async (): Promise<string> => (await login(node, 'administrator', PASSWORD)).body.token

test('hello says who is there, with nothing asked', async () => {
  expect(await call(node, 'GET', '/v1/hello')).toEqual({
    status: 200,
    body: { product: 'mirrorpair', apiVersion: 1, version: '0.1.0', node: 'RMHW131', cluster: 'test' }
  })
})

test('a login, a switch, a logout: each does its part and stands in the audit log', async () => {
  const answer = await login(node, 'administrator', PASSWORD)
  expect(answer).toMatchObject({ status: 200, body: { node: 'RMHW131', account: 'Administrator', role: 'admin', licenceState: 'Valid' } })
  expect(answer.body.expiresAtMs).toBe(node.clock.ms + 12 * 3_600_000)
  const token = answer.body.token
  expect((await call(node, 'GET', '/v1/status', { token })).body.node).toBe('RMHW131')
  expect((await call(node, 'POST', '/v1/jobs/DB_Group/switch', { token, body: { reason: 'patch day' } })).body).toEqual({ dryRun: false, ticket: 'RMHW131-1' })
  expect((await call(node, 'GET', '/v1/tickets/RMHW131-1?since=2&waitMs=99000', { token })).body.nextSince).toBe(2)
  expect((await call(node, 'GET', '/v1/status?known=c0ffee&waitMs=99000', { token })).body.node).toBe('RMHW131')
  expect((await call(node, 'POST', '/v1/logout', { token })).body).toEqual({})
  expect((await call(node, 'GET', '/v1/status', { token })).body.error).toMatchObject({ code: 'E_SESSION', exitCode: 4, node: 'RMHW131' })
  expect(node.engine.asked).toEqual([
    { job: 'DB_Group', command: 'switch', request: { reason: 'patch day' }, account: 'administrator' },
    { id: 'RMHW131-1', since: 2, waitMs: 25_000 },
    { known: 'c0ffee', waitMs: 25_000 }
  ])
  expect(node.audit().map(({ who, from, what, result }) => [who, from, what, result])).toEqual([
    ['administrator', expect.stringMatching(/^127\./), 'login', 'done'],
    ['administrator', expect.any(String), 'switch DB_Group (patch day)', 'asked'],
    ['administrator', expect.any(String), 'switch DB_Group (patch day)', 'RMHW131-1'],
    ['administrator', expect.any(String), 'logout', 'done']
  ])
})

test('a job with a Korean name and a slash-like character reaches the engine as it is', async () => {
  await call(node, 'POST', `/v1/jobs/${encodeURIComponent('웹_Group')}/bringin`, { token: await tokenOf() })
  expect(node.engine.asked).toMatchObject([{ job: '웹_Group', command: 'bringin' }])
})

test('the events are told to who has logged in, and a question that makes no sense is refused', async () => {
  node.events.add({ atMs: 1_000, level: 'warning', job: 'DB_Group', text: 'DB_Group is exposed' })
  const token = await tokenOf()
  const { body } = await call(node, 'GET', '/v1/events?level=warning&max=10', { token })
  expect(body).toMatchObject({ node: 'RMHW131', events: [{ level: 'warning', job: 'DB_Group', text: 'DB_Group is exposed' }] })
  expect((await call(node, 'GET', '/v1/events?level=loud', { token })).body.error).toMatchObject({ code: 'E_API_REQUEST' })
  expect((await call(node, 'GET', '/v1/events')).body.error).toMatchObject({ code: 'E_SESSION' })
})

test('what would be done is shown without a line in the audit log', async () => {
  const token = await tokenOf()
  expect((await call(node, 'POST', '/v1/jobs/DB_Group/switch', { token, body: { dryRun: true } })).body.steps).toHaveLength(1)
  expect(node.audit()).toHaveLength(1)
})

test('a refusal of the engine comes with its own words and status', async () => {
  const token = await tokenOf()
  node.engine.refusal = refused('E_JOB_BUSY', 5)
  const answer = await call(node, 'POST', '/v1/jobs/DB_Group/bringin', { token })
  expect(answer).toEqual({
    status: 409,
    body: { error: { code: 'E_JOB_BUSY', message: 'E_JOB_BUSY happened.', tryThis: 'Wait.', exitCode: 5, node: 'RMHW131' } }
  })
  expect(node.audit().at(-1)).toMatchObject({ what: 'bringin DB_Group', result: 'E_JOB_BUSY' })
})

test('a fault of the engine shows a reference and no stack, which is in the event log', async () => {
  const token = await tokenOf()
  node.engine.refusal = new TypeError('secret inner words')
  const { status, body } = await call(node, 'POST', '/v1/jobs/DB_Group/bringin', { token })
  expect([status, body.error.code]).toEqual([500, 'E_API_INTERNAL'])
  expect(JSON.stringify(body)).not.toMatch(/secret|at .*\.ts/)
  const reference = /reference (\w+)/.exec(body.error.message)?.[1]
  expect(node.log.find((line) => line.includes(reference as string))).toContain('secret inner words')
})

test.each([
  ['GET', '/v1/status'],
  ['POST', '/v1/logout'],
  ['POST', '/v1/jobs/DB_Group/switch'],
  ['POST', '/v1/jobs/DB_Group/mirror'],
  ['POST', '/v1/jobs/DB_Group/selectsrc'],
  ['GET', '/v1/jobs/DB_Group/verify'],
  ['GET', '/v1/tickets/1']
])('%s %s is closed without a session', async (method, target) => {
  for (const token of [undefined, 'x'.repeat(43), '']) {
    expect(await call(node, method, target, { body: {}, ...(token === undefined ? {} : { token }) })).toMatchObject({
      status: 401,
      body: { error: { code: 'E_SESSION' } }
    })
  }
  expect(node.engine.asked).toEqual([])
})

test.each([
  ['an unknown route', 'GET', '/v1/nothing', '', 404, 'E_API_ROUTE'],
  ['an unknown command', 'POST', '/v1/jobs/DB_Group/explode', '{}', 404, 'E_API_ROUTE'],
  ['a job called what every object has', 'POST', '/v1/jobs/constructor/bringin', '{"dryRun":true}', 404, 'E_API_ROUTE'],
  ['a ticket called so', 'GET', '/v1/tickets/__proto__', '', 404, 'E_API_ROUTE'],
  ['a wrong method', 'DELETE', '/v1/status', '', 405, 'E_API_METHOD'],
  ['no JSON', 'POST', '/v1/jobs/DB_Group/switch', '{"dryRun":', 400, 'E_API_REQUEST'],
  ['an unknown key', 'POST', '/v1/jobs/DB_Group/switch', '{"dryrun":true}', 400, 'E_API_REQUEST'],
  ['a wrong type', 'POST', '/v1/jobs/DB_Group/switch', '{"dryRun":"no"}', 400, 'E_API_REQUEST'],
  ['mirror without action', 'POST', '/v1/jobs/DB_Group/mirror', '{}', 400, 'E_API_REQUEST'],
  ['an action that the command does not have', 'POST', '/v1/jobs/DB_Group/transmit', '{"action":"start"}', 400, 'E_API_REQUEST'],
  ['bandwidth without a number', 'POST', '/v1/jobs/DB_Group/bandwidth', '{}', 400, 'E_API_REQUEST'],
  ['a limit that would stand still', 'POST', '/v1/jobs/DB_Group/bandwidth', '{"bytesPerSecond":1}', 400, 'E_API_REQUEST'],
  ['a safety that there is not', 'POST', '/v1/jobs/DB_Group/safety', '{"safety":"half"}', 400, 'E_API_REQUEST'],
  ['selectsrc without a node', 'POST', '/v1/jobs/DB_Group/selectsrc', '{"confirm":"0"}', 400, 'E_API_REQUEST'],
  ['confirm of what is not dangerous', 'POST', '/v1/jobs/DB_Group/switch', '{"confirm":"0"}', 400, 'E_API_REQUEST'],
  ['action without mirror', 'POST', '/v1/jobs/DB_Group/switch', '{"action":"stop"}', 400, 'E_API_REQUEST'],
  ['a number that is none', 'GET', '/v1/tickets/1?since=-1', '', 400, 'E_API_REQUEST'],
  ['a broken escape', 'GET', '/v1/tickets/%E0%A4%A', '', 404, 'E_API_ROUTE'],
  ['a body without end', 'POST', '/v1/jobs/DB_Group/switch', ' '.repeat(70_000), 413, 'E_API_TOO_LARGE']
])('%s is answered in words', async (_what, method, target, raw, status, code) => {
  const answer = await call(node, method, target, { token: await tokenOf(), raw })
  expect(answer).toMatchObject({ status, body: { error: { code, node: 'RMHW131', message: expect.any(String), tryThis: expect.any(String), exitCode: 2 } } })
  expect(node.engine.asked).toEqual([])
})

test('what a command says besides its name reaches the engine, and the audit log as it was typed', async () => {
  const token = await tokenOf()
  const limit = { bytesPerSecond: null }
  await call(node, 'POST', '/v1/jobs/DB_Group/bandwidth', { token, raw: JSON.stringify(limit) })
  await call(node, 'POST', '/v1/jobs/DB_Group/selectsrc', { token, raw: '{"node":"RMHW132","confirm":"0123"}' })
  expect(node.engine.asked).toEqual([
    expect.objectContaining({ command: 'bandwidth', request: limit }),
    expect.objectContaining({ command: 'selectsrc', request: { node: 'RMHW132', confirm: '0123' } })
  ])
  expect(node.audit().map(({ what }) => what)).toEqual(expect.arrayContaining(['bandwidth DB_Group off', 'selectsrc DB_Group RMHW132']))
})

test('the differences of a comparison come page by page', async () => {
  const token = await tokenOf()
  const answer = await call(node, 'GET', '/v1/jobs/DB_Group/verify?from=200&max=9999', { token })
  expect(answer).toMatchObject({ status: 200, body: { node: 'RMHW131', job: 'DB_Group', report: { from: 200, total: 0 } } })
  await call(node, 'GET', '/v1/jobs/DB_Group/verify', { token })
  expect(node.engine.asked).toEqual([
    { job: 'DB_Group', from: 200, max: 200 },
    { job: 'DB_Group', from: 0, max: 200 }
  ])
})

test('sessions outlive the engine, are kept only as hashes, and end at their time', async () => {
  const token = await tokenOf()
  const file = path.join(folder, 'RMHW131', 'sessions.json')
  expect(fs.readFileSync(file, 'utf8')).not.toContain(token)
  expect(fs.statSync(file).mode & 0o777).toBe(0o600)
  await node.stop()
  node = await startNode('RMHW131', folder)
  expect((await call(node, 'GET', '/v1/status', { token })).status).toBe(200)
  node.clock.ms += 12 * 3_600_000
  expect((await call(node, 'GET', '/v1/status', { token })).status).toBe(401)
})

test('a damaged session file means a new login, nothing worse', async () => {
  const token = await tokenOf()
  await node.stop()
  fs.writeFileSync(path.join(folder, 'RMHW131', 'sessions.json'), '{"formatVersion":1,"sess')
  node = await startNode('RMHW131', folder)
  expect((await call(node, 'GET', '/v1/status', { token })).status).toBe(401)
  expect((await login(node, 'administrator', PASSWORD)).status).toBe(200)
})

test('who guesses is slowed down, is told how long, and the right password waits too', async () => {
  const guesses = await Promise.all(Array.from({ length: 8 }, () => login(node, 'administrator', 'wrong password')))
  const codes = guesses.map(({ body }) => body.error.code).sort()
  expect(codes.filter((code) => code === 'E_LOGIN_REFUSED').length).toBeLessThanOrEqual(5)
  expect(codes).toContain('E_LOGIN_SLOW')
  const slow = await login(node, 'administrator', PASSWORD)
  expect(slow).toMatchObject({ status: 429, body: { error: { code: 'E_LOGIN_SLOW', exitCode: 4 } } })
  node.clock.ms += 6 * 60_000
  expect((await login(node, 'administrator', PASSWORD)).status).toBe(200)
  expect(node.audit().filter(({ result }) => result === 'E_LOGIN_REFUSED' || result === 'E_LOGIN_SLOW')).toHaveLength(9)
})

test('an unknown account is refused in the same words and after the same time as a wrong password', async () => {
  const time = async (account: string) => {
    const startMs = performance.now()
    const { status, body } = await login(node, account, 'wrong password')
    return { status, error: body.error, ms: performance.now() - startMs }
  }
  const known = await time('administrator')
  const unknown = await time('nobody-of-this-name')
  expect([known.status, known.error]).toEqual([unknown.status, unknown.error])
  // That it is a whole number of seconds: refusal.test.ts. How many of them a busy machine needs tells nothing of an account.
  for (const { ms } of [known, unknown]) expect(ms).toBeGreaterThan(990)
})

test('a client that says nothing is hung up on, and one without TLS too', async () => {
  const port = node.api.port()
  const half = tls.connect({ host: '127.51.0.1', port, rejectUnauthorized: false })
  await new Promise<void>((resolve) => half.once('secureConnect', resolve))
  half.write('POST /v1/login HTTP/1.1\r\nhost: x\r\ncontent-le')
  const plain = net.connect({ host: '127.51.0.1', port }, () => plain.write('GET /v1/hello HTTP/1.1\r\n\r\n'))
  plain.on('error', () => {})
  await new Promise<void>((resolve) => plain.once('close', () => resolve()))
  const answer = await new Promise<string>((resolve) => half.once('data', (data) => resolve(String(data))))
  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
}, 20_000)

test('an engine that ends does not wait for who has connected and says nothing', async () => {
  const silent = net.connect(node.api.port(), '127.51.0.1')
  const hungUp = new Promise<void>((resolve) => silent.on('error', () => undefined).once('close', () => resolve()))
  await new Promise<void>((resolve) => silent.once('connect', resolve))
  // The server has him when it has answered somebody who came later.
  await call(node, 'GET', '/v1/hello')
  const ends = node.api.close().then(() => 'ended')
  // Of a handshake, five seconds.
  expect(await Promise.race([ends, new Promise((resolve) => setTimeout(resolve, 3_000).unref())])).toBe('ended')
  await hungUp
})

test('TLS before 1.3 is not spoken', async () => {
  await expect(call(node, 'GET', '/v1/hello', { tls: { maxVersion: 'TLSv1.2' } })).rejects.toThrow()
})
