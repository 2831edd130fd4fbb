import fs from 'node:fs'
import net from 'node:net'
import { plainReason } from './failure'
import { onJsonLines, sendJsonLine } from './jsonLines'

const ANSWER_MS_MAX = 5_000
const QUESTION_LENGTH_MAX = 256
const ANSWER_LENGTH_MAX = 64 * 1024 * 1024

/** Questions of the same program on the same machine, through a socket that only its owner may open. The answer closes it. */
export async function serveLocal(file: string, answer: (question: unknown) => unknown): Promise<() => void> {
  // Only one program of its kind runs here: what is left is from one that has died.
  fs.rmSync(file, { force: true })
  const server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy())
    onJsonLines(socket, QUESTION_LENGTH_MAX, (question) => sendJsonLine(socket, answer(question), ANSWER_LENGTH_MAX))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(file, resolve)
  })
  fs.chmodSync(file, 0o600)
  return () => server.close()
}

/** null: nobody listens there. */
export function askLocal<Answer>(file: string, question: string): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(file)
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error('no answer in time')))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (['ENOENT', 'ECONNREFUSED'].includes(error.code ?? '')) resolve(null)
      else reject(new Error(plainReason(error)))
    })
    socket.once('close', () => reject(new Error('it ended before it had answered')))
    onJsonLines(socket, ANSWER_LENGTH_MAX, (value) => {
      resolve(value as Answer)
      socket.end()
    })
    sendJsonLine(socket, question, QUESTION_LENGTH_MAX)
  })
}
