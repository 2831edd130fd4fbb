import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { BenchMirrord, makeCertificates } from './pair'

/** A folder under a load: the bare disk, a rival, or ours. */
export interface Contender {
  name: string
  folder: string
  /** Before each of its runs, and after it. */
  begin?(): Promise<void>
  rest?(): Promise<void>
  end(): Promise<void>
}

const MIRROR_TIMEOUT_MS = 120_000

export const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0

export function folderIn(root: string, ...names: string[]): string {
  const folder = path.join(root, ...names)
  fs.mkdirSync(folder, { recursive: true })
  fs.chmodSync(folder, 0o777)
  return folder
}

export function bareDisk(root: string): Contender {
  return { name: 'bare disk', folder: folderIn(root, 'bare'), end: async () => undefined }
}

export function bindfs(root: string): Contender | null {
  if (!has('bindfs')) return null
  const folder = folderIn(root, 'bindfs-mount')
  execFileSync('bindfs', [folderIn(root, 'bindfs-real'), folder])
  return { name: 'bindfs (no copy)', folder, end: async () => void spawnSync('umount', ['-l', folder]) }
}

/** Two mirrords on this machine: the folder of the first is captured, sent over TLS, and repeated in the second's. Answers when the first copy is whole. */
export async function mirrorpair(
  root: string,
  options = { mirrorTimeoutMs: MIRROR_TIMEOUT_MS }
): Promise<Contender & { source: BenchMirrord; target: BenchMirrord; startSeconds: number }> {
  const begin = process.hrtime.bigint()
  makeCertificates(root)
  const folder = folderIn(root, 'ours')
  const source = await BenchMirrord.start(root, 'RMHW131', folder)
  const target = await BenchMirrord.start(root, 'RMHW132', folderIn(root, 'ours-copy'))
  await target.ask({ do: 'target', roleSequence: 1 })
  const startSeconds = Number(process.hrtime.bigint() - begin) / 1e9
  await source.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
  await target.until((status) => status.copyComplete, options.mirrorTimeoutMs)
  const end = async () => {
    await source.end()
    await target.end()
  }
  return { name: 'mirrorpair, safety OFF', folder, source, target, startSeconds, end }
}

/** The same pair with safety FULL: only while its own runs last. */
export function withSafetyFull({ folder, source, target }: { folder: string; source: BenchMirrord; target: BenchMirrord }): Contender {
  let safetySequence = 1
  const change = async (safety: 'full' | 'off') => {
    safetySequence += 1
    await source.ask({ do: 'safety', safety, safetySequence })
    const state = safety === 'full' ? 'SYNCHRONIZED' : 'SYNCHRONIZING'
    for (const side of [source, target]) await side.until(({ session }) => session.safety === safety && session.state === state, MIRROR_TIMEOUT_MS)
  }
  return {
    name: 'mirrorpair, safety FULL',
    folder: folderIn(folder, 'full'),
    begin: () => change('full'),
    rest: () => change('off'),
    end: async () => undefined
  }
}
