import fs from 'node:fs'
import * as z from 'zod'
import { DRILLS_MAX, type DrillEntry } from '../../src/wire'
import { drillEntrySchema } from '../../src/wire/drillSchemas'
import { saveHard } from '../adapters/files'

const fileSchema = z.object({ formatVersion: z.literal(1), jobs: z.record(z.string(), z.array(drillEntrySchema)) })

/** `<state>/drills.json`: what drills have measured, at most DRILLS_MAX of each job. */
export class DrillBook {
  private turn: Promise<unknown> = Promise.resolve()

  constructor(private readonly file: string) {}

  async read(job: string): Promise<DrillEntry[]> {
    await this.turn
    return (await this.all())[job] ?? []
  }

  /** One after the other; whole or not at all. */
  add(entry: DrillEntry): Promise<void> {
    const added = this.turn.then(async () => {
      const jobs = await this.all()
      const entries = [...(jobs[entry.job] ?? []), entry].slice(-DRILLS_MAX)
      await saveHard(this.file, `${JSON.stringify({ formatVersion: 1, jobs: { ...jobs, [entry.job]: entries } })}\n`)
    })
    this.turn = added.catch(() => undefined)
    return added
  }

  /** What nobody can read any more decides nothing, and is begun anew. */
  private async all(): Promise<Record<string, DrillEntry[]>> {
    try {
      return fileSchema.parse(JSON.parse(await fs.promises.readFile(this.file, 'utf8'))).jobs
    } catch {
      return {}
    }
  }
}
