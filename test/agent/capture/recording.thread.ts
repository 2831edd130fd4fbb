import fs from 'node:fs'
import v8 from 'node:v8'
import { runCaptureThread } from '../../../agent/mirrord/capture/captureThread'
import type { OrderedLog } from '../../../agent/mirrord/order/orderedLog'
import type { Operation } from '../../../src/wire/operation'

/** A capture thread whose log is a file that the test reads: each operation serialised, with its length before it. */
class FileLog implements OrderedLog {
  private count = 0
  private held = false
  private readonly fd: number

  constructor(file: string) {
    this.fd = fs.openSync(file, 'a')
  }

  lock(): void {
    if (this.held) throw new Error('the lock was taken twice')
    this.held = true
  }

  unlock(): void {
    if (!this.held) throw new Error('unlocked without a lock')
    this.held = false
  }

  append(operation: Operation): number {
    if (!this.held) throw new Error('append outside of the lock')
    const bytes = v8.serialize(operation)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(bytes.length)
    fs.writevSync(this.fd, [length, bytes])
    return ++this.count
  }

  changed(): void {
    if (!this.held) throw new Error('changed outside of the lock')
  }

  timePending(): void {
    if (!this.held) throw new Error('timePending outside of the lock')
  }

  version(): number {
    return 0
  }

  revisit(): void {
    if (!this.held) throw new Error('revisit outside of the lock')
  }

  lsn(): number {
    return this.count
  }

  awaitTarget(): number {
    return -1
  }
}

runCaptureThread((shared) => new FileLog(shared as string))
