import fs from 'node:fs'
import path from 'node:path'
import * as libc from '../../../agent/native/libc'
import { compareTrees } from '../../kit/compareTrees'
import { randomFiles, randomSource } from '../../kit/randomFiles'
import { delay, makePair, isMirrored, type TestPair } from './pair'
import { Relay } from './relay'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') ? describe : describe.skip
jest.setTimeout(180_000)

/** Two and a half megabytes of names: three parts of a listing. */
const NAMES = 12_000
const NAME_BYTES = 200
const c = (...parts: string[]): Buffer => Buffer.concat([...parts.map((part) => Buffer.from(part, 'latin1')), Buffer.from([0])])
/** An access list: user::rw-, user:1000:r--, group::r--, mask::r--, other::---. */
const ACCESS_LIST = Buffer.from('0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000000ffffffff', 'hex')

/** One of each kind of thing, with the names that programs forget. */
function oneOfEach(folder: string): void {
  fs.mkdirSync(folder, { recursive: true })
  const at = (name: string): string => path.join(folder, name)
  libc.mknodat(libc.AT_FDCWD, c(at('fifo')), 0o010640, 0)
  libc.mknodat(libc.AT_FDCWD, c(at('socket')), 0o140600, 0)
  libc.mknodat(libc.AT_FDCWD, c(at('character')), 0o020600, 0x103)
  libc.mknodat(libc.AT_FDCWD, c(at('block')), 0o060600, 0x700)
  fs.writeFileSync(at('n'.repeat(255)), 'the longest name')
  fs.writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x80, 0x0a, 0xc3])]), 'not UTF-8')
  fs.writeFileSync(at('with attributes'), 'x')
  libc.lsetxattr(c(at('with attributes')), c('user.note'), Buffer.from([0, 1, 255]), 3, 0)
  libc.lsetxattr(c(at('with attributes')), c('system.posix_acl_access'), ACCESS_LIST, ACCESS_LIST.length, 0)
  fs.linkSync(at('fifo'), at('fifo too'))
  fs.symlinkSync('x'.repeat(4_000), at('long link'))
}

asRoot('everything a folder can hold', () => {
  let pair: TestPair
  let relay: Relay
  beforeEach(async () => {
    pair = makePair({ queueBytes: 64 * 1024 * 1024 })
    relay = new Relay(pair.one.config.port, '127.0.0.9', '127.0.0.3')
  })
  afterEach(async () => {
    await pair.end()
    relay.end()
  })

  const begin = async (): Promise<void> => {
    await pair.one.start()
    await pair.two.start()
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
  }
  const complete = async (): Promise<void> => {
    await pair.one.until('complete', isMirrored, 60_000)
  }

  test('two folders in one job: each kind and name, by the walk and as it is made; a directory whose listing has several parts', async () => {
    for (const side of [pair.one, pair.two]) {
      const path = `${side.folder}-second`
      fs.mkdirSync(path)
      side.config.folders.push({ path, name: 'second', exclude: [] })
    }
    const [first, second] = pair.one.config.folders.map((folder) => folder.path) as [string, string]
    oneOfEach(path.join(first, 'walked'))
    oneOfEach(path.join(second, 'walked'))
    const crowded = path.join(second, 'crowded')
    fs.mkdirSync(crowded)
    for (let index = 0; index < NAMES; index++) fs.closeSync(fs.openSync(path.join(crowded, String(index).padEnd(NAME_BYTES, 'n')), 'w'))
    for (let index = 0; index < 500; index++) fs.mkdirSync(path.join(`${pair.two.folder}-second`, 'crowded', `stale ${index}/x`), { recursive: true })
    await begin()
    for (const [index, folder] of [first, second].entries()) {
      oneOfEach(path.join(folder, 'made'))
      const files = randomFiles(path.join(folder, 'made'), index)
      for (let step = 0; step < 200; step++) files.step()
      files.end()
    }
    await complete()
    oneOfEach(path.join(second, 'made later'))
    await pair.one.ask({ do: 'drain', timeoutMs: 30_000 })
    expect(compareTrees(first, pair.two.folder)).toEqual([])
    const other = `${pair.two.folder}-second`
    expect(fs.readdirSync(path.join(other, 'crowded')).sort()).toEqual(fs.readdirSync(crowded).sort())
    for (const name of ['walked', 'made', 'made later']) expect(compareTrees(path.join(second, name), path.join(other, name))).toEqual([])
    expect(pair.one.faults).toEqual([])
  })

  test.each([1, 2, 3, 4])('random work during a full mirror over a connection that is cut (seed %i)', async (seed) => {
    const random = randomSource(seed)
    const files = randomFiles(pair.one.folder, seed)
    for (let step = 0; step < 500; step++) files.step()
    fs.writeFileSync(path.join(pair.one.folder, 'large'), Buffer.alloc(30_000_000, 'large'))
    await relay.plugIn()
    pair.one.config.links.splice(0, 2, { name: 'link-0', localAddress: '127.0.0.2', peerAddress: relay.address })
    await begin()
    for (let cut = 0; cut < 4; cut++) {
      relay.cutAfter(Math.floor(random() * 8_000_000))
      for (let step = 0; step < 150; step++) {
        files.step()
        if (step % 10 === 0) await delay(random() * 20)
      }
      if (cut === 2) await pair.one.ask({ do: 'mirror', action: 'start' })
    }
    await complete()
    for (let step = 0; step < 100; step++) files.step()
    files.end()
    await pair.one.ask({ do: 'drain', timeoutMs: 30_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
    expect(relay.cuts).toBeGreaterThan(0)
    expect(pair.two.faults).toEqual([])
  })
})
