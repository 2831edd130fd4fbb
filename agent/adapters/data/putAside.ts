import fs from 'node:fs'
import path from 'node:path'

/** Of a removed job's name, so many: the newest. */
const KEPT_MAX = 3
const COPY_FILE = '.copy.json'

/** What a data program kept of a job goes to `removed/JOB.TIME` in the state directory. A new job of the same name must not take it for its own. */
export async function putAside(stateDirectory: string, job: string): Promise<void> {
  const removed = path.join(stateDirectory, 'removed')
  const place = path.join(removed, `${job}.${Date.now()}`)
  for (const name of [`${job}.data`, `${job}${COPY_FILE}`]) {
    const from = path.join(stateDirectory, name)
    if (!fs.existsSync(from)) continue
    await fs.promises.mkdir(place, { recursive: true, mode: 0o700 })
    await fs.promises.rename(from, path.join(place, name))
  }
  await keepNewest(removed, job)
}

/** Jobs of which a data program has kept something. */
export async function keptJobs(stateDirectory: string): Promise<string[]> {
  const names = await fs.promises.readdir(stateDirectory).catch((): string[] => [])
  return names.filter((name) => name.endsWith(COPY_FILE)).map((name) => name.slice(0, -COPY_FILE.length))
}

async function keepNewest(removed: string, job: string): Promise<void> {
  const names = await fs.promises.readdir(removed).catch((): string[] => [])
  const ofJob = names.filter((name) => name.startsWith(`${job}.`) && /^\d+$/.test(name.slice(job.length + 1))).sort()
  for (const name of ofJob.slice(0, -KEPT_MAX)) await fs.promises.rm(path.join(removed, name), { recursive: true })
}
