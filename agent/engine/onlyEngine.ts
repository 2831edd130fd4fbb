import { createHash } from 'node:crypto'
import net from 'node:net'
import { AGENT_MESSAGES } from '../../src/report/agent'
import { ReportError } from '../../src/report/report'
import type { Places } from '../ports'

/**
 * Two engines on one state directory would decide against each other. The lock is a socket without a file: it ends with
 * the process, however that ends.
 */
export function lockEngine({ node, stateDirectory }: Places): Promise<void> {
  const name = createHash('sha256').update(stateDirectory).digest('hex').slice(0, 32)
  const server = net.createServer((socket) => socket.destroy())
  return new Promise((resolve, reject) => {
    server.once('error', () => reject(runsAlready(node, stateDirectory)))
    server.listen(`\0mirrorpair-engine-${name}`, () => {
      server.unref()
      resolve()
    })
  })
}

function runsAlready(node: string, stateDirectory: string): ReportError {
  const { message, tryThis, exitCode } = AGENT_MESSAGES.E_AGENT_RUNS
  return new ReportError({ code: 'E_AGENT_RUNS', message: message({ node, stateDirectory }), tryThis: tryThis({ node, stateDirectory }), exitCode, node })
}
