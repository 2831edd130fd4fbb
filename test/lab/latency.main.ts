import fs from 'node:fs'
import path from 'node:path'

/**
 * Measures for how long a folder holds an application up: one small operation after the other, until its standard input ends; then prints one
 * JSON object with the longest time of each kind.
 *
 *     latency.cjs DIRECTORY [NAME…]      NAME: also looked at, whether it is there or not
 */
const EVERY_MS = 10
const BLOCK = Buffer.alloc(4096, 7)

const [directory = '', ...names] = process.argv.slice(2)
fs.mkdirSync(directory, { recursive: true })
const file = fs.openSync(path.join(directory, 'written'), 'w')
const longestMs: Record<string, number> = {}
let rounds = 0

const OPERATIONS: Record<string, () => unknown> = {
  write: () => fs.writeSync(file, BLOCK, 0, BLOCK.length, (rounds % 256) * BLOCK.length),
  create: () => fs.closeSync(fs.openSync(path.join(directory, `new ${rounds}`), 'w')),
  rename: () => fs.renameSync(path.join(directory, `new ${rounds}`), path.join(directory, `old ${rounds}`)),
  list: () => fs.readdirSync(directory),
  unlink: () => fs.unlinkSync(path.join(directory, `old ${rounds}`)),
  look: () => names.map((name) => fs.existsSync(name))
}

setInterval(() => {
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const begin = performance.now()
    operation()
    longestMs[name] = Math.max(longestMs[name] ?? 0, Math.round(performance.now() - begin))
  }
  rounds += 1
}, EVERY_MS)

process.stdin.resume().on('end', () => {
  process.stdout.write(`${JSON.stringify({ rounds, longestMs })}\n`, () => process.exit(0))
})
