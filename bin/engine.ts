export {}

// Bundled in; the compiler's project of this folder ends at its own files.
const { version } = require('../package.json') as { version: string }

const HELP = `mirrorpair-agent: keeps the jobs of this node

  run [--config FILE] [--node NAME] [--state DIRECTORY] [--run DIRECTORY]
                  the engine (the default); SIGTERM ends it, and jobs stay as they are
  init …          makes the cluster's certificates and key on the first node
  invite …        prints a one-time code for the other node, or for a witness
  join …          brings the cluster's certificates and key to this node
  users …         accounts of the API, where PAM is not used
  leave …         this machine shuts down: hands its jobs over, and waits for it
  units …         the units of systemd for this machine
  witness …       the third voter, for many pairs: run, join, leave, status
  --version, --help

Defaults: /etc/mirrorpair/mirrorpair.yaml, the host name, /var/lib/mirrorpair, /run/mirrorpair
`

/** `mirrorpair-agent`, all but what agent.ts takes apart: chooses the program, and is the last catch. */
async function main(argv: string[]): Promise<number> {
  const [word, ...rest] = argv
  if (word === '--help' || word === 'help' || word === '-h') return print(HELP)
  if (word === '--version') return print(`mirrorpair ${version}\n`)
  if (word === undefined || word === 'run') return engine().runAgent(rest, version)
  if (word.startsWith('-')) return engine().runAgent(argv, version)
  return (require('../agent/setup') as typeof import('../agent/setup')).runSetup(word, rest)
}

const engine = () => require('../agent/main') as typeof import('../agent/main')

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

/** Reports say what happened and what to do; anything else is a fault of ours, told in one line. */
function tell(thrown: unknown): number {
  const report = (thrown as { report?: { code: string; message: string; tryThis: string; exitCode: number } } | null)?.report
  const text = report ? `${report.code}: ${report.message}\n${report.tryThis}` : `unexpected: ${thrown instanceof Error ? thrown.message : String(thrown)}`
  process.stderr.write(`mirrorpair-agent: ${text}\n`)
  return report?.exitCode ?? 1
}

main(process.argv.slice(2))
  .catch(tell)
  .then((exitCode) => process.stdout.write('', () => process.exit(exitCode)))
