import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { compareTrees } from '../../kit/compareTrees'
import { isMirrored, makePair, type TestPair } from './pair'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') && fs.existsSync('/dev/loop-control') ? test : test.skip
jest.setTimeout(60_000)

const DISK_BYTES = 64 * 1024 * 1024

let pair: TestPair
let disk: string
beforeEach(() => {
  pair = makePair()
  disk = path.join(pair.directory, 'disk')
})
afterEach(async () => {
  await pair.one.end()
  execFileSync('umount', [disk])
  await pair.end()
})

/** ext4 keeps what it has allocated when the disk is full. */
asRoot('a file that has grown although there was no room for all that was asked for has grown on the target, too', async () => {
  const { one, two } = pair
  fs.mkdirSync(disk)
  fs.writeFileSync(`${disk}.img`, '')
  fs.truncateSync(`${disk}.img`, DISK_BYTES)
  execFileSync('mkfs.ext4', ['-q', '-F', `${disk}.img`])
  execFileSync('mount', ['-o', 'loop', `${disk}.img`, disk])
  one.config.folders[0]!.path = path.join(disk, 'data')
  fs.mkdirSync(one.folder)
  await one.start()
  await two.start()
  await two.ask({ do: 'target', roleSequence: 1 })
  await one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
  await one.until('complete', isMirrored)
  const file = path.join(one.folder, 'file')
  fs.writeFileSync(file, 'words')
  expect(() => execFileSync('fallocate', ['-l', String(4 * DISK_BYTES), file], { stdio: 'pipe' })).toThrow('No space left')
  const { size } = fs.statSync(file)
  expect(size).toBeGreaterThan(DISK_BYTES / 2)
  await one.ask({ do: 'drain', timeoutMs: 30_000 })
  expect(fs.statSync(path.join(two.folder, 'file')).size).toBe(size)
  expect(compareTrees(one.folder, two.folder)).toEqual([])
})
