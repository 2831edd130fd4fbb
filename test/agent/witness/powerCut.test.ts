import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { saveBallot } from '../../../agent/witness/ballotFile'
import { ballotsDirectory } from '../../../agent/witness/places'
import { held, makePair, startHere, temporaryFolder } from './kit'

const DISK_BYTES = 320 << 20
const [A, B] = ['RMHW131', 'RMHW132'] as const
const run = (...command: string[]): string => execFileSync(command[0]!, command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

function whyNoDisk(): string | null {
  try {
    for (const tool of ['mkfs.xfs', 'xfs_io', 'losetup']) run('sh', '-c', `command -v ${tool}`)
    return fs.existsSync('/dev/loop-control') && process.getuid?.() === 0 ? null : 'there are no loop devices'
  } catch {
    return 'mkfs.xfs, xfs_io or losetup is not there'
  }
}

const why = whyNoDisk()
if (why !== null) console.warn(`power cuts are not tried here: ${why}`)
const withDisk = why === null ? test : test.skip

const kept = (owner: string, roleSequence: number) => ({ job: 'DB_Group', ballot: held(owner, roleSequence), leaseMs: 1_000, driftMs: 20, since: 0 })

withDisk(
  'a vote that was being recorded when the witness was killed: what the next one goes by outlives a power cut',
  async () => {
    const base = temporaryFolder()
    const [image, disk] = [path.join(base, 'image'), path.join(base, 'disk')]
    fs.writeFileSync(image, '')
    fs.truncateSync(image, DISK_BYTES)
    fs.mkdirSync(disk)
    run('mkfs.xfs', '-q', '-f', '-K', image)
    const device = run('losetup', '--find', '--show', image).trim()
    try {
      run('mount', device, disk)
      const directory = ballotsDirectory(await (await makePair('seoul')).enrol(disk))
      fs.mkdirSync(directory)
      await saveBallot(directory, kept(A, 1))
      // As saveBallot, killed just before its last call.
      const scratch = path.join(base, 'scratch')
      fs.mkdirSync(scratch)
      await saveBallot(scratch, kept(B, 2))
      fs.copyFileSync(path.join(scratch, 'DB_Group.json'), path.join(directory, 'DB_Group.json.new'))
      run('sync', path.join(directory, 'DB_Group.json.new'))
      fs.renameSync(path.join(directory, 'DB_Group.json.new'), path.join(directory, 'DB_Group.json'))
      const witness = await startHere(disk)
      run('xfs_io', '-x', '-c', 'shutdown', disk)
      await witness.close()
      run('umount', disk)
      run('mount', device, disk)
      expect(JSON.parse(fs.readFileSync(path.join(directory, 'DB_Group.json'), 'utf8')).kept).toEqual(kept(B, 2))
    } finally {
      execFileSync('sh', ['-c', `umount --lazy ${disk}; losetup --detach ${device}`])
      fs.rmSync(base, { recursive: true, force: true })
    }
  },
  60_000
)
