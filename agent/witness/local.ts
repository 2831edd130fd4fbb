import path from 'node:path'
import { askLocal as ask, serveLocal as serve } from '../adapters/localDoor'
import type { WitnessJobView } from './jobs'

/** Asked by the same program on the same machine. */
export interface WitnessStatus {
  host: string
  port: number
  connections: number
  memoryBytes: number
  clusters: { name: string; jobs: WitnessJobView[] }[]
}

const socketOf = (stateDirectory: string): string => path.join(stateDirectory, 'witness.sock')

export function serveLocal(stateDirectory: string, answers: { status(): WitnessStatus; reload(): void }): Promise<() => void> {
  return serve(socketOf(stateDirectory), (question) => {
    if (question === 'reload') answers.reload()
    return answers.status()
  })
}

/** null: no witness runs there. */
export const askLocal = (stateDirectory: string, question: 'status' | 'reload'): Promise<WitnessStatus | null> =>
  ask<WitnessStatus>(socketOf(stateDirectory), question)
