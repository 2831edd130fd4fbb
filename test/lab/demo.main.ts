import { spawnSync } from 'node:child_process'
import { labDemo } from './demo/labDemo'
import { localDemo } from './demo/localDemo'
import { LabError } from './labError'

/**
 * `npm run demo`: a pair with a job online and data being written, and the shell; without a terminal a short tour. As root the real
 * thing (the lab); without root, or where namespaces are refused, two agents on loopback addresses.
 */
async function main(): Promise<void> {
  try {
    const refusal = refusedHere()
    // Whatever still runs is ended by the handlers of exit.
    process.exit(refusal === null ? await labDemo() : await localDemo(refusal))
  } catch (error) {
    const said = error instanceof LabError ? `${error.message}\nTry: ${error.tryThis}` : `the demo failed: ${(error as Error).stack ?? String(error)}`
    process.stderr.write(`${said}\n`)
    process.exit(1)
  }
}

/** Why the lab cannot be built here; null: it can. */
function refusedHere(): string | null {
  if (process.getuid?.() !== 0) return 'not root'
  const probe = spawnSync(
    'unshare',
    ['--mount', '--net', '--cgroup', 'sh', '-c', '[ -c /dev/fuse ] && [ -c /dev/loop-control ] && mount -t tmpfs tmpfs /run'],
    { stdio: 'ignore' }
  )
  return probe.status === 0 ? null : 'this machine refuses namespaces, mounts, FUSE or loop devices (a container?)'
}

void main()
