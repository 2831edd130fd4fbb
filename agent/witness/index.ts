import os from 'node:os'
import { ReportError } from '../../src/report/report'
import { DEFAULT_WITNESS_PORT } from '../../src/model'
import { setupFailure } from '../setup/failure'
import { type Output, readOptions } from '../setup/options'
import { DEFAULT_WITNESS_DIRECTORY } from './places'
import { runWitness } from './run'

const USAGE = `mirrorpair-agent witness [run] [--state DIR] [--listen ADDRESS] [--port PORT]
       mirrorpair-agent witness join ADDRESS[:PORT] CODE [--state DIR] [--name NAME]
       mirrorpair-agent witness leave CLUSTER [--state DIR]
       mirrorpair-agent witness status [--state DIR] [--json]`

const OPTIONS = {
  state: { type: 'string', default: DEFAULT_WITNESS_DIRECTORY },
  listen: { type: 'string' },
  port: { type: 'string', default: String(DEFAULT_WITNESS_PORT) },
  name: { type: 'string' },
  json: { type: 'boolean', default: false }
} as const

/** `mirrorpair-agent witness …`: the exit code. */
export async function witnessCommand(argv: string[]): Promise<number> {
  try {
    return await carryOut(argv, { print: (text) => process.stdout.write(`${text}\n`) })
  } catch (error) {
    if (!(error instanceof ReportError)) throw error
    const { code, message, tryThis, exitCode } = error.report
    process.stderr.write(`${code}: ${message}\n${tryThis}\n`)
    return exitCode
  }
}

async function carryOut(argv: string[], output: Output): Promise<number> {
  const { values, positionals } = readOptions(argv, OPTIONS, USAGE)
  const { state: stateDirectory } = values
  const [word = 'run', first, second, ...more] = positionals
  const host = values.name ?? os.hostname()
  if (word === 'run' && first === undefined) return await runWitness({ stateDirectory, host, listen: values.listen, port: portOf(values.port) })
  if (word === 'status' && first === undefined) return await lazily().status(stateDirectory, values.json, output)
  if (word === 'leave' && first !== undefined && second === undefined) return await lazily().leave(stateDirectory, first, output)
  if (word === 'join' && first !== undefined && second !== undefined && more.length === 0)
    return await lazily().join({ stateDirectory, host, address: first, code: second }, output)
  throw setupFailure('E_SETUP_USAGE', { what: 'witness needs one of run, join ADDRESS CODE, leave CLUSTER, status', usage: USAGE })
}

/** The certificate library is large: a witness that only runs does not load it. */
const lazily = () => ({ ...(require('./join') as typeof import('./join')), ...(require('./status') as typeof import('./status')) })

function portOf(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw setupFailure('E_SETUP_USAGE', { what: `${text} is no port`, usage: USAGE })
}
