import v8 from 'node:v8'

// What a question leaves behind is garbage at once: little memory that is cleaned often, instead of much that is cleaned seldom.
for (const flag of ['--semi-space-growth-factor=1', '--optimize-for-size']) v8.setFlagsFromString(flag)

const { witnessCommand } = require('../agent/witness') as typeof import('../agent/witness')

/** `mirrorpair-agent witness …` */
witnessCommand(process.argv.slice(3))
  .catch((thrown: unknown) => {
    process.stderr.write(`mirrorpair-agent: unexpected: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
    return 1
  })
  .then((exitCode) => process.stdout.write('', () => process.exit(exitCode)))
