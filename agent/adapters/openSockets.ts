import type { Server, Socket } from 'node:net'

/**
 * Everybody who is connected to a server, also below TLS. Who is still in its handshake is no connection yet to those that end them, and a server that ends
 * would wait for him as long as a handshake may take.
 */
export function openSockets(server: Server): { destroy(): void } {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return {
    destroy: () => {
      for (const socket of open) socket.destroy()
    }
  }
}
