import fs from 'node:fs'
import koffi from 'koffi'
import path from 'node:path'
import * as libc from '../../agent/native/libc'

/** Mixed random file operations on a directory, from a seed: the same seed does the same things. */
export interface RandomFiles {
  /** One operation; answers its name. An operation that cannot be done now (a name that is taken) counts as done. */
  step(): string
  /** How often each operation was done, for the report. */
  readonly done: Record<string, number>
  /** Closes what is open. */
  end(): void
}

export interface RandomFilesOptions {
  /** Names in use at once, about. */
  names?: number
  /** Changes of owner and device files; default: when root. */
  privileged?: boolean
}

const NAMES = 200
const DIRECTORY_DEPTH_MAX = 4
const FILE_BYTES_MAX = 300_000
const OPEN_MAX = 12
const PAGE = 4096
const RENAME_NOREPLACE = 1
const RENAME_EXCHANGE = 2
const KEEP_SIZE_PUNCH_HOLE = 3
const ZERO_RANGE = 16
const EXPECTED = new Set(['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EINVAL', 'EPERM', 'EACCES', 'ELOOP', 'EMLINK', 'ENXIO', 'EBUSY', 'ENODEV'])

/** mulberry32: small, and good enough to choose files by. */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const native = koffi.load('libc.so.6')
const mmap = native.func('mmap', 'void *', ['void *', 'size_t', 'int', 'int', 'int', 'int64'])
const munmap = native.func('munmap', 'int', ['void *', 'size_t'])
const memset = native.func('memset', 'void *', ['void *', 'int', 'size_t'])
const PROT_READ_WRITE = 3
const MAP_SHARED = 1

