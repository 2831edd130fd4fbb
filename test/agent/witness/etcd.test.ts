import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { createEtcdWitness } from '../../../agent/witness/etcd'
import { Asker, DRIFT_MS, held, LEASE_MS, temporaryFolder } from './kit'

const [A, B] = ['RMHW131', 'RMHW132'] as const
/** As long as a node waits for an answer. */
const ANSWER_MS = 1_200
/** On a machine that has too much to do: checking a password takes longer than that, a read and a write together a little less. */
const LOGIN_MS = 2_000
const STEP_MS = 200

/** Etcd's JSON door, as far as it is asked here, on a slow machine. */
class SlowEtcd {
  readonly asked: string[] = []
  private stored: { value: string; revision: number } | null = null
  private readonly server = http.createServer((request, response) => {
    let text = ''
    request.on('data', (part) => (text += part)).on('end', () => this.answer(request, JSON.parse(text), response))
  })

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.server.closeAllConnections()
    this.server.close()
  }

  private answer({ url = '', headers }: http.IncomingMessage, body: { success?: { request_put: { value: string } }[] }, response: http.ServerResponse): void {
    const word = url.split('/').at(-1) ?? ''
    this.asked.push(word)
    const say = (status: number, said: object): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(said))
    if (word === 'authenticate') return void setTimeout(() => say(200, { token: 'token' }), LOGIN_MS)
    if (headers.authorization !== 'token') return say(401, { code: 16, error: 'etcdserver: invalid auth token' })
    if (word === 'txn') this.stored = { value: body.success?.[0]?.request_put.value ?? '', revision: (this.stored?.revision ?? 0) + 1 }
    const kvs = this.stored ? [{ value: this.stored.value, mod_revision: String(this.stored.revision) }] : []
    setTimeout(() => say(200, word === 'txn' ? { succeeded: true } : { kvs }), STEP_MS)
  }
}

let folder: string
let etcd: SlowEtcd
let a: Asker
const troubles: (string | null)[] = []

beforeEach(async () => {
  folder = temporaryFolder()
  fs.writeFileSync(path.join(folder, 'password'), 'secret\n')
  etcd = new SlowEtcd()
  const files = { caFile: null, certFile: null, keyFile: null }
  const client = createEtcdWitness({
    etcd: { endpoints: [await etcd.start()], ...files, user: 'mirrorpair', passwordFile: path.join(folder, 'password') },
    prefix: 'mirrorpair/test',
    clock: { nowMs: () => performance.now() },
    times: () => ({ leaseMs: LEASE_MS, driftMs: DRIFT_MS }),
    since: () => 0,
    troubled: (why) => troubles.push(why)
  })
  a = new Asker(A, B, client)
})
afterEach(() => {
  a.client.close()
  etcd.stop()
  fs.rmSync(folder, { recursive: true })
  troubles.splice(0)
})

const ask = (): Promise<unknown> => a.client.ask(a.message(held(A), { do: 'report' }), ANSWER_MS)

test('a login that takes longer than a question may is made once, and the question after it is answered', async () => {
  expect(await ask()).toBeNull()
  expect(troubles).toEqual([expect.stringContaining('login')])
  let answer = null
  for (let tries = 0; answer === null && tries < 20; tries++) answer = await ask()
  expect(answer).toMatchObject({ granted: false })
  expect(etcd.asked.filter((word) => word === 'authenticate')).toHaveLength(1)
  expect(troubles.at(-1)).toBeNull()
})

test('of the questions that come while one is under way the newest is asked, with all the time that it has', async () => {
  while ((await ask()) === null);
  const before = etcd.asked.length
  const [under, older, newest] = await Promise.all([ask(), ask(), ask()])
  expect([under, older, newest].map((reply) => reply !== null)).toEqual([true, false, true])
  expect(etcd.asked.length - before).toBeLessThanOrEqual(4)
})
