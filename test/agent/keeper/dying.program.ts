import path from 'node:path'
import { startCapture } from '../../../agent/mirrord/capture/capture'
import { KeeperLink } from '../../../agent/mirrord/keeper/keeperLink'

/** Serves one folder, as mirrord does for its keeper, with a thread that can be told to die. */
const [folder = '', armFile = ''] = process.argv.slice(2)

async function main(): Promise<void> {
  const keeper = await KeeperLink.open()
  const capture = await startCapture({
    folder: 0,
    path: folder,
    exclude: ['*.tmp'],
    log: { shared: armFile },
    keeper,
    threadFile: path.join(__dirname, 'dying.thread.cjs'),
    onRestored: (restored) => process.stderr.write(`${JSON.stringify(restored)}\n`)
  })
  capture.onFault(({ message }) => process.stderr.write(`fault: ${message}\n`))
  keeper.stand({ configure: '', role: '' })
  keeper.ready()
  process.stderr.write('serves\n')
  process.on('SIGTERM', () => void capture.stop({ force: true }).then(() => process.exit(0)))
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exit(1)
})
