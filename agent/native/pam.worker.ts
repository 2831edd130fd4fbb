import { parentPort } from 'node:worker_threads'
import { loadPam, type PamAnswer, type PamQuestion } from './pam'

// PAM blocks its thread for up to seconds, and a module of it may hang: that must never be the engine's thread.
let check: ((question: PamQuestion) => PamAnswer) | null = null

function answer(question: PamQuestion): PamAnswer {
  try {
    check ??= loadPam()
    return check(question)
  } catch (error) {
    return { result: 'broken', why: `libpam cannot be loaded (${(error as Error).message.split('\n')[0]})` }
  }
}

parentPort?.on('message', ({ id, question }: { id: number; question: PamQuestion }) => parentPort?.postMessage({ id, answer: answer(question) }))
