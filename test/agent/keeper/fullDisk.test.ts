import fs from 'node:fs'
import path from 'node:path'
import { withFuse } from '../capture/fuse'
import { makePair, type TestPair } from '../mirrord/pair'

jest.setTimeout(30_000)

withFuse('mirrord is killed while a disk is full', () => {
  let pair: TestPair
  let file: string
  const begin = async (logFd?: number): Promise<void> => {
    await pair.one.start({ kept: true, ...(logFd === undefined ? {} : { logFd }) })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await fs.promises.writeFile(file, 'before')
  }
  beforeEach(() => {
    pair = makePair()
    file = path.join(pair.one.folder, 'file')
  })
  afterEach(() => pair.end())

  test('that of the log: it and its keeper say what they have to say to nobody, and the folder is served on', async () => {
    const full = fs.openSync('/dev/full', 'w')
    try {
      await begin(full)
      await pair.one.crash()
      expect(await fs.promises.readFile(file, 'utf8')).toBe('before')
      await fs.promises.writeFile(file, 'after')
      expect(await pair.one.status()).toMatchObject({ role: 'source' })
    } finally {
      fs.closeSync(full)
    }
  })

  test('that of the run directory: the folder is served on, and who serves it is noted when there is room', async () => {
    await begin()
    // No note can be written through a folder of this name.
    const inTheWay = path.join(pair.directory, 'RMHW131-run', 'DB_Group.mirrord.json.new')
    fs.mkdirSync(inTheWay)
    process.kill(pair.one.pid, 'SIGKILL')
    expect(await fs.promises.readFile(file, 'utf8')).toBe('before')
    const { pid } = pair.one
    fs.rmdirSync(inTheWay)
    await pair.one.noted(pid)
    expect(await pair.one.status()).toMatchObject({ role: 'source' })
  })
})
