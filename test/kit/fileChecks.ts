import fs from 'node:fs'
import path from 'node:path'
import koffi from 'koffi'
import * as libc from '../../agent/native/libc'

/**
 * Programs that do one kind of thing with files over and over and know exactly what must come out: the first wrong answer, and the first error, ends them.
 * Each works in a directory of its own, so that nobody else explains a difference.
 */
export type FileCheck = (directory: string) => { step(round: number): void; end(): void }

const native = koffi.load('libc.so.6')
const mmap = native.func('mmap', 'void *', ['void *', 'size_t', 'int', 'int', 'int', 'int64'])
const msync = native.func('msync', 'int', ['void *', 'size_t', 'int'])
const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MS_SYNC = 4
const PAGE = 4096
const MAPPED_PAGES = 64
const LISTED = 1_500
const XATTR_CREATE = 1
const XATTR_REPLACE = 2
const RENAME_EXCHANGE = 2
const PREALLOCATED_BYTES = 1 << 16

const c = (name: string): Buffer => libc.cString(libc.toByteString(name))
const nothing = (): void => undefined

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

function done(result: number, what: string): void {
  must(result >= 0, `${what} answers error ${-result}`)
}

function fails(code: string, work: () => unknown): void {
  try {
    work()
  } catch (error) {
    return must((error as NodeJS.ErrnoException).code === code, `expected ${code}, not ${String(error)}`)
  }
  throw new Error(`expected ${code}, and it worked`)
}

function contentOf(fd: number): string {
  const bytes = Buffer.alloc(PREALLOCATED_BYTES)
  return bytes.toString('utf8', 0, fs.readSync(fd, bytes, 0, bytes.length, 0))
}

/** Everything that makes, moves and takes away names. */
const names: FileCheck = (directory) => ({
  step(round) {
    const at = (name: string): string => path.join(directory, `${name}${round}`)
    fs.closeSync(fs.openSync(at('a'), 'wx'))
    fails('EEXIST', () => fs.openSync(at('a'), 'wx'))
    fs.writeFileSync(at('a'), `text ${round}`)
    fs.linkSync(at('a'), at('b'))
    fails('EEXIST', () => fs.linkSync(at('a'), at('b')))
    fs.renameSync(at('a'), at('c'))
    fails('ENOENT', () => fs.statSync(at('a')))
    must(fs.statSync(at('b')).nlink === 2, 'two names')
    fs.mkdirSync(at('d'))
    fails('EEXIST', () => fs.mkdirSync(at('d')))
    fs.renameSync(at('c'), path.join(at('d'), 'inside'))
    fs.renameSync(at('d'), at('e'))
    must(fs.readFileSync(path.join(at('e'), 'inside'), 'utf8') === `text ${round}`, 'the text, after two renames')
    fs.symlinkSync('inside', path.join(at('e'), 'link'))
    must(fs.readlinkSync(path.join(at('e'), 'link')) === 'inside', 'the link')
    done(libc.renameat2(libc.AT_FDCWD, c(at('b')), libc.AT_FDCWD, c(path.join(at('e'), 'link')), RENAME_EXCHANGE), 'exchange')
    must(fs.readlinkSync(at('b')) === 'inside', 'the exchanged link')
    fails('ENOTEMPTY', () => fs.rmdirSync(at('e')))
    for (const name of [path.join(at('e'), 'inside'), path.join(at('e'), 'link'), at('b')]) fs.unlinkSync(name)
    fails('ENOENT', () => fs.unlinkSync(at('b')))
    fs.rmdirSync(at('e'))
    must(fs.readdirSync(directory).length === 0, 'nothing left')
  },
  end: nothing
})

/** Files without a name that stay in use. */
const unlinked: FileCheck = (directory) => {
  const open: { fd: number; text: string }[] = []
  const check = ({ fd, text }: { fd: number; text: string }): void => {
    must(contentOf(fd) === text, 'the content of a file without a name')
    must(fs.fstatSync(fd).nlink === 0, 'no name')
  }
  return {
    step(round) {
      const file = path.join(directory, `u${round}`)
      const fd = fs.openSync(file, 'wx+')
      const text = `file ${round} `.repeat(1 + (round % 50))
      fs.writeSync(fd, text)
      if (round % 2 === 0) fs.unlinkSync(file)
      else {
        fs.writeFileSync(`${file}.new`, '')
        fs.renameSync(`${file}.new`, file)
      }
      open.push({ fd, text })
      const one = open[round % open.length]!
      fs.ftruncateSync(one.fd, 4)
      fs.writeSync(one.fd, `and ${round}`, 4)
      one.text = `${one.text.slice(0, 4)}and ${round}`
      for (const each of open) check(each)
      if (open.length > 8) fs.closeSync(open.shift()!.fd)
    },
    end() {
      for (const { fd } of open) fs.closeSync(fd)
    }
  }
}

