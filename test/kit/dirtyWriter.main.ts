import fs from 'node:fs'
import path from 'node:path'
import * as libc from '../../agent/native/libc'
import { randomFiles, randomSource } from './randomFiles'

/**
 * Changes a folder at random, in a process of its own: the folder may go away under it. `dirtyWriter DIRECTORY SEED`; it is told over the parent's channel
 * how many steps to do, and answers `done`, or `dead` when the folder answers no more.
 */
const NAMES = 12
const FILE_BYTES_MAX = 24 << 20
const RENAME_EXCHANGE = 2
/** Everything else is an operation that cannot be done now. */
const DEAD = /ENOTCONN|ECONNABORTED|EIO|ESTALE|EROFS|unexpected error (5|30|103|107|116)$/

const [directory, seedText] = process.argv.slice(2)
const seed = Number(seedText)
const random = randomSource(seed + 1_000_000)
const below = (count: number): number => Math.floor(random() * count)
const one = <T>(list: T[]): T => list[below(list.length)]!

/** Few names, used again and again: what was taken away comes back as something else. */
const place = path.join(directory!, 'again')
const name = (): string => path.join(place, one(['', 'one', 'two', 'two/deep']), `n${below(NAMES)}`)
const bytes = (): Buffer => Buffer.alloc(1 + below(9_000), `${below(1e9)} `)

const moves: (() => void)[] = [
  () => fs.writeFileSync(name(), bytes()),
  () => {
    const fd = fs.openSync(name(), 'r+')
    fs.writeSync(fd, bytes(), 0, null, below(FILE_BYTES_MAX))
    fs.closeSync(fd)
  },
  () => fs.appendFileSync(name(), bytes()),
  () => fs.truncateSync(name(), below(FILE_BYTES_MAX)),
  () => fs.rmSync(name(), { recursive: true }),
  () => fs.unlinkSync(name()),
  () => fs.renameSync(name(), name()),
  () => void libc.renameat2(libc.AT_FDCWD, libc.cString(name()), libc.AT_FDCWD, libc.cString(name()), RENAME_EXCHANGE),
  () => fs.linkSync(name(), name()),
  () => fs.symlinkSync(String(below(5)), name()),
  () => fs.mkdirSync(path.join(place, one(['one', 'two', 'two/deep', `n${below(NAMES)}`])), { recursive: true }),
  () => fs.renameSync(path.join(place, one(['one', 'two', 'two/deep'])), path.join(place, one(['one', 'two', `n${below(NAMES)}`]))),
  () => fs.chmodSync(name(), 0o600 + below(0o77)),
  () => fs.utimesSync(name(), below(1e9), below(1e9))
]

function step(files: ReturnType<typeof randomFiles>): void {
  try {
    if (random() < 0.5) files.step()
    else one(moves)()
  } catch (error) {
    if (DEAD.test(String(error))) throw error
  }
}

fs.mkdirSync(path.join(place, 'two', 'deep'), { recursive: true })
const files = randomFiles(directory!, seed, { names: 60 })
process.on('message', ({ steps }: { steps: number }) => {
  try {
    for (let each = 0; each < steps; each++) step(files)
    process.send!('done')
  } catch (error) {
    process.send!({ dead: String(error) })
  }
})
process.send!('ready')
