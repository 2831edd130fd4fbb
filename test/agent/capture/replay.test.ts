import { execFile } from 'node:child_process'
import { buildSync } from 'esbuild'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { compareTrees } from '../../kit/compareTrees'
import { withFuse } from './fuse'
import { startRecordedCapture } from './recordedCapture'
import { redoOperations } from './redoOperations'

const run = promisify(execFile)
const seconds = Number(process.env.REPLAY_SECONDS ?? 4)
const seeds = (process.env.REPLAY_SEEDS ?? '1,2').split(',').map(Number)

function program(): string {
  const outfile = path.join(__dirname, '..', '..', '..', '.build', `randomFiles.${process.pid}.cjs`)
  buildSync({
    entryPoints: [path.join(__dirname, '../../kit/randomFiles.main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['koffi'],
    logLevel: 'error'
  })
  return outfile
}

withFuse('what was captured, done again on a copy', () => {
  test.each(seeds)(
    'two programs do random things at once (seed %i): both trees are equal',
    async (seed) => {
      const recorded = await startRecordedCapture({ fill: fillWithSomeFiles })
      const base = path.dirname(recorded.folder)
      const copy = path.join(base, 'copy')
      const file = program()
      try {
        fs.mkdirSync(copy)
        await run('cp', ['-a', `${recorded.folder}/.`, copy])
        const workers = [0, 1].map((index) =>
          run(process.execPath, [file, path.join(recorded.folder, `w${index}`), String(seed * 10 + index), String(seconds)])
        )
        await Promise.all(workers)
        const operations = await recorded.operations()
        expect(operations.length).toBeGreaterThan(1_000)
        redoOperations(operations, copy)
        expect(compareTrees(recorded.folder, copy)).toEqual([])
        expect(recorded.capture.counters().errors).toBe(0)
      } finally {
        fs.rmSync(file, { force: true })
        await recorded.end()
      }
    },
    60_000
  )
})

function fillWithSomeFiles(folder: string): void {
  for (const name of ['w0', 'w1']) {
    fs.mkdirSync(path.join(folder, name, 'there before'), { recursive: true })
    fs.writeFileSync(path.join(folder, name, 'there before', 'file'), 'content')
    fs.linkSync(path.join(folder, name, 'there before', 'file'), path.join(folder, name, 'second name'))
  }
}
