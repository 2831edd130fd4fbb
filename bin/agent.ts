import path from 'node:path'

/** `mirrorpair-agent`: the witness is a file of its own. It serves many pairs in little memory, of which the engine's code would be a good part. */
const program = process.argv[2] === 'witness' ? 'witness' : 'engine'

require(path.join(__dirname, `${program}.cjs`))
