import fs from 'node:fs'
import { runCaptureThread } from '../../../agent/mirrord/capture/captureThread'
import type { OrderedLog } from '../../../agent/mirrord/order/orderedLog'

/**
 * A capture thread whose process dies at an exact place of the next change, once: the file it is given names the place. `locked`: it is about to be made;
 * `changed`: it has just been made, and nothing is noted; `append`: half is noted; `unlock`: all is noted, and the kernel has no answer.
 */
class DyingLog implements OrderedLog {
  private count = 0

  constructor(private readonly file: string) {}

  private dieAt(place: string): void {
    if (!fs.existsSync(this.file) || fs.readFileSync(this.file, 'utf8') !== place) return
    fs.rmSync(this.file)
    process.kill(process.pid, 'SIGKILL')
  }

  lock(): void {
    this.dieAt('locked')
  }

  unlock(): void {
    this.dieAt('unlock')
  }

  append(): number {
    this.dieAt('append')
    return ++this.count
  }

  changed(): void {
    this.dieAt('changed')
  }

  awaitTarget(): number {
    return -1
  }

  version(): number {
    return 0
  }

  revisit(): void {}

  lsn(): number {
    return this.count
  }
}

runCaptureThread((shared) => new DyingLog(shared as string))
