import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Simulation } from '../../agent/sim/simulation'
import { callCui, type Ran } from './harness'

/** The example that ships. */
export const PAIR_FILE = path.join(__dirname, '..', '..', 'man', 'examples', 'pair.yaml')

/** The job is online, and its copy whole. */
export const ONLINE = ['bringin DB_Group', 'wait DB_Group synchronized']

/** `cui --sim FILE …` as a script calls it; `lines` are its standard input. */
export async function cuiSim(argv: string[], lines: string[] = [], file = PAIR_FILE): Promise<Ran> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'cui-sim-'))
  try {
    return await callCui(['--sim', file, ...argv], home, lines.join('\n'), (options) => new Simulation(options))
  } finally {
    fs.rmSync(home, { recursive: true, force: true })
  }
}

/** One simulated pair for one call of `cui` after the other, as servers are there for many. */
export class KeptPair {
  private readonly home = fs.mkdtempSync(path.join(os.tmpdir(), 'cui-kept-'))
  private pair: Simulation | null = null

  /** `cui ARGV` as a script calls it; `lines` are its standard input. */
  cui(argv: string[], lines: string[] = []): Promise<Ran> {
    return callCui(['--sim', PAIR_FILE, ...argv], this.home, lines.join('\n'), (options) => {
      if (this.pair !== null) return Object.assign(Object.create(this.pair) as Simulation, { begin: async () => undefined })
      this.pair = new Simulation(options)
      return this.pair
    })
  }

  /** Each line's own object, in their order; they must all be done. */
  async done(lines: string[]): Promise<Result[]> {
    const { exitCode, out } = await this.cui(['--json'], lines)
    if (exitCode !== 0) throw new Error(out)
    return (JSON.parse(out) as { lines: { result: Result }[] }).lines.map(({ result }) => result)
  }

  end(): void {
    fs.rmSync(this.home, { recursive: true, force: true })
  }
}

/** Where all that a pair is, and what it has been told, can be seen. */
export const LOOKS = ['sim', 'allstate', 'jobstate DB_Group', 'config show', 'history DB_Group']

const TIMES = /Ms$|^(since|age|observedAt|lastSeen)$/

/** What LOOKS have shown last, without the times that pass by themselves. */
export const picture = (results: Result[]): string =>
  JSON.stringify(results.slice(-LOOKS.length), (key, value: unknown) => (TIMES.test(key) ? undefined : value), 1).replace(/\d+(\.\d+)? ?(ms|s|m|h)\b/g, 'T')

/** Each line's own object, in their order. */
export async function linesOf(lines: string[], file = PAIR_FILE): Promise<{ exitCode: number; error: Refusal | null; results: Result[] }> {
  const { exitCode, out } = await cuiSim(['--json'], lines, file)
  const said = JSON.parse(out) as { lines?: { exitCode: number; result: Result }[]; error?: Refusal }
  return { exitCode, error: said.error ?? null, results: (said.lines ?? []).map(({ result }) => result) }
}

export interface Refusal {
  code: string
  message: string
  tryThis: string
}

// What a command says, whatever it is: each test looks at what it knows.
export type Result = Record<string, unknown>
