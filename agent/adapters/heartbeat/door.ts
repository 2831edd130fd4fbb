import fs from 'node:fs'
import net from 'node:net'
import { onJsonLines, sendJsonLine } from '../jsonLines'
import { type HeartbeatEvent, type HeartbeatRequest, LINE_LENGTH_MAX, requestSchema, SOCKET_QUEUE_BYTES_MAX } from './wire'

/** An old engine, its successor, and somebody who looks: more are not let in. */
const CLIENTS_MAX = 16

export interface Door {
  toAll(event: HeartbeatEvent): void
  close(): void
}

/** The unix socket of the heartbeat program. Only the agent's own account can open it. */
export async function openDoor(socketFile: string, greet: () => HeartbeatEvent[], receive: (request: HeartbeatRequest) => void): Promise<Door> {
  const clients = new Set<net.Socket>()
  const server = net.createServer((client) => {
    if (clients.size >= CLIENTS_MAX) return void client.destroy()
    clients.add(client)
    client.on('error', () => client.destroy())
    client.on('close', () => clients.delete(client))
    onJsonLines(client, LINE_LENGTH_MAX, (value) => {
      const request = requestSchema.safeParse(value)
      if (request.success) receive(request.data)
    })
    for (const event of greet()) sendJsonLine(client, event, SOCKET_QUEUE_BYTES_MAX)
  })
  await listen(server, socketFile)
  const toAll = (event: HeartbeatEvent): void => {
    for (const client of clients) sendJsonLine(client, event, SOCKET_QUEUE_BYTES_MAX)
  }
  const close = (): void => {
    server.close()
    for (const client of clients) client.end()
  }
  return { toAll, close }
}

async function listen(server: net.Server, socketFile: string): Promise<void> {
  const listening = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(socketFile, () => {
        server.off('error', reject)
        server.on('error', () => undefined)
        resolve()
      })
    })
  await listening().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE' || (await answers(socketFile))) throw error
    // Left by a program that was killed: nobody listens behind it.
    fs.rmSync(socketFile, { force: true })
    await listening()
  })
}

export function answers(socketFile: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(socketFile)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
