import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import type { VerifyReport } from '../../src/wire'
import { folderIn, has, mirrorpair } from './contenders'
import { BIG_FILE_BYTES, BIG_FILES, fillBig, seconds } from './firstCopy'
import { BenchMirrord } from './pair'

const COPY_TIMEOUT_MS = 300_000
const ASK_EVERY_MS = 20
const PLACES = 200
const PLACE_BYTES = 4096
const TREE_MIB = (BIG_FILES * BIG_FILE_BYTES) / 1024 ** 2

export interface Comparison {
  /** MiB/s. */
  verify: Record<string, number>
  /** Seconds. */
  difference: Record<string, number>
}

/** A tree of 1 GiB on both sides: compared as a whole, then after a crash of the source. What rsync needs for the same stands beside it. */
export async function comparison(root: string, round: number): Promise<Comparison> {
  const place = folderIn(root, `compare-${round}`)
  const tree = folderIn(place, 'ours')
  fillBig(tree)
  spawnSync('sync')
  const pair = await mirrorpair(place, { mirrorTimeoutMs: COPY_TIMEOUT_MS })
  const copy = path.join(place, 'ours-copy')
  const rsync = (...options: string[]) => seconds(() => execFileSync('rsync', ['-a', ...options, `${tree}/`, `${copy}/`]))
  const verify: Comparison['verify'] = {}
  if (has('rsync')) verify['rsync --checksum --dry-run'] = TREE_MIB / rsync('--checksum', '--dry-run')
  verify['mirrorpair, verify full'] = TREE_MIB / (await verified(pair.source))

  const difference: Comparison['difference'] = {}
  changePlaces(tree, round)
  await pair.source.kill()
  spawnSync('umount', ['-l', tree])
  if (has('rsync')) difference['rsync --dry-run'] = rsync('--dry-run')
  const again = await BenchMirrord.start(place, 'RMHW131', tree)
  const begin = process.hrtime.bigint()
  await again.ask({ do: 'source', roleSequence: 1, peerCopyComplete: true })
  await again.until(
    ({ connected, needToVerify, mirror, verify: { state } }) => connected && needToVerify === 'No' && mirror.state === 'Idle' && state !== 'Verifying',
    COPY_TIMEOUT_MS
  )
  difference['mirrorpair, verify difference'] = Number(process.hrtime.bigint() - begin) / 1e9
  await again.end()
  await pair.target.end()
  fs.rmSync(place, { recursive: true })
  return { verify, difference }
}

async function verified(source: BenchMirrord): Promise<number> {
  const begin = process.hrtime.bigint()
  await source.ask({ do: 'verify', action: 'start', mode: 'full' })
  for (;;) {
    const report = await reportOf(source)
    if (report !== null && report.endedAtMs !== null) {
      if (report.total > 0) throw new Error(`${report.total} differences between two sides that should be equal`)
      return Number(process.hrtime.bigint() - begin) / 1e9
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS))
  }
}

/** null: the walk has not begun yet. */
const reportOf = (source: BenchMirrord): Promise<VerifyReport | null> =>
  source.ask({ do: 'verifyReport', from: 0, max: 1 }).then(
    (report) => report as VerifyReport,
    (error: Error) => {
      if (error.message.includes('none has run')) return null
      throw error
    }
  )

/** Here and there in each file. */
function changePlaces(tree: string, round: number): void {
  const step = Math.floor(BIG_FILE_BYTES / PLACE_BYTES / (PLACES / BIG_FILES))
  for (let file = 0; file < BIG_FILES; file += 1) {
    const descriptor = fs.openSync(path.join(tree, `big-${file}`), 'r+')
    for (let place = 0; place < PLACES / BIG_FILES; place += 1)
      fs.writeSync(descriptor, Buffer.alloc(PLACE_BYTES, round + 1), 0, PLACE_BYTES, place * step * PLACE_BYTES)
    fs.closeSync(descriptor)
  }
}
