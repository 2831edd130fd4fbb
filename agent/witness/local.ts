import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { plainReason } from '../adapters/failure'
import { onJsonLines, sendJsonLine } from '../adapters/jsonLines'
import type { WitnessJobView } from './jobs'

/** Asked by the same program on the same machine, through a socket that only its owner may open. */
export interface WitnessStatus {
  host: string
  port: number
  connections: number
  memoryBytes: number
  clusters: { name: string; jobs: WitnessJobView[] }[]
}

const ANSWER_MS_MAX = 5_000
const QUESTION_LENGTH_MAX = 256
const ANSWER_LENGTH_MAX = 64 * 1024 * 1024

const socketOf = (stateDirectory: string): string => path.join(stateDirectory, 'witness.sock')

export async function serveLocal(stateDirectory: string, answers: { status(): WitnessStatus; reload(): void }): Promise<() => void> {
  const file = socketOf(stateDirectory)
  // Only one witness runs here: what is left is from one that has died.
  fs.rmSync(file, { force: true })
  const server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy())
    onJsonLines(socket, QUESTION_LENGTH_MAX, (value) => {
      if (value === 'reload') answers.reload()
      sendJsonLine(socket, answers.status(), ANSWER_LENGTH_MAX)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(file, resolve)
  })
  fs.chmodSync(file, 0o600)
  return () => server.close()
}

/** null: no witness runs there. */
export function askLocal(stateDirectory: string, question: 'status' | 'reload'): Promise<WitnessStatus | null> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(socketOf(stateDirectory))
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error('no answer in time')))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (['ENOENT', 'ECONNREFUSED'].includes(error.code ?? '')) resolve(null)
      else reject(new Error(plainReason(error)))
    })
    socket.once('close', () => reject(new Error('it ended before it had answered')))
    onJsonLines(socket, ANSWER_LENGTH_MAX, (value) => {
      resolve(value as WitnessStatus)
      socket.end()
    })
    sendJsonLine(socket, question, QUESTION_LENGTH_MAX)
  })
}
