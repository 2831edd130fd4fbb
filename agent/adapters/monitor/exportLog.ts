import fs from 'node:fs'
import path from 'node:path'
import type { UsageExportConfig } from '../../../src/model'
import { fileWord } from '../files'

type Values = Record<string, number | null>

const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

/** `<state>/usage/EVENT.csv` or `.jsonl`: one line a look. A file that is full becomes `EVENT.csv.1`, and the one before that is forgotten. */
export class UsageExport {
  private last: Promise<unknown> = Promise.resolve()

  constructor(private readonly directory: string) {}

  /** One after the other. */
  write(event: string, settings: UsageExportConfig, wallMs: number, values: Values): Promise<void> {
    const written = this.last.then(() => this.append(event, settings, wallMs, values))
    this.last = written.catch(() => undefined)
    return written
  }

  private async append(event: string, { format, sizeBytes }: UsageExportConfig, wallMs: number, values: Values): Promise<void> {
    const file = path.join(this.directory, `${fileWord(event)}.${format}`)
    await fs.promises.mkdir(this.directory, { recursive: true, mode: DIRECTORY_MODE })
    const time = new Date(wallMs).toISOString()
    const line =
      format === 'jsonl'
        ? JSON.stringify({ time, ...values })
        : csvLine([time, ...Object.values(values).map((value) => (value === null ? '' : String(rounded(value))))])
    const heading = format === 'csv' ? csvLine(['time', ...Object.keys(values)]) : null
    const fits = await hasRoom(file, heading, Buffer.byteLength(line) + 1, sizeBytes)
    if (fits === 'no') await fs.promises.rename(file, `${file}.1`)
    await fs.promises.appendFile(file, `${fits === 'yes' || heading === null ? '' : `${heading}\n`}${line}\n`, { mode: FILE_MODE })
  }
}

/** `empty`: there is no file yet. A file with other columns (a disk more, a card less) is as good as full. */
async function hasRoom(file: string, heading: string | null, lineBytes: number, sizeBytes: number): Promise<'yes' | 'no' | 'empty'> {
  const handle = await fs.promises.open(file, 'r').catch(() => null)
  if (handle === null) return 'empty'
  try {
    const { size } = await handle.stat()
    if (size === 0) return 'empty'
    if (size + lineBytes > sizeBytes) return 'no'
    if (heading === null) return 'yes'
    const wanted = Buffer.from(`${heading}\n`)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(wanted.length), 0, wanted.length, 0)
    return buffer.subarray(0, bytesRead).equals(wanted) ? 'yes' : 'no'
  } finally {
    await handle.close()
  }
}

const csvLine = (cells: string[]): string => cells.map((cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000
