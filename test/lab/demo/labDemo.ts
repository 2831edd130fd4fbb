import fs from 'node:fs'
import { FIRST_KV_PORT, FIRST_POSTGRES_PORT } from '../applications'
import { down } from '../down'
import { inside } from '../host'
import { LabError } from '../labError'
import { parseUp } from '../options'
import { type LabPlaces, LABS_DIRECTORY } from '../places'
import { FIRST_VIP, type Node } from '../plan'
import { labProgram, postgresPrograms } from '../programs'
import { attempt, run } from '../run'
import { runShell } from '../shell'
import { type LabState, openLab } from '../state'
import { up } from '../up'
import { type DemoPair, JOB, playTour } from './tour'
import { typeNext, Writer } from './writer'

const NAME = 'demo'
const OWNER_FILE = `${LABS_DIRECTORY}/${NAME}.owner`
const WRITE_EVERY_MS = 20

/** The demo as root: the lab, a real VIP, FUSE capture, PostgreSQL where it is installed. */
export async function labDemo(): Promise<number> {
  claimName()
  const application = postgresPrograms() ? 'postgres' : 'kv'
  process.stderr.write(
    `Building a pair: two nodes, three links, ${application === 'postgres' ? 'PostgreSQL' : 'a small key-value service (PostgreSQL is not installed)'} ...\n`
  )
  up(parseUp(['--name', NAME, '--application', application]))
  const { places, state } = openLab(NAME)
  const shell = (args: string[]) => runShell(places, state, args, process.cwd())
  const code = await shell(['bringin', JOB, '--yes'])
  if (code !== 0) return code
  const writer = new Writer(inside(places, 'client', writerCommand(application)))
  if (process.stdin.isTTY && process.stdout.isTTY) {
    process.stdout.write(`${typeNext(JOB)}\n`)
    await shell([])
    writer.kill()
    return 0
  }
  return playTour(labPair(places, state, application, writer, shell))
}

/** One demo at a time; what a killed one left behind is taken away first. Whatever ends this program takes the lab down. */
function claimName(): void {
  fs.mkdirSync(LABS_DIRECTORY, { recursive: true })
  const owner = fs.existsSync(OWNER_FILE) ? Number(fs.readFileSync(OWNER_FILE, 'utf8')) : 0
  if (owner > 0 && owner !== process.pid && fs.existsSync(`/proc/${owner}`)) {
    throw new LabError(`a demo is running already (process ${owner})`, `leave it with exit, or: npm run lab -- cui --name ${NAME}`)
  }
  down(NAME)
  fs.writeFileSync(OWNER_FILE, String(process.pid))
  process.on('exit', () => {
    down(NAME)
    fs.rmSync(OWNER_FILE, { force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))
}

function writerCommand(application: string): string[] {
  const target = application === 'postgres' ? ['--postgres', `${FIRST_VIP}:${FIRST_POSTGRES_PORT}`] : ['--kv', `${FIRST_VIP}:${FIRST_KV_PORT}`]
  return [...labProgram('ledger'), ...target, '--every', String(WRITE_EVERY_MS)]
}

const CHECKSUMS = 'cd "$1" && find . -type f ! -name postmaster.pid -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum'

function labPair(places: LabPlaces, state: LabState, application: string, writer: Writer, shell: DemoPair['shell']): DemoPair {
  const folder = state.jobs[0]?.folders[0] ?? ''
  return {
    shell,
    stopWriter: async () => (await writer.stop()).committed,
    countCommitted: async (upTo) => countCommitted(places, application, upTo),
    folderOf: (node) =>
      attempt(inside(places, node as Node, ['sh', '-c', CHECKSUMS, 'checksums', folder]))
        .stdout.split('\n')
        .filter(Boolean)
  }
}

function countCommitted(places: LabPlaces, application: string, upTo: number): number {
  if (application === 'postgres') {
    const question = `select count(*) from ledger where n between 1 and ${upTo}`
    return Number(run(inside(places, 'client', ['psql', '-h', FIRST_VIP, '-U', 'postgres', '-XqAtc', question])))
  }
  const answer = run(inside(places, 'client', [...labProgram('kv'), '--ask', `${FIRST_VIP}:${FIRST_KV_PORT}`, 'COUNT', 'ledger-', String(upTo)]))
  return Number(answer.split(' ')[1])
}
