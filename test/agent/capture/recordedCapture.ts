import { buildSync } from 'esbuild'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import v8 from 'node:v8'
import { type Capture, startCapture } from '../../../agent/mirrord/capture/capture'
import type { Operation } from '../../../src/wire/operation'

export interface RecordedCapture {
  capture: Capture
  /** The captured folder. */
  folder: string
  /** All operations so far, times included. */
  operations(): Promise<Operation[]>
  end(): Promise<void>
}

/** Why FUSE cannot be tried here; null: it can. */
export function whyNoFuse(): string | null {
  if (process.getuid?.() !== 0) return 'not root'
  return fs.existsSync('/dev/fuse') ? null : '/dev/fuse is not there'
}

let threadFile: string | null = null

/** Inside the checkout, so that the thread finds koffi. */
function buildThread(): string {
  if (threadFile !== null) return threadFile
  threadFile = path.join(__dirname, '..', '..', '..', '.build', `recording.${process.pid}.cjs`)
  buildSync({
    entryPoints: [path.join(__dirname, 'recording.thread.ts')],
    outfile: threadFile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: ['koffi'],
    logLevel: 'error'
  })
  process.once('exit', () => fs.rmSync(threadFile!, { force: true }))
  return threadFile
}

function readOperations(file: string): Operation[] {
  const bytes = fs.readFileSync(file)
  const operations: Operation[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    operations.push(v8.deserialize(bytes.subarray(at + 4, at + 4 + length)) as Operation)
    at += 4 + length
  }
  return operations
}

/** Captures a new folder (or `base`/folder, where it is) with a log that is kept in a file. */
export async function startRecordedCapture(options: { exclude?: string[]; fill?: (folder: string) => void } = {}): Promise<RecordedCapture> {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'capture-'))
  const folder = path.join(base, 'folder')
  const logFile = path.join(base, 'operations')
  fs.mkdirSync(folder)
  fs.chmodSync(base, 0o755)
  fs.writeFileSync(logFile, '')
  options.fill?.(folder)
  const capture = await startCapture({ folder: 0, path: folder, exclude: options.exclude ?? [], log: { shared: logFile }, threadFile: buildThread() })
  return {
    capture,
    folder,
    async operations() {
      await capture.flushTimes()
      return readOperations(logFile)
    },
    async end() {
      await capture.stop({ force: true })
      fs.rmSync(base, { recursive: true, force: true })
    }
  }
}
