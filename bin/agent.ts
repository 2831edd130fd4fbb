import path from 'node:path'

/**
 * `mirrorpair-agent`: the witness, and the program that looks at the usage of the machine, are files of their own. They live in little memory, of which the
 * engine's code would be a good part.
 */
const APART = ['witness', 'usage']
const program = APART.find((word) => word === process.argv[2]) ?? 'engine'

require(path.join(__dirname, `${program}.cjs`))
