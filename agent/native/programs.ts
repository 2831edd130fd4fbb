import fs from 'node:fs'
import path from 'node:path'
import { isSea } from 'node:sea'
import { Worker, isMainThread, type WorkerOptions } from 'node:worker_threads'

/** The programs of a node; in the single executable they are its first argument, else files of dist/. */
export type Program = 'agent' | 'mirrord' | 'keeper' | 'cui'

/** dist/, whether this code runs from there, from the single executable or from its source (tests). */
function distDirectory(): string {
  if (fs.existsSync(path.join(__dirname, 'agent.cjs'))) return __dirname
  return path.join(__dirname, '..', '..', 'dist')
}

/** How to start another program of mirrorpair: file and first arguments for spawn(). */
export function programCommand(program: Program): { file: string; args: string[] } {
  if (isSea()) return { file: process.execPath, args: [program] }
  return { file: process.execPath, args: [path.join(distDirectory(), `${program}.cjs`)] }
}

/** The file of a thread, for `new Worker(…)`: `workerFile('capture')` is capture.worker.ts, bundled. */
export function workerFile(name: string): string {
  return path.join(distDirectory(), `${name}.worker.cjs`)
}

/** The files of all threads; none in the single executable, where they cannot be missing. */
export function threadFiles(): string[] {
  if (isSea()) return []
  const directory = distDirectory()
  return fs
    .readdirSync(directory)
    .filter((name) => name.endsWith('.worker.cjs'))
    .map((name) => path.join(directory, name))
}

/** A thread's young generation, MiB: V8 would let each of a dozen threads grow to three times this and more before it looks for garbage. */
const YOUNG_MIB = 4

/**
 * A thread, also one that a thread starts. In the single executable only the first thread's `Worker` finds files that are in it; a thread of a
 * thread gets the loader along, which bin/binary.cjs puts there.
 */
export function startThread(name: string, options: WorkerOptions): Worker {
  const file = workerFile(name)
  const limited = { ...options, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB } }
  if (isMainThread || !isSea()) return new Worker(file, limited)
  const loader = fs.readFileSync(path.join(distDirectory(), 'threadLoader.cjs'), 'utf8')
  return new Worker(`${loader}\nrequire(${JSON.stringify(file)})\n`, { ...limited, eval: true })
}
