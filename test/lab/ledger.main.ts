import { type ChildProcess, spawn } from 'node:child_process'
import net from 'node:net'
import readline from 'node:readline'
import { parseArgs } from 'node:util'

/**
 * A client that wants to know exactly what it was promised: it commits 1, 2, 3, … one after the other through the virtual address,
 * connects again when the service goes away, and repeats what was not answered. Ends when its standard input ends, and then prints
 * one JSON object: every number up to `committed` was answered as committed, so it must be in the data, whatever happened meanwhile.
 *
 *     ledger.cjs --postgres 192.168.150.130:5432 --every 10
 *     ledger.cjs --kv 192.168.150.130:7400 --patience 1000      ms that it waits for an answer
 *     ledger.cjs --kv 192.168.150.130:7400 --name second        its entries beside those of another one
 */
const AGAIN_AFTER_MS = 50
/** TCP asks an address that is away again after 1, 3 and 7 s: that would be measured, not the service. So the door is tried in short. */
const DOOR_TIMEOUT_MS = 100
/** Before the first answer nothing is measured, and psql has to start and to make the table: on a busy machine that takes longer than an answer. */
const FIRST_PATIENCE_MS = 20_000
/** So long may psql take to connect. */
const CONNECT_MS = 2_000

const { values } = parseArgs({
  options: {
    postgres: { type: 'string' },
    kv: { type: 'string' },
    every: { type: 'string', default: '5' },
    patience: { type: 'string', default: '1000' },
    name: { type: 'string', default: 'ledger' }
  }
})

/** Where this program had to wait for a processor an answer may be there and not read yet: a timer comes before it. */
const afterWhatIsThere = (judge: () => void): void => void setImmediate(judge)

/** One connection. `lines`: what the service says; `send`: one request. */
interface Connection {
  send(line: string): void
  close(): void
}
type Connect = (events: { line: (text: string) => void; closed: (why: string) => void }) => Connection

const report = { committed: 0, connections: 0, outageMs: 0, outageFromMs: 0, lastErrors: [] as string[] }
const ERRORS_KEPT = 5
let lastCommit: number | null = null
let connection: Connection | null = null
let patience: NodeJS.Timeout | undefined

function hostAndPort(text: string): { host: string; port: string } {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, at), port: text.slice(at + 1) }
}

const psql =
  (where: string): Connect =>
  (events) => {
    const { host, port } = hostAndPort(where)
    const args = ['-h', host, '-p', port, '-U', 'postgres', '-d', 'postgres', '-XqAt', '-v', 'ON_ERROR_STOP=1']
    const environment = { ...process.env, PGCONNECT_TIMEOUT: String(CONNECT_MS / 1_000), PGOPTIONS: '-c client_min_messages=warning' }
    const child: ChildProcess = spawn('psql', args, { stdio: 'pipe', env: environment })
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said = String(chunk).trim()
    })
    child.stdin?.on('error', () => {})
    child.on('error', (error) => events.closed(error.message))
    child.on('exit', () => events.closed(said || 'psql has ended'))
    if (child.stdout) readline.createInterface({ input: child.stdout }).on('line', events.line)
    child.stdin?.write('create table if not exists ledger (n bigint primary key);\n')
    return { send: (line) => child.stdin?.write(`${line}\n`), close: () => child.kill('SIGKILL') }
  }

const tcp =
  (where: string): Connect =>
  (events) => {
    const { host, port } = hostAndPort(where)
    const socket = net.connect({ host, port: Number(port) })
    let said = 'the connection was closed'
    socket.on('error', (error) => {
      said = error.message
    })
    socket.on('close', () => events.closed(said))
    readline
      .createInterface({ input: socket })
      .on('line', events.line)
      .on('error', () => {})
    return { send: (line) => socket.write(`${line}\n`), close: () => socket.destroy() }
  }

const connect = values.postgres ? psql(values.postgres) : tcp(values.kv ?? '')
/** So much more patience with the first answer of a connection. */
const connectMs = values.postgres ? CONNECT_MS : 0
const request = values.postgres
  ? (n: number) => `insert into ledger values (${n}) on conflict do nothing; select 'OK';`
  : (n: number) => `SET ${values.name}-${n} ${n}`

/** Asks for the door until it opens. */
function knock(opened: () => void): void {
  const { host, port } = hostAndPort(values.postgres ?? values.kv ?? '')
  const socket = net.connect({ host, port: Number(port), timeout: DOOR_TIMEOUT_MS })
  let open = false
  socket.once('connect', () => {
    open = true
    socket.destroy()
  })
  socket.once('timeout', () => afterWhatIsThere(() => open || socket.destroy()))
  socket.on('error', (error) => told(error.message))
  socket.once('close', () => (open ? opened() : setTimeout(knock, AGAIN_AFTER_MS, opened)))
}

const told = (why: string) => {
  report.lastErrors = [...report.lastErrors, why].slice(-ERRORS_KEPT)
}

function open(): void {
  report.connections += 1
  let mine = true
  const current = connect({
    line: (text) => mine && text === 'OK' && answered(),
    closed: (why) => {
      if (!mine) return
      mine = false
      told(why)
      clearTimeout(patience)
      setTimeout(knock, AGAIN_AFTER_MS, open)
    }
  })
  connection = current
  commitNext(lastCommit === null ? FIRST_PATIENCE_MS : connectMs + Number(values.patience))
}

function commitNext(patienceMs = Number(values.patience)): void {
  const current = connection
  const asked = report.committed
  patience = setTimeout(() => afterWhatIsThere(() => report.committed === asked && current?.close()), patienceMs)
  current?.send(request(report.committed + 1))
}

function answered(): void {
  clearTimeout(patience)
  const now = performance.now()
  if (lastCommit !== null && now - lastCommit > report.outageMs) {
    report.outageMs = now - lastCommit
    report.outageFromMs = Math.round(performance.timeOrigin + lastCommit)
  }
  lastCommit = now
  report.committed += 1
  setTimeout(commitNext, Number(values.every))
}

open()
process.stdin.resume().on('end', () => {
  process.stdout.write(`${JSON.stringify({ ...report, outageMs: Math.round(report.outageMs) })}\n`)
  connection?.close()
  process.exit(0)
})
