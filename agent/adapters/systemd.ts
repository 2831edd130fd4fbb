import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { runCommand } from './command'

/** Stopped first of all when the machine goes down: it hands the jobs over. */
export const SHUTDOWN_UNIT = 'mirrorpair-shutdown.service'
/** There only where systemd is the init system. */
const RUNTIME_UNITS = '/run/systemd/system'
const ORDER_FILE = '50-mirrorpair.conf'
const ORDER = `[Unit]\nBefore=${SHUTDOWN_UNIT}\n`
const RELOAD_TIMEOUT_MS = 30_000

const ASK_TIMEOUT_MS = 5_000
/** What systemd says of itself when it shuts down, or goes down to the rescue mode, where no service is left either. */
const GOES_DOWN = ['stopping', 'maintenance']

/** A unit is stopped by an update of the package or by hand, too. */
export async function machineGoesDown(): Promise<boolean> {
  const { output } = await runCommand('systemctl', ['is-system-running'], ASK_TIMEOUT_MS)
  return GOES_DOWN.includes(output.trim())
}

/** systemd waits for this word with Type=notify (and NotifyAccess=all). */
export function tellSystemd(): void {
  if (process.env.NOTIFY_SOCKET) execFile('systemd-notify', ['--ready'], () => undefined)
}

/**
 * At a shutdown systemd would stop the applications' units at the same moment as it begins to hand over; so each of them is ordered: what starts before the
 * shutdown unit stops after it. Until the next boot, as /run is. False: there is no systemd, or it has not been told.
 */
export async function orderStop(unit: string, directory = RUNTIME_UNITS): Promise<boolean> {
  const folder = path.join(directory, `${unit}.d`)
  const file = path.join(folder, ORDER_FILE)
  try {
    if (!fs.existsSync(directory)) return false
    if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === ORDER) return true
    fs.mkdirSync(folder, { recursive: true })
    fs.writeFileSync(file, ORDER)
  } catch {
    // Without it the service is stopped side by side with the rest of its job: no reason not to serve.
    return false
  }
  return (await runCommand('systemctl', ['daemon-reload'], RELOAD_TIMEOUT_MS)).exitCode === 0
}
