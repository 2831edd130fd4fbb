import fs from 'node:fs'

/** A file of the kernel, made at the moment of reading; null: it is not there, or not for us. */
export function readText(file: string): string | null {
  try {
    return fs.readFileSync(file, 'latin1')
  } catch {
    return null
  }
}

/** `key: 123 kB` lines, as /proc/meminfo and /proc/PID/status have them, in bytes. */
export function kibField(text: string, key: string): number | null {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
  return found === undefined ? null : Number(found) * 1024
}

export const percentOf = (part: number, whole: number): number => (whole <= 0 ? 0 : Math.min(100, Math.max(0, (100 * part) / whole)))
