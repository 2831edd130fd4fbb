import fs from 'node:fs'
import path from 'node:path'
import { LabError } from './labError'

/** How to start the programs of mirrorpair: from dist/, or from the single executable that MIRRORPAIR_BINARY names. */
export function program(name: 'agent' | 'cui'): string[] {
  const binary = process.env.MIRRORPAIR_BINARY
  if (binary) return [existing(path.resolve(binary), 'MIRRORPAIR_BINARY'), name]
  return [process.execPath, existing(path.join(__dirname, `${name}.cjs`), 'npm run build')]
}

/** Programs of the lab itself are never part of the single executable. */
export const labProgram = (name: 'kv' | 'records' | 'observer' | 'lab' | 'prober' | 'ledger' | 'demo' | 'diskShutdown' | 'who'): string[] => [
  process.execPath,
  existing(path.join(__dirname, `${name}.cjs`), 'npm run build')
]

function existing(file: string, remedy: string): string {
  if (!fs.existsSync(file)) throw new LabError(`${file} is not there`, `see to it with ${remedy}`)
  return file
}

const TOOLS: Record<string, string> = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  losetup: 'mount',
  ip: 'iproute2',
  useradd: 'passwd',
  chpasswd: 'passwd',
  getent: 'libc-bin'
}
const TOOLS_OF_FILE_SYSTEM = { ext4: { 'mkfs.ext4': 'e2fsprogs' }, xfs: { 'mkfs.xfs': 'xfsprogs' } }

/** Says at once what this machine lacks, and the Debian package that has it. */
export function requireMachine(fileSystem: 'ext4' | 'xfs'): void {
  if (process.getuid?.() !== 0)
    throw new LabError('the lab makes network namespaces and mounts, which only root may do', 'sudo npm run lab -- …, or npm run demo (it runs without root)')
  const missing = Object.entries({ ...TOOLS, ...TOOLS_OF_FILE_SYSTEM[fileSystem] }).filter(([tool]) => !findTool(tool))
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, debian]) => debian))].join(' ')
    throw new LabError(`not found: ${missing.map(([tool]) => tool).join(', ')}`, `apt-get install ${packages}`)
  }
  if (!fs.existsSync('/dev/fuse')) throw new LabError('/dev/fuse is not there: this machine has no FUSE', 'modprobe fuse')
  if (!fs.existsSync('/dev/loop-control')) throw new LabError('/dev/loop-control is not there: this machine has no loop devices', 'modprobe loop')
}

const SEARCH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

export function findTool(tool: string): string | null {
  return [...(process.env.PATH ?? '').split(':'), ...SEARCH].map((folder) => path.join(folder, tool)).find((file) => fs.existsSync(file)) ?? null
}

/** The newest PostgreSQL that Debian has put here; null: none. */
export function postgresPrograms(): string | null {
  const versions = fs.existsSync('/usr/lib/postgresql') ? fs.readdirSync('/usr/lib/postgresql') : []
  const newest = versions.sort((a, b) => Number(b) - Number(a)).find((version) => fs.existsSync(`/usr/lib/postgresql/${version}/bin/initdb`))
  return newest ? `/usr/lib/postgresql/${newest}/bin` : null
}
