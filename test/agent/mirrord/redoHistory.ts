import fs from 'node:fs'
import path from 'node:path'
import { encodeFrame } from '../../../src/wire/frame'
import type { WalkStep } from '../../../src/wire/frameFields'
import type { Operation } from '../../../src/wire/operation'
import { FolderMarks, changesNames } from '../../../agent/mirrord/redo/folderMarks'
import { Redo } from '../../../agent/mirrord/redo/redo'
import { RedoRunner, type RedoNews } from '../../../agent/mirrord/redo/redoRunner'
import { TargetFolder } from '../../../agent/mirrord/redo/targetFolder'
import { bootId } from '../../../agent/adapters/processes'
import { newCheckpoint, type Checkpoint, type Healing } from '../../../agent/mirrord/redolog/checkpoint'
import { LogReader, type LogPoint } from '../../../agent/mirrord/redolog/logReader'
import { RedoLog } from '../../../agent/mirrord/redolog/redoLog'
import { Segments } from '../../../agent/mirrord/redolog/segments'
import { checksum } from '../../../agent/mirrord/stream/checksum'
import { randomSource } from '../../kit/randomFiles'

export type Step = Operation | WalkStep
const BLOCK = 4096
const FILE_BYTES_MAX = 5 * BLOCK
const PUNCH = 3
const COLLAPSE = 8
const ZERO = 16
const INSERT = 32

/** Steps on few names, so that they meet each other. The same seed gives the same ones. */
export class Steps {
  private readonly random: () => number

  constructor(seed: number) {
    this.random = randomSource(seed)
  }

  below(most: number): number {
    return Math.floor(this.random() * most)
  }

  private pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  private path(): string {
    const directory = this.pick(['', '', 'd0/', 'd1/', 'd0/e/', 'd2/'])
    return directory + this.pick(['f0', 'f1', 'f2', 'f3', 'f4', 'd0', 'd1', 'd2', 'e'])
  }

  private data(): Buffer {
    return Buffer.alloc(1 + this.below(2 * BLOCK), 1 + this.below(255))
  }

  operation(): Operation {
    const [path, newPath] = [this.path(), this.path()]
    const at = { folder: 0, path }
    const own = { mode: 0o600 + this.below(64), uid: this.below(3), gid: this.below(3) }
    const kinds: (() => Operation)[] = [
      () => ({ ...at, kind: 'create', ...own }),
      () => ({ ...at, kind: 'mkdir', ...own }),
      () => ({ ...at, kind: 'symlink', target: `to ${this.below(9)}`, uid: own.uid, gid: own.gid }),
      () => ({ ...at, kind: 'mknod', ...own, mode: 0o010600, rdev: 0 }),
      () => ({ ...at, kind: 'link', newPath }),
      () => ({ ...at, kind: 'rename', newPath, flags: 0 }),
      () => ({ ...at, kind: 'rename', newPath, flags: 0 }),
      () => ({ ...at, kind: 'rename', newPath, flags: 2 }),
      () => ({ ...at, kind: 'unlink' }),
      () => ({ ...at, kind: 'rmdir' }),
      () => ({ ...at, kind: 'truncate', size: this.below(FILE_BYTES_MAX) }),
      () => ({ ...at, kind: 'fallocate', mode: this.pick([PUNCH, ZERO, COLLAPSE, INSERT]), offset: BLOCK * this.below(3), length: BLOCK }),
      () => ({ ...at, kind: 'chmod', mode: own.mode }),
      () => ({ ...at, kind: 'chown', uid: own.uid, gid: own.gid }),
      () => ({ ...at, kind: 'setxattr', name: `user.${this.below(3)}`, value: Buffer.from(`v${this.below(99)}`), flags: 0 }),
      () => ({ ...at, kind: 'removexattr', name: `user.${this.below(3)}` }),
      () => ({ ...at, kind: 'times', atimeNs: null, mtimeNs: BigInt(this.below(1_000_000)) * 1_000_000n })
    ]
    const write = (): Operation => ({ ...at, kind: 'write', offset: this.below(FILE_BYTES_MAX), data: this.data() })
    return this.below(3) === 0 ? write() : this.pick(kinds)()
  }

  /** Of a mirror: only half of what it says is there. */
  walk(): WalkStep {
    const [path, newPath] = [this.path(), this.path()]
    const own = { mode: 0o600 + this.below(64), uid: this.below(3), gid: this.below(3) }
    const data = this.data()
    const names = ['d0', 'd1', 'e', 'f0', 'f1', 'f2'].filter(() => this.below(4) > 0)
    const entries = names.map((name) => ({ name, type: name.startsWith('f') ? 8 : 4 }))
    return this.pick<() => WalkStep>([
      () => ({ folder: 0, kind: 'walkFile', path, ...own, size: data.length + this.below(2) * BLOCK, mtimeNs: 5n, data }),
      () => ({ folder: 0, kind: 'walkFile', path, ...own, size: data.length, mtimeNs: 5n, data }),
      () => ({ folder: 0, kind: 'walkDirectory', path: this.pick(['d0', 'd1', 'd0/e', 'd2']), ...own }),
      () => ({ folder: 0, kind: 'walkListing', path: this.pick(['', 'd0', 'd1']), after: '', last: true, entries }),
      () => ({ folder: 0, kind: 'walkSymlink', path, target: 'x', uid: own.uid, gid: own.gid }),
      () => ({ folder: 0, kind: 'walkLink', path, newPath })
    ])()
  }
}

