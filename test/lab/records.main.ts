import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import readline from 'node:readline'
import { parseArgs } from 'node:util'
import { type Found, History, inspect } from './soak/history'
import { Records, recordsIn, type Way, WAYS } from './soak/records'
import { rangesOf } from './soak/rows'

/**
 * The service of the power cut tests. One line a request over TCP: `PUT NUMBER WAY` → `OK NUMBER` when the record is durable, `HAVE` → the
 * numbers that the folder holds, `FOUND` → which moment of the history the folder showed when this service started, `REST` → `RESTING`: no
 * more operation on the folder until `GO`.
 *
 *     records.cjs --listen 0.0.0.0:7400 --folder DIR
 *     records.cjs --ask HOST:PORT HAVE
 */
const HISTORY_EVERY_MS = 5
const HISTORY_STEPS_AT_ONCE = 3
const ASK_TIMEOUT_MS = 20_000

const { values, positionals } = parseArgs({
  options: { listen: { type: 'string' }, folder: { type: 'string' }, ask: { type: 'string' } },
  allowPositionals: true
})

function hostAndPort(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) }
}

function fail(message: string): never {
  process.stderr.write(`records: ${message}\n`)
  process.exit(1)
}

class Service {
  private resting = false

  private constructor(
    private readonly folder: string,
    private readonly records: Records,
    private readonly history: History,
    private readonly found: Found
  ) {
    setInterval(() => this.goOn(), HISTORY_EVERY_MS)
  }

  static async start(folder: string): Promise<Service> {
    const found = inspect(folder)
    return new Service(folder, await Records.open(path.join(folder, 'records')), History.begin(folder), found)
  }

  private goOn(): void {
    if (!this.resting) for (let step = 0; step < HISTORY_STEPS_AT_ONCE; step += 1) this.history.step()
  }

  async answer(line: string): Promise<string> {
    const [word, first = '', second = ''] = line.split(' ')
    if (word === 'PUT' && (WAYS as readonly string[]).includes(second)) {
      await this.records.put(Number(first), second as Way)
      return `OK ${first}`
    }
    if (word === 'HAVE') return JSON.stringify(rangesOf(recordsIn(path.join(this.folder, 'records'))))
    if (word === 'FOUND') return JSON.stringify(this.found)
    if (word === 'REST' || word === 'GO') {
      this.resting = word === 'REST'
      return this.resting ? 'RESTING' : 'GOING'
    }
    return 'ERROR say PUT NUMBER WAY, HAVE, FOUND, REST or GO'
  }
}

async function serve(listen: string, folder: string): Promise<void> {
  if (!fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) fail(`${folder} is no directory`)
  const service = await Service.start(folder)
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy())
    const lines = readline.createInterface({ input: socket })
    lines.on('error', () => socket.destroy())
    lines.on('line', (line) => {
      service.answer(line).then(
        (answer) => socket.writable && socket.write(`${answer}\n`),
        (error: Error) => fail(`${line}: ${error.message}`)
      )
    })
  })
  server.on('error', (error) => fail(error.message))
  server.listen({ ...hostAndPort(listen) }, () => process.stdout.write(`records: listening on ${listen}, data in ${folder}\n`))
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
else if (values.listen && values.folder) serve(values.listen, values.folder).catch((error: Error) => fail(error.message))
else fail('say --listen HOST:PORT --folder DIR, or --ask HOST:PORT REQUEST')
