import type { HandleTable } from '../capture/handles'
import type { NodeTable } from '../capture/nodes'
import { encodeMark, Mark, type MarkRecord } from './markRecord'
import { type Marks, newFileMark } from './marks'
import { emptyTables, type Tables } from './tables'
import { ticksOfMs } from './ticks'

/** A new generation takes over so many marks in use; the others are made again when they are needed. */
const CARRY_MAX = 8_192
const PUSHED_AT_ONCE = 256
const CLOCK_SLACK_MS = 100

export interface RotationHooks {
  /** Sends what changes have left to be sent (times); answers the LSN that covers every change so far. */
  allSent(): number
}

/**
 * How the capture thread goes from one generation to the next, without a stall for places in use: what was used in the old one is marked in the new one
 * first, and only when that is hard does the new one count. Until then both do.
 */
export class Rotation {
  private carrying: MarkRecord[] = []
  private carriedAt: number | null = null
  private loss = 0
  private releasedSeen = 0

  constructor(
    private readonly marks: Marks,
    private readonly nodes: NodeTable,
    private readonly handles: HandleTable,
    private readonly hooks: RotationHooks
  ) {}

  /** Called when marks have become hard, and now and then. Cheap when there is nothing to do. */
  tend(): void {
    const { marks } = this
    const released = marks.ring.released()
    if (released !== this.releasedSeen) {
      this.releasedSeen = released
      marks.removed.release(released)
    }
    const wanted = marks.ring.wanted()
    if (marks.next === null && wanted > marks.current.generation) this.begin(wanted)
    if (marks.next === null) return
    if (this.carriedAt === null) this.carry(marks.next)
    else if (marks.ring.isHard(this.carriedAt)) this.change(marks.next)
  }

  private begin(generation: number): void {
    const { marks } = this
    const beganTicks = ticksOfMs(Date.now() - CLOCK_SLACK_MS)
    if (marks.ring.push(encodeMark({ kind: Mark.BEGIN, generation, beganTicks })) === null) return
    marks.ring.signal()
    this.loss = marks.ring.loss()
    this.carrying = this.loss === 0 ? [...this.inUse(beganTicks)] : []
    this.carriedAt = null
    marks.next = emptyTables(generation, beganTicks)
  }

  private *inUse(nowTicks: number): IterableIterator<MarkRecord> {
    const { current } = this.marks
    const since = Math.min(current.beganTicks, nowTicks)
    const names = [...current.names.values()].filter((mark) => mark.used)
    for (const { path, since: before } of names.slice(-CARRY_MAX)) {
      // A clock that was set back: later births must count as new.
      yield { kind: Mark.NAMES, path, since: before > nowTicks ? nowTicks : Math.max(before, since), allFiles: false }
    }
    const files = [...current.files.values()].filter((mark) => !mark.used.isEmpty())
    for (const { path, used } of files.slice(-CARRY_MAX)) yield { kind: Mark.FILE, path, runs: used.runs() }
    yield* this.openFiles()
  }

  /** New files have had no mark of their own. They are no longer new; those that are open will be written again. */
  private *openFiles(): IterableIterator<MarkRecord> {
    let left = CARRY_MAX
    for (const { node } of this.handles.all()) {
      if (node.isDirectory || node.mark === null || node.markEpoch !== this.marks.epoch || !('covered' in node.mark)) continue
      const path = node.mark.covered && !node.mark.used.isEmpty() ? this.nodes.sentPathOf(node) : null
      if (path === null || --left < 0) continue
      yield { kind: Mark.FILE, path, runs: node.mark.used.runs() }
    }
  }

  private carry(next: Tables): void {
    const { ring } = this.marks
    for (let pushed = 0; pushed < PUSHED_AT_ONCE && this.carrying.length > 0; pushed++) {
      const record = this.carrying.at(-1)!
      const pendingAt = ring.push(encodeMark(record))
      if (pendingAt === null) break
      this.carrying.pop()
      keep(next, record, pendingAt)
    }
    if (this.carrying.length === 0) this.carriedAt = ring.push(encodeMark({ kind: Mark.CARRIED }))
    ring.signal()
  }

  private change(next: Tables): void {
    const { marks } = this
    const lsn = this.hooks.allSent()
    const { generation } = marks.current
    if (marks.ring.push(encodeMark({ kind: Mark.ENDED, generation, lsn, coveredBytes: marks.ring.coveredBytes() })) === null) return
    marks.ring.signal()
    marks.current = next
    marks.next = null
    marks.ring.setCoveredBytes(0)
    marks.epoch++
    if (this.loss !== 0) marks.ring.endLoss(this.loss)
  }
}

function keep(tables: Tables, record: MarkRecord, pendingAt: number): void {
  if (record.kind === Mark.NAMES && !tables.names.has(record.path)) {
    tables.names.set(record.path, { path: record.path, since: record.since, allFiles: false, pendingAt, hard: false, used: false, replaced: 0 })
  }
  if (record.kind !== Mark.FILE) return
  const mark = tables.files.get(record.path) ?? newFileMark(record.path)
  for (const [from, to] of record.runs) mark.marked.add(from, to)
  mark.pendingAt = pendingAt
  tables.files.set(record.path, mark)
}
