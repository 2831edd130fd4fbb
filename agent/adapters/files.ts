import fs from 'node:fs'
import path from 'node:path'

/** Flushes a folder, so that names made or renamed in it survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await fs.promises.open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** As syncDirectory, for threads that may wait. */
export function syncDirectorySync(directory: string): void {
  const descriptor = fs.openSync(directory, 'r')
  try {
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}

/** Write, flush, rename, flush the directory: it is hard when this returns, and a crash leaves the old text or the new one. */
export function saveHardSync(file: string, text: string): void {
  const descriptor = fs.openSync(`${file}.new`, 'w', 0o600)
  try {
    fs.writeFileSync(descriptor, text)
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
  fs.renameSync(`${file}.new`, file)
  syncDirectorySync(path.dirname(file))
}

/** Writes a whole file and flushes it; the name appears with the rename that follows. */
export async function writeFlushed(file: string, text: string, mode: number): Promise<void> {
  const handle = await fs.promises.open(file, 'w', mode)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** As saveHardSync, for those that may not wait. */
export async function saveHard(file: string, text: string, mode = 0o600): Promise<void> {
  await writeFlushed(`${file}.new`, text, mode)
  await fs.promises.rename(`${file}.new`, file)
  await syncDirectory(path.dirname(file))
}

/** A small note in the run directory (a tmpfs): whole or not at all, but not flushed, because a reboot clears it anyway. */
export function writeNote(file: string, value: unknown): void {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600 })
  fs.renameSync(`${file}.new`, file)
}

/** null: there is none, or it cannot be read as JSON (then it is as good as none). */
export function readNote(file: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

export function removeNote(file: string): void {
  fs.rmSync(file, { force: true })
}

/** Names of jobs and applications become parts of file names; anything but plain characters is written as `%XX`. */
export function fileWord(name: string): string {
  return name.replace(/[^\w@:-]|^\./g, (character) => encodeURIComponent(character).replace('.', '%2E'))
}
