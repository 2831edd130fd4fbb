import path from 'node:path'
import { askLocal, serveLocal } from '../adapters/localDoor'
import type { Engine } from './engine'
import type { LeaveView } from './leaving'

const socketOf = (runDirectory: string): string => path.join(runDirectory, 'engine.sock')

/** What this machine itself asks of its engine: only who may open the run directory. */
export const serveMachine = (runDirectory: string, engine: Pick<Engine, 'leave'>): Promise<() => void> =>
  serveLocal(socketOf(runDirectory), (question) => (question === 'leave' ? engine.leave() : { unknown: question }))

/** null: no engine runs. */
export const askToLeave = (runDirectory: string): Promise<LeaveView | null> => askLocal<LeaveView>(socketOf(runDirectory), 'leave')