export function randomFiles(directory: string, seed: number, options: RandomFilesOptions = {}): RandomFiles {
  const random = randomSource(seed)
  const limit = options.names ?? NAMES
  const privileged = options.privileged ?? process.getuid?.() === 0
  const files: string[] = []
  const directories: string[] = [directory]
  const opened: number[] = []
  let serial = 0

  const below = (count: number): number => Math.floor(random() * count)
  const one = <T>(list: T[]): T => list[below(list.length)]!
  const newName = (): string => path.join(one(directories), `${one(['f', 'name with blank ', 'ä', '한', 'x'.repeat(100)])}${serial++}`)
  const someBytes = (length: number): Buffer => Buffer.alloc(length, `${seed}.${serial++}.${below(1e9)} `)
  const someFile = (): string => (files.length > 0 ? one(files) : makeFile())
  const forget = (list: string[], name: string): void => void (list.indexOf(name) >= 0 && list.splice(list.indexOf(name), 1))
  const c = (name: string): Buffer => Buffer.from(`${name}\0`)
  const check = (result: number): void => {
    if (result < 0 && ![-2, -17, -20, -21, -39, -22, -1, -6, -95, -40].includes(result)) throw new Error(`unexpected error ${-result}`)
  }

  function makeFile(): string {
    const name = newName()
    fs.writeFileSync(name, someBytes(below(20_000)))
    files.push(name)
    return name
  }

  function withFile(flags: string | number, work: (fd: number) => void): void {
    const fd = fs.openSync(someFile(), flags)
    try {
      work(fd)
    } finally {
      fs.closeSync(fd)
    }
  }

  /** Names that lie below a directory move with it. */
  function renamed(from: string, to: string): void {
    for (const list of [files, directories]) {
      list.forEach((name, index) => {
        if (name === from || name.startsWith(`${from}/`)) list[index] = to + name.slice(from.length)
      })
    }
  }

  function renameTo(from: string, to: string, flags: number): void {
    const result = libc.renameat2(libc.AT_FDCWD, c(from), libc.AT_FDCWD, c(to), flags)
    check(result)
    if (result < 0) return
    if (flags !== RENAME_EXCHANGE) {
      forget(files, to)
      return renamed(from, to)
    }
    renamed(from, '\0')
    renamed(to, from)
    renamed('\0', to)
  }

  const someDirectory = (): string => directories[1 + below(directories.length - 1)] ?? directory

  function mapAndWrite(fd: number): void {
    const pages = 1 + below(8)
    fs.ftruncateSync(fd, Math.max(fs.fstatSync(fd).size, pages * PAGE))
    const memory: unknown = mmap(null, pages * PAGE, PROT_READ_WRITE, MAP_SHARED, fd, 0)
    memset(memory, 1 + below(250), pages * PAGE)
    munmap(memory, pages * PAGE)
  }

  /** O_DIRECT wants memory at a page: it is mapped, without a file. */
  function writeDirect(): void {
    const fd = fs.openSync(someFile(), fs.constants.O_WRONLY | fs.constants.O_DIRECT)
    const memory = Buffer.allocUnsafeSlow(4 * PAGE)
    const start = (PAGE - Number(libc.addressOf(memory) % BigInt(PAGE))) % PAGE
    memory.fill(1 + below(250))
    try {
      check(libc.pwrite(fd, memory.subarray(start, start + 2 * PAGE), 2 * PAGE, below(20) * PAGE))
    } finally {
      fs.closeSync(fd)
    }
  }

  function unlinkWhileOpen(): void {
    const name = makeFile()
    const fd = fs.openSync(name, 'r+')
    if (random() < 0.5) link(name, `${name}.kept`)
    unlink(name)
    fs.writeSync(fd, someBytes(5_000), 0, 5_000, below(10_000))
    fs.ftruncateSync(fd, below(6_000))
    if (random() < 0.5) fs.fchmodSync(fd, 0o640)
    keepOpen(fd)
  }

  function link(existing: string, name: string): void {
    fs.linkSync(existing, name)
    files.push(name)
  }

  function unlink(name: string): void {
    fs.unlinkSync(name)
    forget(files, name)
  }

  function keepOpen(fd: number): void {
    opened.push(fd)
    if (opened.length > OPEN_MAX) fs.closeSync(opened.shift()!)
  }

  const owner = (): [number, number] => [below(3) * 1000, below(3) * 1000]
  const mode = (): number => one([0o600, 0o644, 0o755, 0o4755, 0o2755, 0o1777, 0o400])

  const everybody: Record<string, () => void> = {
    create: () => void makeFile(),
    createAgain: () => void makeFile(),
    createExclusive: () => fs.closeSync(fs.openSync(someFile(), 'wx')),
    overwrite: () => fs.writeFileSync(someFile(), someBytes(below(50_000))),
    write: () => withFile('r+', (fd) => fs.writeSync(fd, someBytes(1 + below(30_000)), 0, null, below(FILE_BYTES_MAX))),
    writeMuch: () => withFile('r+', (fd) => fs.writeSync(fd, someBytes(FILE_BYTES_MAX), 0, null, 0)),
    append: () => fs.appendFileSync(someFile(), someBytes(1 + below(5_000))),
    writeSynchronously: () => withFile(fs.constants.O_WRONLY | fs.constants.O_DSYNC, (fd) => fs.writeSync(fd, someBytes(100), 0, null, below(1_000))),
    writeAndKeepOpen: () => {
      const fd = fs.openSync(someFile(), 'r+')
      fs.writeSync(fd, someBytes(700))
      keepOpen(fd)
    },
    writeKept: () => void (opened.length > 0 && fs.writeSync(one(opened), someBytes(300), 0, 300, below(3_000))),
    truncate: () => fs.truncateSync(someFile(), below(FILE_BYTES_MAX)),
    fsync: () => withFile('r+', (fd) => fs.fsyncSync(fd)),
    mapAndWrite: () => withFile('r+', mapAndWrite),
    writeDirect,
    punchHole: () => withFile('r+', (fd) => check(libc.fallocate(fd, KEEP_SIZE_PUNCH_HOLE, below(10) * PAGE, PAGE))),
    zeroRange: () => withFile('r+', (fd) => check(libc.fallocate(fd, ZERO_RANGE, below(30_000), 1 + below(20_000)))),
    allocate: () => withFile('r+', (fd) => check(libc.fallocate(fd, 0, 0, 1 + below(FILE_BYTES_MAX)))),
    rename: () => renameTo(someFile(), newName(), 0),
    renameOver: () => renameTo(someFile(), someFile(), 0),
    renameNoReplace: () => renameTo(someFile(), one([newName(), someFile()]), RENAME_NOREPLACE),
    exchange: () => renameTo(someFile(), someFile(), RENAME_EXCHANGE),
    renameDirectory: () => void (directories.length > 1 && renameTo(someDirectory(), newName(), 0)),
    exchangeDirectory: () => void (directories.length > 1 && renameTo(someDirectory(), someFile(), RENAME_EXCHANGE)),
    link: () => {
      const name = newName()
      link(someFile(), name)
    },
    symlink: () => {
      const name = newName()
      fs.symlinkSync(one(['nowhere', '/etc/hostname', '../up', 'ä']), name)
      fs.lutimesSync(name, below(1e9), below(1e9))
    },
    fifo: () => check(libc.mknodat(libc.AT_FDCWD, c(newName()), 0o010640, 0)),
    chmod: () => fs.chmodSync(one([someFile(), ...files, ...directories.slice(1)]), mode() | 0o200),
    utimens: () => fs.utimesSync(one([...files, ...directories]), below(1e9) + random(), below(1e9) + random()),
    setxattr: () => check(libc.lsetxattr(c(someFile()), c(`user.n${below(3)}`), someBytes(30), 30, 0)),
    removexattr: () => void libc.lremovexattr(c(someFile()), c(`user.n${below(3)}`)),
    unlink: () => void (files.length > limit / 4 && unlink(someFile())),
    unlinkWhileOpen,
    mkdir: () => {
      const name = newName()
      if (name.slice(directory.length).split('/').length > DIRECTORY_DEPTH_MAX || directories.length > limit / 10) return
      fs.mkdirSync(name, mode() | 0o700)
      directories.push(name)
    },
    rmdir: () => {
      if (directories.length <= 1) return
      const name = someDirectory()
      fs.rmdirSync(name)
      forget(directories, name)
    },
    read: () => void fs.readFileSync(someFile()),
    list: () => void fs.readdirSync(one(directories), { withFileTypes: true })
  }
  const root: Record<string, () => void> = {
    chown: () => fs.lchownSync(one(files.length > 0 ? files : [makeFile()]), ...owner()),
    chownDirectory: () => fs.chownSync(one(directories), ...owner()),
    device: () => check(libc.mknodat(libc.AT_FDCWD, c(newName()), 0o020600, 0x103))
  }
  const operations = Object.entries(privileged ? { ...everybody, ...root } : everybody)
  const done: Record<string, number> = {}

  return {
    done,
    step() {
      while (files.length > limit) unlink(one(files))
      const [name, work] = one(operations)
      try {
        work()
      } catch (error) {
        if (!EXPECTED.has((error as NodeJS.ErrnoException).code ?? '')) throw new Error(`${name} (seed ${seed}) failed: ${String(error)}`, { cause: error })
      }
      done[name] = (done[name] ?? 0) + 1
      return name
    },
    end() {
      for (const fd of opened.splice(0)) fs.closeSync(fd)
    }
  }
}
