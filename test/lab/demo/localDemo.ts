import { program, labProgram } from '../programs'
import { attempt, run } from '../run'
import { onTerminal } from '../shell'
import { LocalPair, SERVICE } from './localPair'
import { JOB, playTour } from './tour'
import { typeNext, Writer } from './writer'

const LEFT_OUT = `Left out: a real virtual IP (127.0.0.50 stands for it), network cards and cables, capture by FUSE (changes are found by
watching the folder and copied after the fact), PostgreSQL, OS accounts, kills and power cuts. With root: sudo npm run demo.
`

/** The demo without root: two agents on loopback addresses, the key-value service, a folder that is watched. */
export async function localDemo(refusal: string): Promise<number> {
  process.stderr.write(`No lab here: ${refusal}. Two agents on 127.0.0.2 and 127.0.0.3 instead.\n${LEFT_OUT}`)
  const pair = new LocalPair()
  process.on('exit', () => pair.stop())
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))
  pair.start()
  const shell = (args: string[]) => onTerminal([...program('cui'), ...args], pair.environment())
  const code = await shell(['bringin', JOB, '--yes'])
  if (code !== 0) return code
  const writer = new Writer([...labProgram('ledger'), '--kv', SERVICE, '--every', '20'])
  if (process.stdin.isTTY && process.stdout.isTTY) {
    process.stdout.write(`${typeNext(JOB)}\n`)
    await shell([])
    writer.kill()
    return 0
  }
  return playTour({
    shell,
    stopWriter: async () => (await writer.stop()).committed,
    countCommitted: async (upTo) => Number(run([...labProgram('kv'), '--ask', SERVICE, 'COUNT', 'ledger-', String(upTo)]).split(' ')[1]),
    folderOf: (node) =>
      attempt(['sh', '-c', 'cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum', 'sums', pair.at(node, 'data')])
        .stdout.split('\n')
        .filter(Boolean)
  })
}
