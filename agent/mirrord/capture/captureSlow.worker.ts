import { parentPort, workerData } from 'node:worker_threads'
import * as libc from '../../native/libc'
import { EINTR, EIO } from '../../native/libcErrors'
import { SyncWaiters } from '../order/syncWaiters'
import { OUT_HEADER_BYTES, REPLY_BYTES_MAX } from './protocol'
import { SlowKind, SlowQueue, type SlowJob } from './slowQueue'

/** A slow thread: does what may wait for a disk and answers the kernel itself, so that the capture thread never waits. */
interface Given {
  fuseFd: number
  queue: SharedArrayBuffer
  /** Those that wait for the target, too; null: nobody does. */
  waiters: SharedArrayBuffer | null
}

const { fuseFd, queue, waiters } = workerData as Given
const syncs = waiters === null ? null : new SyncWaiters(waiters)
const jobs = SlowQueue.attach(queue)
const reply = Buffer.allocUnsafeSlow(REPLY_BYTES_MAX)

function readAll(job: SlowJob): number {
  let done = 0
  while (done < job.size) {
    const start = OUT_HEADER_BYTES + done
    const bytes = libc.pread(job.fd, reply.subarray(start, start + job.size - done), job.size - done, job.offset + done)
    if (bytes === -EINTR) continue
    if (bytes < 0) return done > 0 ? done : bytes
    if (bytes === 0) break
    done += bytes
  }
  return done
}

function perform(job: SlowJob): number {
  if (job.kind === SlowKind.FSYNC) return libc.fsync(job.fd)
  if (job.kind === SlowKind.FDATASYNC) return libc.fdatasync(job.fd)
  if (job.kind === SlowKind.SYNCFS) return libc.syncfs(job.fd)
  return readAll(job)
}

function answer(job: SlowJob, result: number): void {
  if (job.slot >= 0 && syncs !== null) return syncs.flushed(job.slot, result)
  const bytes = OUT_HEADER_BYTES + Math.max(0, result)
  reply.writeUInt32LE(bytes, 0)
  reply.writeInt32LE(Math.min(0, result), 4)
  reply.writeUInt32LE(job.uniqueLow, 8)
  reply.writeUInt32LE(job.uniqueHigh, 12)
  // The kernel may have given the request up (the mount was aborted): nobody waits for it then.
  libc.write(fuseFd, reply, bytes)
}

function performed(job: SlowJob): number {
  try {
    return perform(job)
  } catch (error) {
    parentPort?.postMessage({ fault: String(error) })
    return -EIO
  } finally {
    jobs.oneFree()
  }
}

function main(): void {
  parentPort?.postMessage({ ready: true })
  for (let job = jobs.take(); job !== null; job = jobs.take()) answer(job, performed(job))
}

main()
