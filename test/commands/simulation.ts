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

/** Each line's own object, in their order. */
export async function linesOf(
  lines: string[],
  file = PAIR_FILE
): Promise<{ exitCode: number; error: { code: string; message: string } | null; results: Result[] }> {
  const { exitCode, out } = await cuiSim(['--json'], lines, file)
  const said = JSON.parse(out) as { lines?: { exitCode: number; result: Result }[]; error?: { code: string; message: string } }
  return { exitCode, error: said.error ?? null, results: (said.lines ?? []).map(({ result }) => result) }
}

// What a command says, whatever it is: each test looks at what it knows.
export type Result = Record<string, unknown>
