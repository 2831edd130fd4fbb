import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { readDirtyMap } from '../../../agent/mirrord/dirty/dirtyMap'
import { readGenerations } from '../../../agent/mirrord/dirty/readGenerations'
import { randomSource } from '../../kit/randomFiles'
import { whyNoFuse } from '../capture/recordedCapture'
import { copyTree, DirtySource, DirtyWriter } from './dirtySource'
import { outsideSet } from './outsideSet'

const SEEDS = (process.env.DIRTY_SEEDS ?? '1,2').split(',').map(Number)
const DISK_BYTES = 400 << 20
const ROUNDS = 3

const MAKE: Record<string, string[]> = { ext4: ['mkfs.ext4', '-q', '-F'], xfs: ['mkfs.xfs', '-q', '-f', '-K'] }
const run = (command: string[]): string => execFileSync(command[0]!, command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

function whyNoDisk(): string | null {
  try {
    for (const tool of ['mkfs.ext4', 'mkfs.xfs', 'xfs_io', 'losetup']) run(['sh', '-c', `command -v ${tool}`])
    return fs.existsSync('/dev/loop-control') ? whyNoFuse() : 'there are no loop devices'
  } catch {
    return 'mkfs.ext4, mkfs.xfs, xfs_io or losetup is not there'
  }
}

const why = whyNoDisk()
if (why !== null) console.warn(`power cuts are not tried here: ${why}`)
const withDisk = why === null ? describe : describe.skip

withDisk('a source that loses power', () => {
  const cases = Object.keys(MAKE).flatMap((fileSystem) => SEEDS.map((seed) => ({ fileSystem, seed })))

  test.each(cases)(
    '$fileSystem, seed $seed: what differs from the last release, and from all that was ever sent, is named',
    async ({ fileSystem, seed }) => {
      const base = fs.mkdtempSync(path.join(os.tmpdir(), 'dirty-power-'))
      const image = path.join(base, 'image')
      const kept = path.join(base, 'kept')
      fs.writeFileSync(image, '')
      fs.truncateSync(image, DISK_BYTES)
      run([...MAKE[fileSystem]!, image])
      await withMounted(base, image, [], (disk) => cutPower(base, disk, seed))
      // What the disk holds now is what a machine finds when it starts again.
      run(['cp', '--sparse=always', image, kept])
      await withMounted(base, kept, fileSystem === 'xfs' ? ['-o', 'nouuid'] : [], (disk) => expectNamed(base, disk))
      fs.rmSync(base, { recursive: true, force: true })
    },
    60_000
  )

  async function withMounted(base: string, image: string, options: string[], work: (disk: string) => Promise<void>): Promise<void> {
    const disk = fs.mkdtempSync(path.join(base, 'disk-'))
    const device = run(['losetup', '--find', '--show', image]).trim()
    run(['mount', ...options, device, disk])
    try {
      await work(disk)
    } finally {
      run(['umount', '--lazy', disk])
      run(['losetup', '--detach', device])
      fs.rmdirSync(disk)
    }
  }

  async function cutPower(base: string, disk: string, seed: number): Promise<void> {
    const folder = path.join(disk, 'folder')
    fs.mkdirSync(folder)
    const random = randomSource(seed)
    const source = await DirtySource.start({ folder, directory: path.join(disk, 'dirty'), lineage: 'one', keep: false, exclude: [], rotateMs: 200 })
    const writer = await DirtyWriter.start(folder, seed)
    try {
      for (let round = 0; round < ROUNDS; round++) {
        expect(await writer.steps(60 + Math.floor(random() * 150))).toBe('done')
        const lsn = await source.ask<number>({ ask: 'lsn' })
        copyTree(folder, path.join(base, 'released'))
        await source.ask({ ask: 'release', lsn })
      }
      expect(await writer.steps(Math.floor(random() * 200))).toBe('done')
      await source.ask({ ask: 'lsn' })
      copyTree(folder, path.join(base, 'sent'))
      run(['xfs_io', '-x', '-c', 'shutdown', disk])
    } finally {
      await writer.stop()
      await source.kill()
    }
  }

  async function expectNamed(base: string, disk: string): Promise<void> {
    const folder = path.join(disk, 'folder')
    const directory = path.join(disk, 'dirty')
    const set = await readDirtyMap({ directory, lineage: 'one', roots: [folder] })
    if (set === 'unknown') throw new Error(`the map is unknown: ${JSON.stringify(readGenerations(path.join(directory, '0'), 0, 'one'))}`)
    for (const copy of ['released', 'sent']) expect(outsideSet(folder, path.join(base, copy), set[0]!).outside).toEqual([])
  }
})
