import fs from 'node:fs'
import path from 'node:path'
import { FILE_CHECKS } from './fileChecks'

/** As a process: `fileChecks DIRECTORY CHECK`. Goes on until its standard input ends, and prints how many rounds it made; an error ends it at once. */
const [directory = '', name = ''] = process.argv.slice(2)
/** Standard input is looked at so often. */
const ROUNDS_AT_ONCE = 3
/** Seven of these at full speed would only wait for each other: what they are about happens between two of their calls. */
const PAUSE_MS = 2

function main(): void {
  const own = path.join(directory, name)
  fs.mkdirSync(own)
  const check = FILE_CHECKS[name]!(own)
  let round = 0
  let last = false
  process.stdin.on('end', () => (last = true)).resume()
  process.stdout.write('ready\n')
  const some = (): void => {
    for (let times = 0; times < ROUNDS_AT_ONCE; times++) check.step(++round)
    if (!last) return void setTimeout(some, PAUSE_MS)
    check.end()
    process.stdout.write(`${round}\n`)
  }
  some()
}

if (!(name in FILE_CHECKS)) {
  process.stderr.write(`fileChecks DIRECTORY ${Object.keys(FILE_CHECKS).join('|')}\n`)
  process.exitCode = 2
} else main()
