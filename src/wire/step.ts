import type { NodeName } from '../model'

/** One step of a running command, as the shell shows it. */
export interface StepLine {
  /** Wall clock, epoch ms. */
  atMs: number
  node: NodeName
  /** Starts with a capital, no full stop: `Stop application POSTGRES`. */
  text: string
  state: 'begin' | 'done' | 'failed'
}
