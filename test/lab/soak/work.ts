import type { Node } from '../plan'

/** What a pair protects in a run, and a client that remembers what it was promised. */
export interface Work {
  /** Once for each pair, when the job is online. */
  prepare(): Promise<void>
  /** The client begins; resolves at its first promise. */
  begin(): Promise<void>
  /** Resolves when the client has been promised something new. */
  goesOn(timeoutMs: number): Promise<void>
  /** The client ends. What is missing of its promises, and everything else that is wrong. `mayLose`: safety OFF and another node serves. */
  end(mayLose: () => Promise<boolean>): Promise<{ told: string; problems: string[] }>
  /** The folder comes to rest, and the other side has all of it, so that both can be compared; `excluded`: names that the pair leaves alone. */
  rest(owner: Node): Promise<void>
  goOn(): Promise<void>
  readonly excluded: RegExp | null
}
