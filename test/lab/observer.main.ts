import fs from 'node:fs'
import https from 'node:https'
import { parseArgs } from 'node:util'

/**
 * Asks agents for their status and prints JSON lines: `{ "atMs": …, "nodes": { "ADDRESS": StatusAnswer or { "error": … } } }`.
 * Runs in the client's network. With --every (ms) it goes on until it is ended; else one line with all is the end. Tokens are kept in a file, so that a
 * status does not cost a login each time.
 */
/** A busy machine answers late; one that is dead delays no news but its own. */
const REQUEST_TIMEOUT_MS = 5_000
const UNAUTHORIZED = 401

const { values } = parseArgs({
  options: {
    address: { type: 'string', multiple: true, default: [] },
    port: { type: 'string', default: '7330' },
    account: { type: 'string', default: 'administrator' },
    'password-file': { type: 'string', default: '' },
    ca: { type: 'string', default: '' },
    tokens: { type: 'string', default: '' },
    every: { type: 'string' }
  }
})

const ca = fs.readFileSync(values.ca)
const tokens: Record<string, string> = readTokens()
const agents = new Map(values.address.map((address) => [address, new https.Agent({ keepAlive: true })]))

function readTokens(): Record<string, string> {
  try {
    return JSON.parse(fs.readFileSync(values.tokens, 'utf8')) as Record<string, string>
  } catch {
    return {}
  }
}

function keepTokens(): void {
  const next = `${values.tokens}.${process.pid}`
  fs.writeFileSync(next, JSON.stringify(tokens), { mode: 0o600 })
  fs.renameSync(next, values.tokens)
}

interface Answer {
  status: number
  body: unknown
}

/** The certificate must come from the lab's own authority; the address in it is not looked at. */
function request(address: string, method: string, path: string, body: unknown): Promise<Answer> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (tokens[address]) headers.authorization = `Bearer ${tokens[address]}`
  return new Promise((resolve, reject) => {
    const options = {
      host: address,
      port: Number(values.port),
      method,
      path,
      headers,
      ca,
      agent: agents.get(address),
      timeout: REQUEST_TIMEOUT_MS,
      checkServerIdentity: () => undefined
    }
    const sent = https.request(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString()) }))
      response.on('error', reject)
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer in ${REQUEST_TIMEOUT_MS} ms`)))
    sent.on('error', reject)
    sent.end(body === null ? undefined : JSON.stringify(body))
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return { error: { message: text.slice(0, 200) } }
  }
}

async function login(address: string): Promise<void> {
  delete tokens[address]
  const password = fs.readFileSync(values['password-file'], 'utf8').trimEnd()
  const answer = await request(address, 'POST', '/v1/login', { account: values.account, password })
  const token = (answer.body as { token?: string }).token
  if (!token) throw new Error(`login refused: ${JSON.stringify(answer.body)}`)
  tokens[address] = token
  keepTokens()
}

async function status(address: string): Promise<unknown> {
  try {
    if (!tokens[address]) await login(address)
    let answer = await request(address, 'GET', '/v1/status', null)
    if (answer.status === UNAUTHORIZED) {
      await login(address)
      answer = await request(address, 'GET', '/v1/status', null)
    }
    return answer.body
  } catch (error) {
    return { error: { message: (error as Error).message } }
  }
}

/** All agents, asked side by side: one line. */
async function once(): Promise<void> {
  const entries = await Promise.all(values.address.map(async (address) => [address, await status(address)] as const))
  process.stdout.write(`${JSON.stringify({ atMs: Date.now(), nodes: Object.fromEntries(entries) })}\n`)
}

/** Each agent at its own pace: one that is dead delays no news of the other. */
async function forever(address: string, intervalMs: number): Promise<void> {
  const answer = await status(address)
  process.stdout.write(`${JSON.stringify({ atMs: Date.now(), nodes: { [address]: answer } })}\n`)
  setTimeout(() => void forever(address, intervalMs), intervalMs)
}

process.stdout.on('error', () => process.exit(0))
if (values.every === undefined) void once().then(() => process.exit(0))
else for (const address of values.address) void forever(address, Number(values.every))