/** One file that only grows: each line once, in order. */
const appends: FileCheck = (directory) => {
  const file = path.join(directory, 'log')
  const fd = fs.openSync(file, 'a')
  const lines: string[] = []
  return {
    step(round) {
      const line = `line ${round} ${'x'.repeat(round % 200)}`
      must(fs.writeSync(fd, `${line}\n`) === line.length + 1, 'the whole line')
      lines.push(line)
      if (round % 10 === 0) fs.fsyncSync(fd)
      if (round % 50 === 0) must(fs.readFileSync(file, 'utf8') === `${lines.join('\n')}\n`, 'all lines')
    },
    end() {
      fs.closeSync(fd)
      must(fs.readFileSync(file, 'utf8') === `${lines.join('\n')}\n`, 'all lines at the end')
    }
  }
}

/** Overwrites in place with synchronous writes, as a database does. */
const pages: FileCheck = (directory) => {
  const file = path.join(directory, 'pages')
  fs.writeFileSync(file, Buffer.alloc(MAPPED_PAGES * PAGE))
  const fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_DSYNC)
  const known = new Map<number, number>()
  return {
    step(round) {
      const page = (round * 7) % MAPPED_PAGES
      const bytes = Buffer.alloc(PAGE, round & 0xff)
      must(fs.writeSync(fd, bytes, 0, PAGE, page * PAGE) === PAGE, 'the whole page')
      known.set(page, round & 0xff)
      for (const [each, value] of known) {
        must(fs.readSync(fd, bytes, 0, PAGE, each * PAGE) === PAGE, 'a whole page back')
        must(bytes[0] === value && bytes[PAGE - 1] === value, `page ${each} as it was written`)
      }
    },
    end: () => fs.closeSync(fd)
  }
}

/** Shared memory over a file, and the file. */
const mapped: FileCheck = (directory) => {
  const file = path.join(directory, 'mapped')
  fs.writeFileSync(file, Buffer.alloc(MAPPED_PAGES * PAGE))
  const fd = fs.openSync(file, 'r+')
  const address = mmap(null, MAPPED_PAGES * PAGE, PROT_READ_WRITE, MAP_SHARED, fd, 0) as bigint
  const memory = Buffer.from(koffi.view(address, MAPPED_PAGES * PAGE))
  fs.closeSync(fd)
  return {
    step(round) {
      const page = (round * 11) % MAPPED_PAGES
      memory.fill(round & 0xff, page * PAGE, (page + 1) * PAGE)
      must(msync(address, MAPPED_PAGES * PAGE, MS_SYNC) === 0, 'msync')
      must(fs.readFileSync(file).equals(memory), 'the file as it is in memory')
    },
    end: nothing
  }
}

/** A large directory, read a few names at a time. */
const listing: FileCheck = (directory) => {
  for (let index = 0; index < LISTED; index++) fs.writeFileSync(path.join(directory, `a rather long name, number ${index}`), '')
  return {
    step(round) {
      const seen = new Set<string>()
      const open = fs.opendirSync(directory, { bufferSize: 1 + (round % 40) })
      for (let entry = open.readSync(); entry !== null; entry = open.readSync()) {
        must(!seen.has(entry.name), `${entry.name} is listed once`)
        seen.add(entry.name)
      }
      open.closeSync()
      must(seen.size === LISTED, `${seen.size} of ${LISTED} names are listed`)
    },
    end: nothing
  }
}

const attributes: FileCheck = (directory) => {
  const file = path.join(directory, 'file')
  fs.writeFileSync(file, 'x')
  const value = Buffer.alloc(64)
  return {
    step(round) {
      const text = Buffer.from(`value ${round}`)
      done(libc.lsetxattr(c(file), c('user.n'), text, text.length, XATTR_CREATE), 'setxattr, new')
      must(libc.lsetxattr(c(file), c('user.n'), text, text.length, XATTR_CREATE) === -17, 'EEXIST')
      done(libc.lsetxattr(c(file), c('user.n'), text, text.length, XATTR_REPLACE), 'setxattr, replaced')
      const bytes = libc.lgetxattr(c(file), c('user.n'), value, value.length)
      must(value.toString('utf8', 0, Math.max(0, bytes)) === `value ${round}`, 'the value')
      done(libc.lremovexattr(c(file), c('user.n')), 'removexattr')
      must(libc.lremovexattr(c(file), c('user.n')) === -61, 'ENODATA')
      fs.chmodSync(file, 0o600 + (round % 8))
      fs.utimesSync(file, round, round)
      const { mode, mtimeMs } = fs.statSync(file)
      must((mode & 0o777) === 0o600 + (round % 8) && mtimeMs === round * 1_000, 'mode and time')
    },
    end: nothing
  }
}

export const FILE_CHECKS: Record<string, FileCheck> = { names, unlinked, appends, pages, mapped, listing, attributes }
