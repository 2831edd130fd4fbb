import fs from 'node:fs'
import path from 'node:path'
import * as z from 'zod'
import { CHECK_MODES, DIFFERENCES, type CheckMode, type Difference } from '../../../src/wire/frameFields'
import { dataError } from '../../../src/wire/frame'
import { VERIFY_LIST_MAX, type MirrordConfig, type VerifyReport, type VerifyView } from '../../../src/wire/mirrord'

const FORMAT_VERSION = 1
/** Written so often while a comparison finds something. */
const SAVE_INTERVAL_MS = 2_000
const count = z.number().int().nonnegative()

const schema = z.strictObject({
  formatVersion: z.literal(FORMAT_VERSION),
  mode: z.enum(CHECK_MODES),
  state: z.enum(['Idle', 'Verifying', 'Stop']),
  startedAtMs: z.number(),
  endedAtMs: z.number().nullable(),
  total: count,
  kinds: z.record(z.enum(DIFFERENCES), count),
  differences: z
    .array(z.strictObject({ folder: count, path: z.string(), what: z.enum(DIFFERENCES), offset: count, length: count, atMs: z.number() }))
    .max(VERIFY_LIST_MAX)
})
type Saved = z.infer<typeof schema>

const fileIn = (dataDirectory: string): string => path.join(dataDirectory, 'verify.json')
const noKinds = (): Saved['kinds'] => Object.fromEntries(DIFFERENCES.map((kind) => [kind, 0])) as Saved['kinds']

/** What a comparison has found: counted by kind, listed by file, and kept on disk for whoever asks later. Written by the walk's thread, read by main. */
export class ComparisonReport {
  private report: Saved | null = null
  private readonly places = new Map<string, number>()
  private savedAtMs = 0
  private changed = false

  constructor(private readonly dataDirectory: string) {}

  get total(): number {
    return this.report?.total ?? 0
  }

  begin(mode: CheckMode, nowMs: number): void {
    this.places.clear()
    this.report = { formatVersion: FORMAT_VERSION, mode, state: 'Verifying', startedAtMs: nowMs, endedAtMs: null, total: 0, kinds: noKinds(), differences: [] }
    this.save(nowMs)
  }

  /** A file that differs in many places, or is found twice, counts once for each kind. */
  add({ folder, path, what, offset, length }: Difference, nowMs: number): void {
    const { report } = this
    if (report === null) return
    const key = `${what}:${folder}:${path}`
    const known = this.places.get(key)
    if (known !== undefined) report.differences[known]!.length += length
    else {
      report.total++
      report.kinds[what]++
      if (report.differences.length < VERIFY_LIST_MAX) {
        this.places.set(key, report.differences.length)
        report.differences.push({ folder, path, what, offset, length, atMs: nowMs })
      }
    }
    this.changed = true
  }

  end(state: VerifyView['state'], nowMs: number): void {
    if (this.report === null) return
    this.report.state = state
    this.report.endedAtMs = nowMs
    this.save(nowMs)
  }

  saveSoon(nowMs: number): void {
    if (this.changed && nowMs - this.savedAtMs >= SAVE_INTERVAL_MS) this.save(nowMs)
  }

  private save(nowMs: number): void {
    const file = fileIn(this.dataDirectory)
    this.savedAtMs = nowMs
    this.changed = false
    fs.mkdirSync(this.dataDirectory, { recursive: true, mode: 0o700 })
    fs.writeFileSync(`${file}.new`, JSON.stringify(this.report), { mode: 0o600 })
    fs.renameSync(`${file}.new`, file)
  }
}

/** Of the last comparison; null: there was none, or its report cannot be read. `running`: a walk compares now; a report that says so without one was cut off. */
export function readComparisonReport(dataDirectory: string, from: number, max: number, running: boolean): VerifyReport | null {
  let saved: Saved
  try {
    saved = schema.parse(JSON.parse(fs.readFileSync(fileIn(dataDirectory), 'utf8')))
  } catch {
    return null
  }
  const { mode, startedAtMs, endedAtMs, total, kinds, differences } = saved
  const state = saved.state === 'Verifying' && !running ? 'Stop' : saved.state
  return { mode, state, startedAtMs, endedAtMs, total, kinds, from, differences: differences.slice(from, from + max) }
}

/** Of the comparison that runs here, or ran last. */
export function verifyReport({ job, dataDirectory }: MirrordConfig, { from, max }: { from: number; max: number }, comparing: boolean): VerifyReport {
  const report = readComparisonReport(dataDirectory, from, max, comparing)
  if (report === null) throw dataError('E_VERIFY_IMPOSSIBLE', { job, why: 'none has run on this node' })
  return report
}
