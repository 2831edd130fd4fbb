import type { ChildProcess } from 'node:child_process'
import fs from 'node:fs'

/** A program's log is at most about this long, and there is one older one: `NAME.1`. */
export const PROGRAM_LOG_BYTES_MAX = 4 * 1024 * 1024

/**
 * A program writes to its log by itself (it must go on when the engine is away), opened for appending. Therefore the log is
 * copied and cut to nothing rather than renamed: the program goes on at its new end. Called from time to time.
 */
export async function trimLog(file: string, bytesMax = PROGRAM_LOG_BYTES_MAX): Promise<void> {
  try {
    const { size } = await fs.promises.stat(file)
    if (size <= bytesMax) return
    await fs.promises.rm(`${file}.1`, { force: true })
    // One that has filled its disk leaves no room for its end.
    await keepEnd(file, `${file}.1`, size, bytesMax).catch(() => fs.promises.rm(`${file}.1`, { force: true }))
    await fs.promises.truncate(file, 0)
  } catch {
    // There is none yet, or its disk refuses: the log is not worth a failure.
  }
}

async function keepEnd(from: string, to: string, size: number, bytesMax: number): Promise<void> {
  // Its end of now: who writes faster than is read here would have it copied for ever.
  const stream = fs.createReadStream(from, { start: Math.max(0, size - bytesMax), end: size - 1 })
  await fs.promises.writeFile(to, stream, { mode: 0o600 })
}

const TAIL_BYTES = 4_096

/** The last lines of a log, for an error message; '' when there are none. `fromByte`: nothing from before. */
export const logTail = (file: string, fromByte: number, lineCount: number): string => lastLines(logEnd(file, fromByte), lineCount)

/** As it is, lines and all. */
export function logEnd(file: string, fromByte: number): string {
  try {
    const handle = fs.openSync(file, 'r')
    try {
      const size = fs.fstatSync(handle).size
      const start = Math.max(fromByte > size ? 0 : fromByte, size - TAIL_BYTES)
      const bytes = Buffer.alloc(Math.max(0, size - start))
      fs.readSync(handle, bytes, 0, bytes.length, start)
      return bytes.toString('utf8')
    } finally {
      fs.closeSync(handle)
    }
  } catch {
    return ''
  }
}

/** Kept of what a command prints: its end. */
const OUTPUT_LENGTH_MAX = 16 * 1024

/** Answers what the command has printed so far. */
export function collectOutput({ stdout, stderr }: ChildProcess): () => string {
  let output = ''
  const take = (bytes: Buffer): void => {
    output = (output + bytes.toString('utf8')).slice(-OUTPUT_LENGTH_MAX)
  }
  stdout?.on('data', take)
  stderr?.on('data', take)
  return () => output
}

export function lastLines(text: string, lineCount: number): string {
  return text.trimEnd().split('\n').slice(-lineCount).join(' / ')
}
