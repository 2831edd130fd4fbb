import fs from 'node:fs'
import path from 'node:path'
import { isSea } from 'node:sea'

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
