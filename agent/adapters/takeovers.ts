import fs from 'node:fs'
import path from 'node:path'
import * as z from 'zod'
import { TAKEOVERS_MAX, type TakeoverView } from '../../src/wire'
import { takeoverSchema } from '../../src/wire/apiSchemas'
import type { HistoryPort, Places } from '../ports'
import { saveHard } from './files'

const fileSchema = z.looseObject({ formatVersion: z.literal(1), jobs: z.record(z.string(), z.array(takeoverSchema)) })

/** `<state>/takeovers.json`: the changes of owner that this node took part in, at most TAKEOVERS_MAX of each job. Whole or not at all, as the state is. */
export function createHistoryPort({ stateDirectory }: Pick<Places, 'stateDirectory'>): HistoryPort {
  const file = path.join(stateDirectory, 'takeovers.json')
  let known: Record<string, TakeoverView[]> | null = null
  let last: Promise<unknown> = Promise.resolve()

  const load = async (): Promise<Record<string, TakeoverView[]>> => (known ??= await read(file))

  const write = async (entry: TakeoverView): Promise<void> => {
    const jobs = await load()
    const others = (jobs[entry.job] ?? []).filter((each) => each.roleSequence !== entry.roleSequence || each.atMs !== entry.atMs)
    known = { ...jobs, [entry.job]: [...others, entry].slice(-TAKEOVERS_MAX) }
    await fs.promises.mkdir(stateDirectory, { recursive: true, mode: 0o700 })
    await saveHard(file, `${JSON.stringify({ formatVersion: 1, jobs: known })}\n`)
  }

  return {
    // One after the other: a later word about a takeover never comes before an earlier one.
    write: (entry) => {
      const written = last.then(() => write(entry))
      last = written.catch(() => undefined)
      return written
    },
    read: async (job) => {
      await last
      return (await load())[job] ?? []
    }
  }
}

/** What nobody can read any more is set aside: it decides nothing, and must not keep new ones from being written. */
async function read(file: string): Promise<Record<string, TakeoverView[]>> {
  let text: string
  try {
    text = await fs.promises.readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
  const parsed = fileSchema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data.jobs
  await fs.promises.rename(file, `${file}.damaged`)
  return {}
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
