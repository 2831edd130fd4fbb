import fs from 'node:fs'

/** The system's account files; tests have their own. */
export interface AccountFiles {
  passwd: string
  group: string
}

export const SYSTEM_ACCOUNT_FILES: AccountFiles = { passwd: '/etc/passwd', group: '/etc/group' }

const rows = (file: string): string[][] => {
  try {
    return fs
      .readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
  } catch {
    return []
  }
}

/** Root, or in the group: named in it, or with it as first group. */
export function maySteer(account: string, group: string, files: AccountFiles = SYSTEM_ACCOUNT_FILES): boolean {
  const [, , uid, gid] = rows(files.passwd).find(([name]) => name === account) ?? []
  if (uid === '0') return true
  const entry = rows(files.group).find(([name]) => name === group)
  if (!entry) return false
  const members = (entry[3] ?? '').split(',').map((member) => member.trim())
  return members.includes(account) || (gid !== undefined && gid === entry[2])
}
