import fs from 'node:fs'
import net from 'node:net'
import { ReportError } from '../../../src/report/report'
import { dataError } from '../../../src/wire/frame'
import type { MirrordEvent, MirrordReply, MirrordRequest } from '../../../src/wire/mirrord'
import { parseRequest } from './requests'

const LINE_BYTES_MAX = 1024 * 1024
/** A client that does not read is let go, so that nothing grows. */
const BACKLOG_BYTES_MAX = 1024 * 1024
const PRIVATE_UMASK = 0o177

export type Answer = (request: MirrordRequest) => Promise<unknown>

/** The job's control socket: JSON lines, several clients, each answered on its own connection. */
export class ControlSocket {
  private readonly clients = new Set<net.Socket>()
  private readonly server: net.Server

  private constructor(
    private readonly file: string,
    private readonly answer: Answer
  ) {
    this.server = net.createServer((socket) => this.accept(socket))
  }

  static async listen(file: string, job: string, answer: Answer): Promise<ControlSocket> {
    if (await answers(file)) throw dataError('E_MIRRORD_RUNS', { job })
    fs.rmSync(file, { force: true })
    const control = new ControlSocket(file, answer)
    const before = process.umask(PRIVATE_UMASK)
    try {
      await new Promise<void>((resolve, reject) => control.server.once('error', reject).listen(file, resolve))
    } finally {
      process.umask(before)
    }
    return control
  }

  tell(event: MirrordEvent): void {
    for (const client of this.clients) this.write(client, event)
  }

  close(): void {
    this.server.close()
    for (const client of this.clients) client.destroySoon()
    fs.rmSync(this.file, { force: true })
  }

  private accept(socket: net.Socket): void {
    this.clients.add(socket)
    let rest = ''
    socket.setEncoding('utf8')
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.clients.delete(socket))
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.trim() !== '') void this.handle(socket, line)
      if (rest.length > LINE_BYTES_MAX) socket.destroy()
    })
  }

  private async handle(socket: net.Socket, line: string): Promise<void> {
    const parsed = parseRequest(line)
    if ('error' in parsed) return this.write(socket, failed(parsed.id, parsed.error))
    const { id } = parsed.request
    try {
      const result = await this.answer(parsed.request)
      this.write(socket, result === undefined ? { id, ok: true } : { id, ok: true, result })
    } catch (error) {
      this.write(socket, failed(id, error))
    }
  }

  private write(socket: net.Socket, message: MirrordReply | MirrordEvent): void {
    if (socket.destroyed) return
    socket.write(`${JSON.stringify(message)}\n`)
    if (socket.writableLength > BACKLOG_BYTES_MAX) socket.destroy()
  }
}

function failed(id: number, error: unknown): MirrordReply {
  const { report } = error instanceof ReportError ? error : dataError('E_MIRRORD_DEFECT', { why: (error as Error).message })
  return { id, ok: false, error: { code: report.code, message: report.message, tryThis: report.tryThis } }
}

/** Is somebody behind the socket file? One left by a dead mirrord refuses. */
function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(file)
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
