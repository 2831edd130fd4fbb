import fs from 'node:fs'
import path from 'node:path'
import { ROW_BYTES, numberOf, row, rowsOf } from './rows'

/** The ways in which a service makes a record durable before it says so. */
export const WAYS = ['fsync', 'fdatasync', 'dsync', 'rename'] as const
export type Way = (typeof WAYS)[number]

const fsp = fs.promises

/** Numbered records in a folder; `put` resolves when the disk has it, as far as the system says. */
export class Records {
  private constructor(
    private readonly folder: string,
    private readonly log: fs.promises.FileHandle,
    private readonly slots: fs.promises.FileHandle,
    private readonly direct: fs.promises.FileHandle,
    private readonly names: fs.promises.FileHandle
  ) {}

  static async open(folder: string): Promise<Records> {
    fs.mkdirSync(path.join(folder, 'names'), { recursive: true })
    const append = fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_APPEND
    const log = await fsp.open(path.join(folder, 'log'), append, 0o600)
    const direct = await fsp.open(path.join(folder, 'direct'), append | fs.constants.O_DSYNC, 0o600)
    const slots = await fsp.open(path.join(folder, 'slots'), fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600)
    const names = await fsp.open(path.join(folder, 'names'), 'r')
    // A crash may have left half a row: what follows must not be glued to it.
    for (const file of [log, direct]) await file.truncate(Math.floor((await file.stat()).size / ROW_BYTES) * ROW_BYTES)
    // The new files' names are part of the promise.
    for (const directory of [folder, path.dirname(folder)]) {
      const handle = await fsp.open(directory, 'r')
      await handle.sync()
      await handle.close()
    }
    return new Records(folder, log, slots, direct, names)
  }

  put(number: number, way: Way): Promise<void> {
    return this.ways[way](number)
  }

  private readonly ways: Record<Way, (number: number) => Promise<void>> = {
    fsync: async (number) => {
      await this.log.write(row(number))
      await this.log.sync()
    },
    fdatasync: async (number) => {
      await this.slots.write(row(number), 0, ROW_BYTES, number * ROW_BYTES)
      await this.slots.datasync()
    },
    dsync: async (number) => void (await this.direct.write(row(number))),
    rename: async (number) => {
      const fresh = path.join(this.folder, 'names', `.${number}`)
      const handle = await fsp.open(fresh, 'w', 0o600)
      await handle.write(row(number))
      await handle.sync()
      await handle.close()
      await fsp.rename(fresh, path.join(this.folder, 'names', String(number)))
      await this.names.sync()
    }
  }
}

/** The numbers that the folder holds, read again from it. */
export function recordsIn(folder: string): Set<number> {
  const found = new Set<number>()
  for (const name of ['log', 'slots', 'direct']) {
    const file = path.join(folder, name)
    if (fs.existsSync(file)) for (const number of rowsOf(fs.readFileSync(file))) if (number !== null) found.add(number)
  }
  const names = path.join(folder, 'names')
  for (const name of fs.existsSync(names) ? fs.readdirSync(names) : []) {
    if (!name.startsWith('.') && numberOf(fs.readFileSync(path.join(names, name))) === Number(name)) found.add(Number(name))
  }
  return found
}