export function redoIn(folder: string, makeHard: (withIt: boolean) => void = () => undefined): Redo {
  return new Redo('DB_Group', [{ tree: TargetFolder.open(folder) as TargetFolder, excluded: () => false }], { differs: () => undefined, makeHard })
}

/** The steps that a strict redo can do, one after the other. */
export function possibleSteps(folder: string, count: number, next: () => Step): Step[] {
  const redo = redoIn(folder)
  const steps: Step[] = []
  while (steps.length < count) {
    const step = next()
    try {
      redo.apply(step)
      steps.push(step)
    } catch {
      // The source could not do it either.
    }
  }
  redo.close()
  return steps
}

/** All names that are there get the same time on both sides. */
export function lastTimes(folder: string): Step[] {
  const names = fs.readdirSync(folder, { recursive: true }) as string[]
  return ['', ...names].map((path) => ({ kind: 'times', folder: 0, path, atimeNs: null, mtimeNs: 77_000_000_000n }))
}

/** A redo log with these steps, and where each of them stands. */
export class WrittenLog {
  readonly points: LogPoint[] = []
  readonly positions: number[] = []
  end = 0

  private constructor(
    readonly directory: string,
    readonly checkpoint: Checkpoint
  ) {}

  static async write(directory: string, steps: readonly Step[], healing: Healing): Promise<WrittenLog> {
    const redoDirectory = path.join(directory, 'redo')
    Segments.wipe(redoDirectory)
    const written = new WrittenLog(redoDirectory, { ...newCheckpoint('s', 0, healing), clean: false, bootId: bootId() })
    const { logId, point } = written.checkpoint
    const segments = new Segments(redoDirectory, Buffer.from(logId, 'hex'))
    const log = new RedoLog(redoDirectory, segments, { position: point.frame, lsn: 0 }, 1, { hard: () => undefined, failed: () => undefined })
    for (const [index, step] of steps.entries()) log.append([encodeFrame(step, index + 1, 1, checksum)], index + 1)
    written.end = log.end.position
    await log.close()
    written.read()
    return written
  }

  private read(): void {
    const reader = new LogReader(this.directory, Buffer.from(this.checkpoint.logId, 'hex'), this.checkpoint.point)
    for (let entry = reader.read(); entry !== null; entry = reader.read()) {
      this.points.push(reader.before(entry))
      this.positions.push(entry.position)
    }
    this.points.push(reader.point())
    reader.close()
  }

  /** What a crash leaves: all up to `from`, all changes of names up to `to`, and of the data between them whatever `kept` says. */
  crash(
    folder: string,
    steps: readonly Step[],
    at: { from: number; to: number; half: 'marked' | 'done'; tolerant: boolean; kept: () => boolean; reached?: (index: number, redo: Redo) => void }
  ): Checkpoint {
    const marks = new FolderMarks(Buffer.from(this.checkpoint.logId, 'hex'))
    const redo = redoIn(folder)
    redo.markFor([marks])
    redo.tolerant = at.tolerant
    const { tree } = redo.folders[0]!
    for (const [index, step] of steps.slice(0, at.to).entries()) {
      const last = index === at.to - 1
      at.reached?.(index, redo)
      if (index === at.from) marks.checkpoint(this.positions[index]!)
      if (last && changesNames(step) && at.half === 'marked') marks.mark(tree, step, this.positions[index]!, () => undefined)
      else if (index < at.from || changesNames(step)) redo.apply(index >= at.from ? withoutData(step, at.kept) : step, this.positions[index]!)
      else if (at.kept()) applyAnyhow(redo, step)
    }
    redo.close()
    return { ...this.checkpoint, point: this.points[at.from]!, lsn: at.from }
  }

  /** Recovers, applies all that is left, and stops in order. */
  async recover(folder: string, checkpoint: Checkpoint): Promise<RedoNews[]> {
    const news: RedoNews[] = []
    const tree = TargetFolder.open(folder) as TargetFolder
    const runner = new RedoRunner('DB_Group', this.directory, [{ tree, excluded: () => false }], checkpoint, this.end, (each) => news.push(each))
    runner.order({ do: 'stop', drain: true })
    await runner.run()
    return news
  }
}

/** A file's name is there, what was in it is not. */
function withoutData(step: Step, kept: () => boolean): Step {
  return step.kind === 'walkFile' && !kept() ? { ...step, data: Buffer.alloc(0), size: 0 } : step
}

/** Data reaches the disk in any order: what it needs may not be there yet. */
function applyAnyhow(redo: Redo, step: Step): void {
  try {
    redo.apply(step)
  } catch {
    // Then it has not been written.
  }
}
