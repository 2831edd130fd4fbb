/** What the tour needs from a pair, whichever kind it is. */
export interface DemoPair {
  /** Runs one command of the shell on the caller's terminal; its exit code. */
  shell(args: string[]): Promise<number>
  /** Ends the writer; how many numbers it was told are committed. */
  stopWriter(): Promise<number>
  /** How many of the numbers up to `upTo` the service has. */
  countCommitted(upTo: number): Promise<number>
  /** The folder's files on both nodes, `path checksum` a line. */
  folderOf(node: string): string[]
}

export const JOB = 'DB_Group'
const NODES = ['RMHW131', 'RMHW132']
const EQUAL_TRIES = 100
const EQUAL_PAUSE_MS = 200

const say = (text: string) => process.stdout.write(`${text}\n`)

/** One command as a person would type it; the tour ends at the first that fails. */
async function typed(pair: DemoPair, line: string): Promise<void> {
  say(`\ncui>${line}`)
  const code = await pair.shell([...line.split(' ')])
  if (code !== 0) throw new TourFailure(`"${line}" ended with ${code}`)
}

export class TourFailure extends Error {}

/** Plays the short tour; the exit code. */
export async function playTour(pair: DemoPair): Promise<number> {
  try {
    await typed(pair, `wait ${JOB} synchronized`)
    await typed(pair, 'allstate')
    await typed(pair, `jobstate ${JOB}`)
    say('\nThe job moves to the other node, while a client writes through the virtual IP:')
    await typed(pair, `switch ${JOB}`)
    await typed(pair, `wait ${JOB} synchronized`)
    await typed(pair, 'allstate')
    await compareData(pair)
    return 0
  } catch (error) {
    if (!(error instanceof TourFailure)) throw error
    process.stderr.write(`The tour ends here: ${error.message}\n`)
    return 1
  }
}

/** First what the client was promised, then the files: a service that is out of use writes no more, so both folders must be the same. */
async function compareData(pair: DemoPair): Promise<void> {
  say('\nThe data compared:')
  const promised = await pair.stopWriter()
  const there = await pair.countCommitted(promised)
  say(`the client was told "committed" ${promised} times, before and after the switch; the service has ${there} of them`)
  if (there !== promised || promised === 0) throw new TourFailure('what was committed is not what is there')
  await typed(pair, `bringout ${JOB}`)
  const [a, b] = await equalFolders(pair)
  say(`\n${NODES[0]} has ${a.length} files, ${NODES[1]} has ${b.length}: names and contents are the same on both`)
}

async function equalFolders(pair: DemoPair): Promise<[string[], string[]]> {
  for (let tries = 1; ; tries++) {
    const [a, b] = [pair.folderOf('RMHW131'), pair.folderOf('RMHW132')]
    if (a.length > 0 && a.join('\n') === b.join('\n')) return [a, b]
    if (tries === EQUAL_TRIES) throw new TourFailure(`the folders differ:\n${difference(a, b).join('\n')}`)
    await new Promise((resolve) => setTimeout(resolve, EQUAL_PAUSE_MS))
  }
}

const LINES_SHOWN = 10

function difference(a: string[], b: string[]): string[] {
  const only = (one: string[], other: string[], name: string | undefined) => one.filter((line) => !other.includes(line)).map((line) => `${name}: ${line}`)
  return [...only(a, b, NODES[0]), ...only(b, a, NODES[1])].slice(0, LINES_SHOWN)
}
