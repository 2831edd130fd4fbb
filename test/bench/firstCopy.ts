import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { folderIn, has, mirrorpair } from './contenders'

export const BIG_FILES = 4
export const BIG_FILE_BYTES = 256 * 1024 * 1024
const SMALL_FILES = 20_000
const COPY_TIMEOUT_MS = 300_000

export type CopyKind = '1 GiB in 4 files' | '20,000 files of 4 KiB'

export function fillBig(folder: string): void {
  const block = Buffer.alloc(1024 * 1024)
  for (let number = 0; number < BIG_FILES; number += 1) {
    const descriptor = fs.openSync(path.join(folder, `big-${number}`), 'w')
    for (let at = 0; at < BIG_FILE_BYTES; at += block.length) fs.writeSync(descriptor, block.fill(number + at / block.length))
    fs.closeSync(descriptor)
  }
}

function fillSmall(folder: string): void {
  for (let number = 0; number < SMALL_FILES; number += 1) {
    const directory = path.join(folder, String(number % 200))
    if (number < 200) fs.mkdirSync(directory)
    fs.writeFileSync(path.join(directory, `file-${number}`), Buffer.alloc(4096, number))
  }
}

export const seconds = (work: () => void): number => {
  const begin = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - begin) / 1e9
}

/** Seconds for the first copy of a tree, warm, hard on the other side's disk: cp, rsync and ours in the same round. */
export async function firstCopy(root: string, kind: CopyKind, round: number): Promise<Record<string, number>> {
  const place = folderIn(root, `copy-${kind.slice(0, 2).trim()}-${round}`)
  const tree = folderIn(place, 'ours')
  if (kind === '1 GiB in 4 files') fillBig(tree)
  else fillSmall(tree)
  spawnSync('sync')
  const figures: Record<string, number> = {}
  figures['bare disk (cp -a)'] = seconds(() => execFileSync('sh', ['-c', `cp -a ${tree} ${place}/cp && sync -f ${place}/cp`]))
  if (has('rsync')) figures['rsync -a'] = seconds(() => execFileSync('sh', ['-c', `rsync -a --whole-file ${tree}/ ${place}/rsync && sync -f ${place}/rsync`]))
  const begin = process.hrtime.bigint()
  const ours = await mirrorpair(place, { mirrorTimeoutMs: COPY_TIMEOUT_MS })
  figures['mirrorpair, full mirror'] = Number(process.hrtime.bigint() - begin) / 1e9 - ours.startSeconds
  await ours.end()
  fs.rmSync(place, { recursive: true })
  return figures
}
