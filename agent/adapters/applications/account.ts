import os from 'node:os'
import { runCommand } from '../command'

/** Accounts may come from a directory service, so `getent` is asked, and may be slow. */
const GETENT_TIMEOUT_MS = 5_000

export interface Account {
  name: string
  uid: number
  gid: number
  home: string
}

/** The OS account; a plain Error says why not. */
export async function findAccount(name: string): Promise<Account> {
  const result = await runCommand('getent', ['passwd', name], GETENT_TIMEOUT_MS)
  const [found, , uid, gid, , home] = result.output.trim().split(':')
  if (result.exitCode !== 0 || uid === undefined || gid === undefined) throw new Error(result.exitCode === null ? result.problem : 'there is no such account')
  return { name: found ?? name, uid: Number(uid), gid: Number(gid), home: home ?? '/' }
}

/**
 * The words before a command that make it run as the account, with all of the account's groups (spawn's uid and gid would drop
 * them). setpriv becomes the command itself: no process in between. Without root only the agent's own account is possible.
 */
export function runAs(account: Account | null): string[] {
  if (account === null || account.uid === process.geteuid?.()) return []
  if (process.geteuid?.() !== 0) throw new Error(`the agent runs as ${os.userInfo().username}, and only root can change the user`)
  return ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--init-groups', '--']
}
