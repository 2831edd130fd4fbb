import fs from 'node:fs'
import path from 'node:path'
import { withFuse } from '../capture/fuse'
import { makePair } from '../mirrord/pair'

const TEST_TIMEOUT_MS = 30_000

withFuse('the disk of the log is full', () => {
  test(
    'mirrord and its keeper say what they have to say to nobody, and the folder is served on',
    async () => {
      const { one, directory } = makePair()
      const full = fs.openSync('/dev/full', 'w')
      const file = path.join(one.folder, 'file')
      try {
        await one.start({ kept: true, logFd: full })
        await one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
        fs.writeFileSync(file, 'before')
        await one.crash()
        expect(fs.readFileSync(file, 'utf8')).toBe('before')
        fs.writeFileSync(file, 'after')
        expect(await one.status()).toMatchObject({ role: 'source' })
      } finally {
        await one.end()
        fs.closeSync(full)
        fs.rmSync(directory, { recursive: true, force: true })
      }
    },
    TEST_TIMEOUT_MS
  )
})
