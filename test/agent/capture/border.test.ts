import fs from 'node:fs'
import path from 'node:path'
import { withFuse } from './fuse'
import { type RecordedCapture, startRecordedCapture } from './recordedCapture'
import { redoOperations } from './redoOperations'

withFuse('files with several names, some of them excluded', () => {
  let recorded: RecordedCapture
  const at = (name: string): string => path.join(recorded.folder, name)
  const fill = (folder: string): void => {
    fs.mkdirSync(path.join(folder, 'there.tmp'))
    fs.writeFileSync(path.join(folder, 'old'), 'old')
    fs.linkSync(path.join(folder, 'old'), path.join(folder, 'there.tmp', 'old'))
  }
  beforeEach(async () => {
    recorded = await startRecordedCapture({ exclude: ['*.tmp'], fill })
  })
  afterEach(() => recorded.end())

  /** What the target has of these names: which of them are one file, and what is in it. */
  async function replicated(names: string[]): Promise<string[]> {
    const copy = path.join(path.dirname(recorded.folder), 'copy')
    fs.mkdirSync(copy)
    fs.writeFileSync(path.join(copy, 'old'), 'old')
    redoOperations(await recorded.operations(), copy)
    return names.map((name) => {
      const { ino, nlink } = fs.statSync(path.join(copy, name))
      const same = names.filter((each) => fs.statSync(path.join(copy, each)).ino === ino)
      return `${same.join(' = ')}, ${nlink} names: ${fs.readFileSync(path.join(copy, name), 'utf8')}`
    })
  }

  test('a link that is made under an excluded name and renamed is a link', async () => {
    fs.writeFileSync(at('a'), 'one')
    fs.writeFileSync(at('b'), 'was there')
    fs.linkSync(at('a'), at('b.tmp'))
    fs.renameSync(at('b.tmp'), at('b'))
    fs.writeFileSync(at('b'), 'two')
    expect(await replicated(['a', 'b'])).toEqual(['a = b, 2 names: two', 'a = b, 2 names: two'])
  })

  test('a directory that gets a replicated name keeps the links in it, and out of it', async () => {
    fs.writeFileSync(at('out'), 'out')
    fs.mkdirSync(at('d.tmp'))
    fs.linkSync(at('out'), at('d.tmp/in'))
    fs.writeFileSync(at('d.tmp/one'), 'one')
    fs.linkSync(at('d.tmp/one'), at('d.tmp/other'))
    fs.renameSync(at('d.tmp'), at('d'))
    fs.writeFileSync(at('d/one'), 'changed')
    fs.writeFileSync(at('d/in'), 'in')
    const [pair, through] = ['d/one = d/other, 2 names: changed', 'out = d/in, 2 names: in']
    expect(await replicated(['d/one', 'd/other', 'out', 'd/in'])).toEqual([pair, pair, through, through])
    expect(recorded.capture.counters().needsMirror).toBe(0)
  })

  test('changes under an excluded name, of a file with names that capture has never seen, are told once', async () => {
    const fd = fs.openSync(at('there.tmp/old'), 'r+')
    for (const text of ['one', 'two']) fs.writeSync(fd, text, 0)
    fs.closeSync(fd)
    expect(recorded.capture.counters().needsMirror).toBe(1)
  })

  test('with a name that capture has never seen it cannot be said', async () => {
    fs.renameSync(at('there.tmp'), at('there'))
    expect(recorded.capture.counters().needsMirror).toBe(1)
  })
})
