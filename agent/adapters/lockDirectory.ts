import { createHash } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'

/** One program of its kind for each state directory, however that is written. The lock is a socket without a file: it ends with the process, however that ends. False: somebody has it. */
export function lockDirectory(kind: 'engine' | 'witness', stateDirectory: string): Promise<boolean> {
  const name = createHash('sha256').update(fs.realpathSync(stateDirectory)).digest('hex').slice(0, 32)
  const server = net.createServer((socket) => socket.destroy())
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(`\0mirrorpair-${kind}-${name}`, () => {
      server.unref()
      resolve(true)
    })
  })
}
