import path from 'node:path'
import { type Capture, startCapture } from '../../../agent/mirrord/capture/capture'
import { KeeperLink } from '../../../agent/mirrord/keeper/keeperLink'

/** Serves one folder, as mirrord does for its keeper, with a thread that can be told to die. */
const [folder = '', armFile = ''] = process.argv.slice(2)

async function serve(): Promise<Capture> {
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
  return capture
}

const serving = serve()
// From the beginning: it may be told to end as soon as a request is answered, and its mount must not stay.
process.on('SIGTERM', () => void serving.then((capture) => capture.stop({ force: true })).then(() => process.exit(0)))
serving.catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exit(1)
})
