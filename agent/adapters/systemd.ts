import { execFile } from 'node:child_process'

/** systemd waits for this word with Type=notify (and NotifyAccess=all). */
export function tellSystemd(): void {
  if (process.env.NOTIFY_SOCKET) execFile('systemd-notify', ['--ready'], () => undefined)
}
