import fs from 'node:fs'
import path from 'node:path'
import * as libc from '../../../agent/native/libc'
import { withFuse } from '../capture/fuse'
import { DyingCapture, type Place } from './dyingCapture'

const EXCHANGE = 2
const XATTR_CREATE = 1
const c = (name: string): Buffer => libc.cString(libc.toByteString(name))

/** One change of the folder, that must succeed and be there once, wherever the process that serves it dies. */
interface Change {
  name: string
  before?: (at: (name: string) => string) => void
  make: (at: (name: string) => string) => unknown
  see: (at: (name: string) => string) => unknown
  expected: unknown
  /** All, where names depend on it. */
  places?: Place[]
}

const read = (file: string): string => fs.readFileSync(file, 'utf8')
const exists = (file: string): boolean => fs.existsSync(file)
const ok = (result: number): void => expect(result).toBeGreaterThanOrEqual(0)
const move = (from: string, to: string, flags: number): void => ok(libc.renameat2(libc.AT_FDCWD, c(from), libc.AT_FDCWD, c(to), flags))

const AFTER: Place[] = ['changed', 'unlock']

const CHANGES: Change[] = [
  {
    name: 'create with O_EXCL',
    make: (at) => fs.closeSync(fs.openSync(at('new'), 'wx', 0o640)),
    see: (at) => [fs.statSync(at('new')).mode & 0o777, read(at('new'))],
    expected: [0o640, '']
  },
  {
    name: 'mkdir',
    places: AFTER,
    make: (at) => fs.mkdirSync(at('new'), 0o750),
    see: (at) => [fs.statSync(at('new')).mode & 0o777, fs.readdirSync(at('new'))],
    expected: [0o750, []]
  },
  { name: 'symlink', places: AFTER, make: (at) => fs.symlinkSync('somewhere', at('new')), see: (at) => fs.readlinkSync(at('new')), expected: 'somewhere' },
  {
    name: 'mknod',
    places: AFTER,
    make: (at) => ok(libc.mknodat(libc.AT_FDCWD, c(at('new')), 0o010600, 0)),
    see: (at) => fs.statSync(at('new')).isFIFO(),
    expected: true
  },
  {
    name: 'link',
    before: (at) => fs.writeFileSync(at('one'), 'x'),
    make: (at) => fs.linkSync(at('one'), at('two')),
    see: (at) => [fs.statSync(at('one')).nlink, read(at('two'))],
    expected: [2, 'x']
  },
  {
    name: 'unlink',
    before: (at) => fs.writeFileSync(at('one'), 'x'),
    make: (at) => fs.unlinkSync(at('one')),
    see: (at) => exists(at('one')),
    expected: false
  },
  {
    name: 'rmdir',
    places: AFTER,
    before: (at) => fs.mkdirSync(at('one')),
    make: (at) => fs.rmdirSync(at('one')),
    see: (at) => exists(at('one')),
    expected: false
  },
  {
    name: 'rename',
    before: (at) => fs.writeFileSync(at('one'), 'x'),
    make: (at) => fs.renameSync(at('one'), at('two')),
    see: (at) => [exists(at('one')), read(at('two'))],
    expected: [false, 'x']
  },
  {
    name: 'rename over another file',
    before: (at) => {
      fs.writeFileSync(at('one'), 'x')
      fs.writeFileSync(at('two'), 'y')
    },
    make: (at) => fs.renameSync(at('one'), at('two')),
    see: (at) => [exists(at('one')), read(at('two'))],
    expected: [false, 'x']
  },
  {
    name: 'exchange',
    before: (at) => {
      fs.writeFileSync(at('one'), 'x')
      fs.mkdirSync(at('two'))
    },
    make: (at) => move(at('one'), at('two'), EXCHANGE),
    see: (at) => [fs.statSync(at('one')).isDirectory(), read(at('two'))],
    expected: [true, 'x']
  },
  {
    name: 'rename of a directory with files in it',
    before: (at) => {
      fs.mkdirSync(at('one'))
      fs.writeFileSync(at('one/file'), 'x')
    },
    make: (at) => fs.renameSync(at('one'), at('two')),
    see: (at) => [exists(at('one')), read(at('two/file'))],
    expected: [false, 'x']
  },
  {
    name: 'setxattr that must make it new',
    places: AFTER,
    before: (at) => fs.writeFileSync(at('one'), 'x'),
    make: (at) => ok(libc.lsetxattr(c(at('one')), c('user.n'), Buffer.from('v'), 1, XATTR_CREATE)),
    see: (at) => libc.lgetxattr(c(at('one')), c('user.n'), null, 0),
    expected: 1
  },
  {
    name: 'removexattr',
    places: AFTER,
    before: (at) => {
      fs.writeFileSync(at('one'), 'x')
      ok(libc.lsetxattr(c(at('one')), c('user.n'), Buffer.from('v'), 1, 0))
    },
    make: (at) => ok(libc.lremovexattr(c(at('one')), c('user.n'))),
    see: (at) => libc.lgetxattr(c(at('one')), c('user.n'), null, 0),
    expected: -61
  },
  {
    name: 'append',
    places: AFTER,
    before: (at) => fs.writeFileSync(at('one'), 'a'),
    make: (at) => fs.appendFileSync(at('one'), 'b'),
    see: (at) => read(at('one')),
    expected: 'ab'
  },
  {
    name: 'chmod and chown',
    places: AFTER,
    before: (at) => fs.writeFileSync(at('one'), 'x'),
    make: (at) => {
      fs.chownSync(at('one'), 1000, 1000)
      fs.chmodSync(at('one'), 0o4711)
    },
    see: (at) => [fs.statSync(at('one')).mode & 0o7777, fs.statSync(at('one')).uid],
    expected: [0o4711, 1000]
  }
]

