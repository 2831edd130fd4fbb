import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { FrameBody, WalkStep } from '../../../src/wire/frameFields'
import type { Operation } from '../../../src/wire/operation'
import { Redo } from '../../../agent/mirrord/redo/redo'
import { TargetFolder } from '../../../agent/mirrord/redo/targetFolder'

const mine = { mode: 0o644, uid: process.getuid!(), gid: process.getgid!() }
const data = Buffer.from('changed')

/** Everything that could go through `out/…` or to `out` itself. */
const THROUGH_THE_LINK: FrameBody[] = [
  { kind: 'write', folder: 0, path: 'out/victim', offset: 0, data },
  { kind: 'truncate', folder: 0, path: 'out/victim', size: 0 },
  { kind: 'create', folder: 0, path: 'out/new', ...mine },
  { kind: 'mkdir', folder: 0, path: 'out/new', ...mine },
  { kind: 'symlink', folder: 0, path: 'out/new', target: 'x', uid: mine.uid, gid: mine.gid },
  { kind: 'link', folder: 0, path: 'inside', newPath: 'out/new' },
  { kind: 'rename', folder: 0, path: 'out/victim', newPath: 'stolen', flags: 0 },
  { kind: 'unlink', folder: 0, path: 'out/victim' },
  { kind: 'chmod', folder: 0, path: 'out/victim', mode: 0o777 },
  { kind: 'times', folder: 0, path: 'out/victim', atimeNs: 0n, mtimeNs: 0n },
  { kind: 'setxattr', folder: 0, path: 'out/victim', name: 'user.x', value: data, flags: 0 },
  { kind: 'walkFile', folder: 0, path: 'out/victim', ...mine, size: 7, mtimeNs: 0n, data },
  { kind: 'walkListing', folder: 0, path: 'out', after: '', last: true, entries: [] },
  { kind: 'write', folder: 0, path: 'file link', offset: 0, data },
  { kind: 'chmod', folder: 0, path: 'file link', mode: 0o777 }
]

test.each([false, true])('redo never follows a symbolic link out of the folder (tolerant: %s)', (tolerant) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'redo-'))
  const [folder, outside] = ['folder', 'outside'].map((name) => path.join(directory, name)) as [string, string]
  fs.mkdirSync(folder)
  fs.mkdirSync(outside)
  fs.writeFileSync(path.join(folder, 'inside'), 'inside')
  fs.writeFileSync(path.join(outside, 'victim'), 'untouched', { mode: 0o600 })
  fs.symlinkSync(outside, path.join(folder, 'out'))
  fs.symlinkSync(path.join(outside, 'victim'), path.join(folder, 'file link'))
  const before = JSON.stringify(fs.statSync(path.join(outside, 'victim'), { bigint: true }), (_, value) => (typeof value === 'bigint' ? String(value) : value))
  const redo = new Redo('DB_Group', [{ tree: TargetFolder.open(folder) as TargetFolder, excluded: () => false }])
  redo.tolerant = tolerant
  for (const body of THROUGH_THE_LINK) {
    const apply = (): void => redo.apply(body as Operation | WalkStep)
    if (tolerant) apply()
    else expect(apply).toThrow(/could not be repeated/)
  }
  // The listing's removal of a directory that is a link takes the link, not what it leads to.
  redo.tolerant = true
  redo.apply({ kind: 'walkListing', folder: 0, path: '', after: '', last: true, entries: [{ name: 'inside', type: 8 }] })
  redo.close()
  expect(fs.readdirSync(folder)).toEqual(['inside'])
  expect(fs.readdirSync(outside)).toEqual(['victim'])
  expect(JSON.stringify(fs.statSync(path.join(outside, 'victim'), { bigint: true }), (_, value) => (typeof value === 'bigint' ? String(value) : value))).toBe(
    before
  )
  fs.rmSync(directory, { recursive: true })
})
