import fs from 'node:fs'
import net from 'node:net'
import readline from 'node:readline'
import { parseArgs } from 'node:util'

/** What the small services of the lab share: one line a request over TCP, one line an answer, and a client that asks one question. */
export interface LineService {
  /** As its program is called. */
  name: string
  lineLengthMax: number
  askTimeoutMs: number
  /** Opens what is in the folder; answers each line, in its own time. */
  open(folder: string): Promise<(line: string) => Promise<string>>
}

const { values, positionals } = parseArgs({
  options: { listen: { type: 'string' }, folder: { type: 'string' }, ask: { type: 'string' } },
  allowPositionals: true
})

export function failer(name: string): (message: string) => never {
  return (message) => {
    process.stderr.write(`${name}: ${message}\n`)
    process.exit(1)
  }
}

function hostAndPort(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) }
}

async function serve({ name, lineLengthMax, open }: LineService, listen: string, folder: string): Promise<void> {
  const fail = failer(name)
  if (!fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) fail(`${folder} is no directory`)
  const answer = await open(folder)
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy())
    const lines = readline.createInterface({ input: socket })
    // readline passes the socket's errors on: unheard, they would end the service.
    lines.on('error', () => socket.destroy())
    lines.on('line', (line) => {
      if (line.length > lineLengthMax) return socket.destroy()
      return answer(line).then(
        (text) => socket.writable && socket.write(`${text}\n`),
        (error: Error) => fail(`${line}: ${error.message}`)
      )
    })
  })
  server.on('error', (error) => fail(error.message))
  server.listen({ ...hostAndPort(listen) }, () => process.stdout.write(`${name}: listening on ${listen}, data in ${folder}\n`))
}

function ask({ name, askTimeoutMs }: LineService, where: string, request: string): void {
  const fail = failer(name)
  const socket = net.connect({ ...hostAndPort(where), timeout: askTimeoutMs }, () => socket.write(`${request}\n`))
  socket.on('timeout', () => fail(`${where} did not answer in ${askTimeoutMs} ms`))
  socket.on('error', (error) => fail(error.message))
  const lines = readline.createInterface({ input: socket })
  lines.on('error', () => {})
  lines.on('line', (line) => {
    process.stdout.write(`${line}\n`)
    process.exit(line.startsWith('ERROR') ? 1 : 0)
  })
}

/** NAME --listen HOST:PORT --folder DIR, or NAME --ask HOST:PORT REQUEST. */
export function runLineService(service: LineService): void {
  const fail = failer(service.name)
  if (values.ask) ask(service, values.ask, positionals.join(' '))
  else if (values.listen && values.folder) serve(service, values.listen, values.folder).catch((error: Error) => fail(error.message))
  else fail('say --listen HOST:PORT --folder DIR, or --ask HOST:PORT REQUEST')
}
