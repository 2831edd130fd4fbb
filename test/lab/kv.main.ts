import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import readline from 'node:readline'
import { parseArgs } from 'node:util'

/**
 * A small key-value service, to have something worth protecting where there is no database. One line a request over TCP:
 * `SET KEY VALUE` → `OK`, `GET KEY` → `VALUE x` or `NONE`, `COUNT [PREFIX N]` → `COUNT n`. A SET is answered when it is hard on disk: appended to
 * `kv.log` in the folder and fsynced (requests that arrive together share one fsync).
 *
 *     kv.cjs --listen 0.0.0.0:7400 --folder DIR
 *     kv.cjs --ask HOST:PORT SET colour blue
 */
const LINE_LENGTH_MAX = 64 * 1024
const ASK_TIMEOUT_MS = 5_000

const { values, positionals } = parseArgs({
  options: { listen: { type: 'string' }, folder: { type: 'string' }, ask: { type: 'string' } },
  allowPositionals: true
})

function hostAndPort(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) }
}

function fail(message: string): never {
  process.stderr.write(`kv: ${message}\n`)
  process.exit(1)
}

class Store {
  private readonly entries = new Map<string, string>()
  private readonly file: number
  private waiting: { line: string; answer: (text: string) => void }[] = []
  private flushing = false

  constructor(folder: string) {
    const log = path.join(folder, 'kv.log')
    this.file = fs.openSync(log, 'a+', 0o600)
    const text = fs.readFileSync(log, 'utf8')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    // A crash may have left half a line: what follows must not be glued to it.
    if (whole.length < text.length) fs.ftruncateSync(this.file, Buffer.byteLength(whole))
    for (const line of whole.split('\n')) this.remember(line)
  }

  private remember(line: string): void {
    const [key, value] = splitOnce(line)
    if (key !== '') this.entries.set(key, value)
  }

  get(key: string): string {
    const value = this.entries.get(key)
    return value === undefined ? 'NONE' : `VALUE ${value}`
  }

  /** All entries, or those named PREFIX1 to PREFIXn. */
  count(prefix: string, upTo: number): string {
    if (prefix === '') return `COUNT ${this.entries.size}`
    let found = 0
    for (let n = 1; n <= upTo; n++) if (this.entries.has(`${prefix}${n}`)) found += 1
    return `COUNT ${found}`
  }

  set(line: string, answer: (text: string) => void): void {
    this.waiting.push({ line, answer })
    if (!this.flushing) this.flush()
  }

  private flush(): void {
    const batch = this.waiting
    this.waiting = []
    this.flushing = true
    fs.write(this.file, batch.map(({ line }) => `${line}\n`).join(''), (writeError) => {
      if (writeError) fail(`cannot write: ${writeError.message}`)
      fs.fsync(this.file, (syncError) => {
        if (syncError) fail(`cannot fsync: ${syncError.message}`)
        for (const { line, answer } of batch) {
          this.remember(line)
          answer('OK')
        }
        this.flushing = false
        if (this.waiting.length > 0) this.flush()
      })
    })
  }
}

function splitOnce(text: string): [string, string] {
  const space = text.indexOf(' ')
  return space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)]
}

const COUNT_MAX = 10_000_000

function countOf(rest: string): [string, number] {
  const [prefix, upTo] = splitOnce(rest)
  return [prefix, Math.min(Number(upTo) || 0, COUNT_MAX)]
}

function answerLine(store: Store, line: string, answer: (text: string) => void): void {
  const [word, rest] = splitOnce(line.trimEnd())
  if (word === 'SET' && rest !== '') store.set(rest, answer)
  else if (word === 'GET' && rest !== '') answer(store.get(rest))
  else if (word === 'COUNT') answer(store.count(...countOf(rest)))
  else answer('ERROR say SET KEY VALUE, GET KEY or COUNT [PREFIX N]')
}

function serve(listen: string, folder: string): void {
  const store = new Store(folder)
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy())
    const lines = readline.createInterface({ input: socket })
    // readline passes the socket's errors on: unheard, they would end the service.
    lines.on('error', () => socket.destroy())
    lines.on('line', (line) => {
      if (line.length > LINE_LENGTH_MAX) socket.destroy()
      else answerLine(store, line, (text) => socket.writable && socket.write(`${text}\n`))
    })
  })
  server.on('error', (error) => fail(error.message))
  server.listen({ ...hostAndPort(listen) }, () => process.stdout.write(`kv: listening on ${listen}, data in ${folder}\n`))
}

function ask(where: string, request: string): void {
  const socket = net.connect({ ...hostAndPort(where), timeout: ASK_TIMEOUT_MS }, () => socket.write(`${request}\n`))
  socket.on('timeout', () => fail(`${where} did not answer in ${ASK_TIMEOUT_MS} ms`))
  socket.on('error', (error) => fail(error.message))
  const lines = readline.createInterface({ input: socket })
  lines.on('error', () => {})
  lines.on('line', (line) => {
    process.stdout.write(`${line}\n`)
    process.exit(line.startsWith('ERROR') ? 1 : 0)
  })
}

if (values.ask) ask(values.ask, positionals.join(' '))
else if (values.listen && values.folder) serve(values.listen, values.folder)
else fail('say --listen HOST:PORT --folder DIR, or --ask HOST:PORT REQUEST')
