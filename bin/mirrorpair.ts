import path from 'node:path'

/**
 * The single executable: one file that is every program of mirrorpair. Which one is told by the name it was called
 * by (a link named `cui`, `rcli`, `mirrorpair-agent` or `mirrord`) or by the first argument; without either it is the shell.
 * The argument comes first: that is how one program starts another, whatever name the file was given.
 */
const PROGRAM_OF_NAME: Record<string, string> = {
  cui: 'cui',
  rcli: 'cui',
  agent: 'agent',
  'mirrorpair-agent': 'agent',
  mirrord: 'mirrord',
  keeper: 'keeper'
}

function chooseProgram(): string {
  const byArgument = PROGRAM_OF_NAME[process.argv[2] ?? '']
  if (byArgument) {
    process.argv.splice(2, 1)
    return byArgument
  }
  return PROGRAM_OF_NAME[path.basename(process.argv0)] ?? 'cui'
}

require(path.join(__dirname, `${chooseProgram()}.cjs`))
