import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { Simulation } from '../../agent/sim/simulation'
import type { Io } from '../../commands/io'
import { runCui } from '../../commands/main'
import type { Ran } from './harness'

/** The example that ships. */
export const PAIR_FILE = path.join(__dirname, '..', '..', 'man', 'examples', 'pair.yaml')

/** `cui --sim FILE …` as a script calls it; `lines` are its standard input. */
export async function cuiSim(argv: string[], lines: string[] = [], file = PAIR_FILE): Promise<Ran> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'cui-sim-'))
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end(lines.join('\n'))
  const io: Io = { stdin, stdout, stderr, env: { MIRRORPAIR_HOME: home }, onInterrupt: () => () => undefined, onEnd: () => () => undefined }
  try {
    const exitCode = await runCui(['--sim', file, ...argv], io, '0.1.0', (options) => new Simulation(options))
    return { exitCode, out: textOf(stdout), err: textOf(stderr) }
  } finally {
    fs.rmSync(home, { recursive: true, force: true })
  }
}

const textOf = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? ''

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
