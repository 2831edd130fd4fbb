import path from 'node:path'
import type { OpenSimulation } from '../commands/simulation'

// Bundled in; the compiler's project of this folder ends at its own files.
const { version } = require('../package.json') as { version: string }

/** `cui` (rcli): the last catch and the exit code; everything else is in commands. */
async function main(argv: string[]): Promise<number> {
  // Answered before anything is loaded.
  if (argv.length === 1 && argv[0] === '--version') {
    process.stdout.write(`mirrorpair ${version}\n`)
    return 0
  }
  const { runCui } = await import('../commands/main.js')
  return runCui(argv, undefined, version, openSimulation)
}

const openSimulation: OpenSimulation = (options) =>
  (require(path.join(__dirname, 'simulated.cjs')) as { openSimulation: OpenSimulation }).openSimulation(options)

/** A pipe closed by its reader (`cui list | head -1`) is no error. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
}

main(process.argv.slice(2)).then(
  (exitCode) => process.stdout.write('', () => process.exit(exitCode)),
  (thrown: unknown) => {
    process.stderr.write(`cui: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
    process.exit(1)
  }
)
