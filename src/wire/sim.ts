/** What the shell says to a simulated pair (`cui --sim FILE`) beside what it says to agents. */
export type SimFault =
  | { do: 'kill' | 'start' | 'shutdown' | 'crash'; node: string }
  | { do: 'freeze'; node: string; forMs: number }
  | { do: 'nic'; node: string; up: boolean }
  /** A network card is replaced by another one. */
  | { do: 'exchange'; node: string }
  | { do: 'cut' | 'heal'; what: string }
  | { do: 'failApplication' | 'breakApplication'; job: string; application: string }
  /** `key`: the left side of a monitor's condition; null: it cannot be read. */
  | { do: 'load'; node: string; key: string; value: number | null }
  | { do: 'advance'; forMs: number }
  /** The wall clocks of all machines are set; no time passes. */
  | { do: 'date'; wallMs: number }
  | { do: 'write'; job: string; bytes: number }

/** `refused`: nothing was done, and what would do instead. */
export type SimOutcome = { done: string } | { refused: string; known: string[] }

export interface SimMachine {
  node: string
  up: boolean
  /** Its engine runs. */
  engine: boolean
  frozen: boolean
  nicLost: boolean
  vips: string[]
  applications: string[]
  data: { job: string; role: string; bytes: number; lsn: number }[]
}

/** What is really there, whatever the agents say. */
export interface SimView {
  file: string
  /** Since the simulation began. */
  atMs: number
  /** The wall clock of its machines, epoch ms. */
  wallMs: number
  machines: SimMachine[]
  /** null: the configuration has none. */
  witness: boolean | null
  cuts: string[]
  broken: string[]
}