const TEST_TIMEOUT_MS = 40_000
const PLACES: Place[] = ['locked', 'changed', 'append', 'unlock']

withFuse.each([...CHANGES, null])('the process dies with a request in hand', (change) => {
  // Each has a keeper of its own: one that starts too many successors gives up.
  let capture: DyingCapture
  let directory: string
  let serial = 0
  const at = (name: string): string => path.join(directory, name)

  beforeAll(async () => {
    capture = new DyingCapture()
    await capture.start()
  }, TEST_TIMEOUT_MS)
  beforeEach(() => {
    directory = path.join(capture.folder, `d${serial++}`)
    fs.mkdirSync(directory)
  })
  afterEach(() => capture.disarm())
  afterAll(() => capture.end(), TEST_TIMEOUT_MS)

  if (change !== null) test.each(change.places ?? PLACES)(`${change.name} (%s)`, (place) => makeIt(change, place), TEST_TIMEOUT_MS)
  else test.each(PLACES)('files stay open through a rename of their directory and their own unlink (%s)', stayOpen, TEST_TIMEOUT_MS)

  function makeIt({ before, make, see, expected }: Change, place: Place): void {
    before?.(at)
    dying(place, () => make(at))
    expect(see(at)).toEqual(expected)
  }

  function dying(place: Place, make: () => void): void {
    capture.dieAt(place)
    make()
    expect(capture.hasDied()).toBe(true)
  }

  function stayOpen(place: Place): void {
    fs.mkdirSync(at('one'))
    for (const name of ['renamed', 'removed', 'replaced']) fs.writeFileSync(at(`one/${name}`), name)
    fs.writeFileSync(at('new'), 'new')
    const opened = ['renamed', 'removed', 'replaced'].map((name) => ({ name, fd: fs.openSync(at(`one/${name}`), 'r+') }))
    const listing = fs.opendirSync(at('one'))
    dying(place, () => fs.renameSync(at('one'), at('two')))
    dying(place, () => fs.unlinkSync(at('two/removed')))
    dying(place, () => fs.renameSync(at('new'), at('two/replaced')))
    for (const { name, fd } of opened) {
      fs.writeSync(fd, '!!', name.length)
      fs.ftruncateSync(fd, name.length + 1)
      const bytes = Buffer.alloc(20)
      expect(bytes.toString('utf8', 0, fs.readSync(fd, bytes, 0, 20, 0))).toBe(`${name}!`)
      fs.closeSync(fd)
    }
    expect(listing.readSync()).not.toBeNull()
    listing.closeSync()
    expect(read(at('two/replaced'))).toBe('new')
    expect(fs.readdirSync(at('two')).sort()).toEqual(['renamed', 'replaced'])
  }
})
