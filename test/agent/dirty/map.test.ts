import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { CounterValues } from '../../../agent/mirrord/capture/counters'
import { readDirtyMap } from '../../../agent/mirrord/dirty/dirtyMap'
import type { DirtySet } from '../../../agent/mirrord/dirty/dirtySet'
import type { DirtyProcessOptions } from '../../kit/dirtyProcess.main'
import { withFuse } from '../capture/fuse'
import { DirtySource } from './dirtySource'

const LOOK_MS = 50
/** A generation goes when its changes are hard on this disk, which others use, too. */
const PATIENCE_MS = 45_000

jest.setTimeout(120_000)

withFuse('the dirty map of a source', () => {
  let base: string
  let folder: string
  let source: DirtySource | null = null
  beforeEach(() => {
    base = fs.mkdtempSync(path.join(os.tmpdir(), 'dirty-map-'))
    folder = path.join(base, 'folder')
    fs.mkdirSync(path.join(folder, 'old'), { recursive: true })
    for (let each = 0; each < 600; each++) fs.writeFileSync(path.join(folder, 'old', `f${each}`), 'old')
  })
  afterEach(async () => {
    await source?.kill().catch(() => undefined)
    source = null
    fs.rmSync(base, { recursive: true, force: true })
  })

  const directory = (): string => path.join(base, 'dirty')
  async function start(options: Partial<DirtyProcessOptions> = {}): Promise<DirtySource> {
    source = await DirtySource.start({ folder, directory: directory(), lineage: 'one', keep: false, exclude: ['*.tmp'], rotateMs: 150, ...options })
    return source
  }
  const setOf = async (lineage = 'one'): Promise<DirtySet[0] | 'unknown'> => {
    const set = await readDirtyMap({ directory: directory(), lineage, roots: [folder] })
    return set === 'unknown' ? set : set[0]!
  }

  /** What it names, once it names only this. */
  async function untilNamed(paths: string[], work: () => Promise<void> | void): Promise<void> {
    let named: string[] | 'unknown' = []
    for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await delay(LOOK_MS)) {
      await work()
      const set = await setOf()
      named = set === 'unknown' ? set : [...set.names, ...set.files.keys(), ...set.subtrees].sort()
      if (JSON.stringify(named) === JSON.stringify(paths)) return
    }
    expect(named).toEqual(paths)
  }

  const releaseAll = async (): Promise<void> => {
    const lsn = await source!.ask<number>({ ask: 'lsn' })
    await source!.ask({ ask: 'release', lsn })
  }
  const setAside = async (): Promise<number> => (await source!.ask<CounterValues>({ ask: 'counters' })).setAside

  test('two thousand new files, written, renamed over and removed again, wait for a handful of flushes', async () => {
    await start({ rotateMs: 60_000 })
    await delay(300)
    fs.mkdirSync(path.join(folder, 'new'))
    for (let each = 0; each < 2_000; each++) {
      fs.writeFileSync(path.join(folder, 'new', `.f${each}`), 'text')
      fs.renameSync(path.join(folder, 'new', `.f${each}`), path.join(folder, 'new', `f${each % 1_000}`))
    }
    for (let each = 0; each < 1_000; each++) fs.unlinkSync(path.join(folder, 'new', `f${each}`))
    expect(await setAside()).toBeLessThan(10)
  })

  test('a tree that is removed and made again waits for few flushes, too', async () => {
    await start({ rotateMs: 60_000 })
    fs.rmSync(path.join(folder, 'old'), { recursive: true })
    fs.mkdirSync(path.join(folder, 'old'))
    for (let each = 0; each < 600; each++) fs.writeFileSync(path.join(folder, 'old', `f${each}`), 'new')
    expect(await setAside()).toBeLessThan(30)
  })

  test('what is released is named no longer; a file in use is; what is excluded never was', async () => {
    fs.writeFileSync(path.join(folder, 'x.tmp'), 'excluded')
    await start()
    fs.writeFileSync(path.join(folder, 'old', 'f1'), 'changed')
    fs.writeFileSync(path.join(folder, 'x.tmp'), 'excluded, changed')
    fs.chmodSync(path.join(folder, 'x.tmp'), 0o600)
    await untilNamed(['old/f1'], () => undefined)
    const fd = fs.openSync(path.join(folder, 'old', 'f2'), 'r+')
    await untilNamed(['old/f2'], async () => {
      fs.writeSync(fd, 'in use', 0)
      await releaseAll()
    })
    fs.closeSync(fd)
    await untilNamed([], releaseAll)
    expect(await setAside()).toBeLessThan(8)
  })

  test('after a crash the next run keeps what was marked, until that is released', async () => {
    await start({ rotateMs: 60_000 })
    fs.writeFileSync(path.join(folder, 'old', 'f1'), 'changed')
    await source!.kill()
    await start({ keep: true })
    fs.writeFileSync(path.join(folder, 'old', 'f3'), 'changed')
    await untilNamed(['old/f1', 'old/f3'], () => undefined)
    await untilNamed([], releaseAll)
  })

  test('a damaged, a missing and a foreign map are unknown, and known again when a run has been released', async () => {
    await start({ rotateMs: 60_000 })
    fs.writeFileSync(path.join(folder, 'old', 'f1'), 'changed')
    await source!.kill()
    expect(await setOf('another')).toBe('unknown')
    for (const file of fs.readdirSync(path.join(directory(), '0'))) fs.truncateSync(path.join(directory(), '0', file), 700)
    expect(await setOf()).toBe('unknown')
    await start({ keep: true })
    expect(await setOf()).toBe('unknown')
    expect(await source!.ask({ ask: 'bytes' })).toBeNull()
    fs.writeFileSync(path.join(folder, 'old', 'f3'), 'changed')
    await untilNamed([], releaseAll)
    fs.rmSync(path.join(directory(), '0'), { recursive: true })
    expect(await setOf()).toBe('unknown')
  })

  test('a new lineage begins while the source serves', async () => {
    await start({ rotateMs: 60_000 })
    fs.writeFileSync(path.join(folder, 'old', 'f1'), 'changed')
    await source!.ask({ ask: 'lineage', lineage: 'two' })
    fs.writeFileSync(path.join(folder, 'old', 'f2'), 'changed')
    expect(await setOf('one')).toBe('unknown')
    expect(await setOf('two')).toBe('unknown')
    await source!.stop()
    source = null
  })

  test('a disk that takes no more marks: work goes on, the map is unknown, and recovers by itself', async () => {
    const disk = path.join(base, 'dirty')
    fs.mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=900k', 'tmpfs', disk])
    try {
      await start({ rotateMs: 1_000 })
      const filler = path.join(disk, 'filler')
      expect(() => fs.writeFileSync(filler, Buffer.alloc(1 << 20))).toThrow(/ENOSPC/)
      for (let each = 0; each < 600 && source!.lost === null; each++) fs.writeFileSync(path.join(folder, 'old', `f${each}`), 'changed')
      for (const deadline = performance.now() + PATIENCE_MS; source!.lost === null && performance.now() < deadline; await delay(LOOK_MS)) {
        fs.writeFileSync(path.join(folder, 'old', 'f1'), String(performance.now()))
      }
      expect(source!.lost).toMatch(/ENOSPC/)
      expect(await setOf()).toBe('unknown')
      fs.rmSync(filler)
      await untilNamed([], releaseAll)
    } finally {
      await source!.stop()
      source = null
      execFileSync('umount', [disk])
    }
  })
})
