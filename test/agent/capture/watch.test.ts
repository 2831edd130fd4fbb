import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { startWatch } from '../../../agent/mirrord/capture/watch'
import { SharedOrderedLog } from '../../../agent/mirrord/order/sharedOrderedLog'

test('watch marks what changed: files, new directories with what was made in them at once, moved trees, deletions by their parent', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watch-'))
  const log = SharedOrderedLog.create({ queueBytes: 1 << 20 })
  log.setWatching(true)
  const marked: string[] = []
  const take = async (): Promise<string[]> => {
    await watch.flushTimes()
    log.lock()
    const taken = log.revisits.take()
    log.unlock()
    marked.push(JSON.stringify(taken))
    return (
      JSON.stringify(taken)
        .match(/"path":"[^"]*"/g)
        ?.map((each) => each.slice(8, -1)) ?? []
    )
  }
  fs.mkdirSync(path.join(folder, 'old'))
  const watch = await startWatch({ folder: 0, path: folder, exclude: ['*.tmp'], log })
  try {
    execFileSync('sh', ['-c', 'mkdir -p a/b/c; echo x > a/b/c/deep; echo y > old/file; echo z > no.tmp'], { cwd: folder })
    expect(await take()).toEqual(expect.arrayContaining(['a', 'old/file', 'old', '']))
    execFileSync('sh', ['-c', 'echo more >> a/b/c/deep; mv a moved; echo again >> moved/b/c/deep; rm old/file'], { cwd: folder })
    await take()
    fs.appendFileSync(path.join(folder, 'moved/b/c/deep'), 'last')
    expect(await take()).toContain('moved/b/c/deep')
    expect(marked.join()).not.toContain('no.tmp')
  } finally {
    await watch.stop()
    fs.rmSync(folder, { recursive: true })
  }
}, 20_000)
