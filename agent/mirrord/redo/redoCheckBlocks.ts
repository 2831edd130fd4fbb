import fs from 'node:fs'
import { CHECK_BLOCK_BYTES, CHECK_HASH_BYTES, type CheckStep } from '../../../src/wire/frameFields'
import * as libc from '../../native/libc'
import { EIO } from '../../native/libcErrors'
import { blockHashes } from '../walk/checkHash'
import { nextData } from '../walk/sourceTree'
import type { Differs } from './differs'
import { timeSpecs } from './making'
import type { TargetFolder } from './targetFolder'

/** Nothing that can be read changes, so the file's time of change does not either. */
function punch(file: number, offset: number, length: number): void {
  const { mtimeNs } = fs.fstatSync(file, { bigint: true })
  libc.fallocate(file, PUNCH_HOLE, offset, length)
  libc.futimens(file, timeSpecs(null, mtimeNs))
}

const READ_BYTES = 1024 * 1024
const PUNCH_HOLE = 3

/** Compares stretches of a file's content. */
export class BlockCheck {
  private readonly buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  private readonly zeros = Buffer.alloc(READ_BYTES)

  check(tree: TargetFolder, step: CheckStep & { kind: 'checkBlocks' }, differs: Differs): number {
    const file = tree.file(step.path)
    // It is missing or something else: its entry has told.
    if (file < 0) return 0
    return step.hashes.length === 0 ? this.hole(file, step, differs) : this.data(file, step, differs)
  }

  private data(file: number, step: CheckStep & { kind: 'checkBlocks' }, differs: Differs): number {
    const { offset, length, hashes, folder, path } = step
    let from: number | null = null
    const told = (to: number): void => {
      if (from !== null) differs({ folder, path, what: 'content', offset: offset + from, length: to - from })
      from = null
    }
    for (let done = 0; done < length; done += READ_BYTES) {
      const bytes = this.read(file, offset + done, Math.min(READ_BYTES, length - done))
      const found = blockHashes(this.buffer.subarray(0, bytes))
      for (let block = 0; done + block * CHECK_BLOCK_BYTES < Math.min(length, done + READ_BYTES); block++) {
        const [at, expected] = [block * CHECK_HASH_BYTES, (done / CHECK_BLOCK_BYTES + block) * CHECK_HASH_BYTES]
        const same = found.subarray(at, at + CHECK_HASH_BYTES).equals(hashes.subarray(expected, expected + CHECK_HASH_BYTES))
        if (same) told(done + block * CHECK_BLOCK_BYTES)
        else from ??= done + block * CHECK_BLOCK_BYTES
      }
    }
    told(length)
    return 0
  }

  /** As much as there is. What the disk cannot read any more differs, and is written anew. */
  private read(file: number, offset: number, length: number): number {
    let done = 0
    while (done < length) {
      const bytes = libc.pread(file, this.buffer.subarray(done), length - done, offset + done)
      if (bytes === -EIO || bytes === 0) break
      if (bytes < 0) throw new Error(`a file cannot be read (error ${-bytes})`)
      done += bytes
    }
    return done
  }

  /** Zeros that take up room become a hole again; anything else differs. */
  private hole(file: number, step: CheckStep & { kind: 'checkBlocks' }, differs: Differs): number {
    const end = step.offset + step.length
    for (let at = step.offset; at < end; ) {
      const data = nextData(file, at)
      if (data === null || data.begin >= end) return 0
      at = Math.min(end, data.end)
      const { folder, path } = step
      if (this.isZero(file, data.begin, at)) punch(file, data.begin, at - data.begin)
      else differs({ folder, path, what: 'content', offset: data.begin, length: at - data.begin })
    }
    return 0
  }

  private isZero(file: number, from: number, to: number): boolean {
    for (let at = from; at < to; ) {
      const bytes = this.read(file, at, Math.min(READ_BYTES, to - at))
      if (bytes === 0) return at >= to
      if (this.buffer.compare(this.zeros, 0, bytes, 0, bytes) !== 0) return false
      at += bytes
    }
    return true
  }
}
