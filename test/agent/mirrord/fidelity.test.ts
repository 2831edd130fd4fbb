import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import * as libc from '../../../agent/native/libc'
import { makePair, isMirrored, type TestPair } from './pair'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') ? test : test.skip
jest.setTimeout(180_000)

const GIB = 2 ** 30
const BEHIND_4_GIB = 4 * GIB + 12_345
const WORDS = Buffer.from('behind four gibibytes')
const bytes = (...parts: string[]): Buffer => Buffer.concat([...parts.map((part) => Buffer.from(part, 'latin1')), Buffer.of(0)])
/** struct vfs_cap_data: cap_net_bind_service, permitted and effective. */
const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex')

/** Everything that `rsync -aHAX` keeps. */
function everything(folder: string): void {
  fs.mkdirSync(folder)
  const at = (name: string): string => path.join(folder, name)
  const sh = (script: string): void => void execFileSync('sh', ['-ec', script], { cwd: folder })
  sh('echo one > file; ln file second; mkdir d; ln file d/third; ln -s file link; ln -s /nowhere/at/all broken')
  sh('mkfifo -m 640 fifo; mknod -m 600 char c 1 3; mknod -m 660 block b 7 0; ln fifo d/fifo')
  sh('echo acl > acl; setfacl -m u:1000:r,g:1001:rw acl; setfacl -d -m u:1000:rwx,g::r d; setfacl -m u:1002:x d; echo inherits > d/inherits')
  sh('mkdir older; echo x > older/file; mkfifo older/fifo; mkdir older/d; truncate -s 600K older/large; setfacl -d -m u:1000:rwx older')
  sh('echo x > attributes; setfattr -n user.note -v text attributes; setfattr -n trusted.note -v 0x00ff00 attributes; setfattr -n user.dir -v 1 d')
  sh('cp /bin/true tool; chmod 4755 tool; chown 1000:1001 attributes; chmod 1777 d; echo w > set; chmod 2711 set; ln -s x owned; chown -h 1003:1004 owned')
  libc.mknodat(libc.AT_FDCWD, bytes(at('socket')), 0o140600, 0)
  libc.lsetxattr(bytes(at('set')), bytes('security.capability'), CAPABILITY, CAPABILITY.length, 0)
  fs.writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x80, 0x0a, 0xc3, 0x5c])]), 'not UTF-8')
  fs.writeFileSync(at('n'.repeat(255)), 'the longest name')
  let deep = folder
  while (deep.length < 3_700) fs.mkdirSync((deep = path.join(deep, 'p'.repeat(230))))
  fs.writeFileSync(path.join(deep, 'at the end'), 'far below')
  sh('truncate -s 3M sparse; printf data | dd of=sparse bs=1 seek=1048576 conv=notrunc status=none; : > empty')
  sh(
    "touch -h -d '2001-02-03 04:05:06.123456789' file link fifo char; touch -d '1966-01-02 03:04:05.987654321' empty; touch -d '2031-01-01 00:00:00.000000001' d"
  )
}

/** What a backup program finds to do, with contents compared. */
function rsyncFinds(source: string, target: string): string {
  const filters = ['--filter=-x trusted.mirrorpair.*', '--exclude=/huge']
  return execFileSync('rsync', ['-naHAXc', '--devices', '--specials', '--delete', '--itemize-changes', ...filters, `${source}/`, `${target}/`], {
    encoding: 'utf8'
  })
}

let pair: TestPair
beforeEach(() => (pair = makePair({ queueBytes: 64 * 1024 * 1024 })))
afterEach(() => pair.end())

asRoot('whatever rsync keeps is kept: by the mirror, by changes as they are made, and rsync finds nothing left to do', async () => {
  const { one, two } = pair
  const huge = path.join(one.folder, 'huge')
  everything(path.join(one.folder, 'mirrored'))
  const before = fs.openSync(huge, 'w')
  fs.writeSync(before, WORDS, 0, WORDS.length, BEHIND_4_GIB)
  fs.closeSync(before)
  // Nothing of what stands there already may shine through.
  fs.mkdirSync(path.join(two.folder, 'mirrored'))
  fs.writeFileSync(path.join(two.folder, 'mirrored/d'), 'no directory')
  fs.mkdirSync(path.join(two.folder, 'mirrored/file'))
  await one.start()
  await two.start()
  await two.ask({ do: 'target', roleSequence: 1 })
  await one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
  await one.until('complete', isMirrored, 60_000)
  everything(path.join(one.folder, 'live'))
  const after = fs.openSync(huge, 'r+')
  fs.writeSync(after, WORDS, 0, WORDS.length, BEHIND_4_GIB + GIB)
  fs.closeSync(after)
  await one.ask({ do: 'drain', timeoutMs: 30_000 })
  expect(rsyncFinds(one.folder, two.folder)).toBe('')

  const copy = fs.openSync(path.join(two.folder, 'huge'), 'r')
  const read = Buffer.alloc(WORDS.length)
  for (const offset of [BEHIND_4_GIB, BEHIND_4_GIB + GIB]) {
    fs.readSync(copy, read, 0, read.length, offset)
    expect(read).toEqual(WORDS)
  }
  const { size, blocks } = fs.fstatSync(copy)
  fs.closeSync(copy)
  expect(size).toBe(BEHIND_4_GIB + GIB + WORDS.length)
  expect(blocks * 512).toBeLessThan(1024 * 1024)
})
