import path from 'node:path'

/**
 * `mirrorpair-agent`: the witness, the heartbeat, and the program that looks at the usage of the machine, are files of their own. They live in little
 * memory, of which the engine's code would be a good part, and start in half the time.
 */
const APART = ['witness', 'heartbeat', 'usage']
const program = APART.find((word) => word === process.argv[2]) ?? 'engine'

require(path.join(__dirname, `${program}.cjs`))
