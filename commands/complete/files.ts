import fs from 'node:fs'
import path from 'node:path'

/** More in one folder are not looked through for a Tab. */
const ENTRIES_MAX = 2_000

/** Files and folders that begin so; a folder ends with a slash. What would need quotes is left out. */
export function fileNames(word: string): string[] {
  const folder = word.slice(0, word.lastIndexOf('/') + 1)
  const begun = word.slice(folder.length)
  return entriesOf(folder === '' ? '.' : folder)
    .filter(({ name }) => name.startsWith(begun) && (begun !== '' || !name.startsWith('.')) && !/[\s'"\\#]/.test(name))
    .map((entry) => `${folder}${entry.name}${isFolder(folder, entry) ? '/' : ''}`)
    .sort()
}

function entriesOf(folder: string): fs.Dirent[] {
  const found: fs.Dirent[] = []
  try {
    const entries = fs.opendirSync(folder)
    try {
      for (let entry = entries.readSync(); entry !== null && found.length < ENTRIES_MAX; entry = entries.readSync()) found.push(entry)
    } finally {
      entries.closeSync()
    }
  } catch {
    // One that cannot be read offers nothing.
  }
  return found
}

function isFolder(folder: string, entry: fs.Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  return fs.statSync(path.join(folder, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false
}
