import fs from 'node:fs'
import path from 'node:path'
import type { Door } from './client'
import { fail } from './fail'

/**
 * The open nodes, kept between calls in a file that only its owner reads: `nodes.json` in $MIRRORPAIR_HOME, else in
 * $XDG_STATE_HOME/mirrorpair, else in ~/.local/state/mirrorpair. A node that was closed stays with its fingerprint.
 */
export interface NodeEntry {
  address: string
  port: number
  /** Host name, as the agent says it. */
  node: string
  fingerprint: string
  token: string | null
  account: string
  role: string
  expiresAtMs: number
  /** Of a simulated node only (commands/simulation.ts); never written. */
  through?: NonNullable<Door['through']>
}

export const NODES_MAX = 256

export class Store {
  readonly folder: string
  private readonly file: string

  constructor(env: NodeJS.ProcessEnv) {
    const state = env['XDG_STATE_HOME'] || path.join(env['HOME'] || '/root', '.local', 'state')
    this.folder = env['MIRRORPAIR_HOME'] || path.join(state, 'mirrorpair')
    this.file = path.join(this.folder, 'nodes.json')
  }

  /** Read anew each time: another shell of the same user may have opened or closed a node. */
  nodes(): NodeEntry[] {
    const text = readOwn(this.file)
    if (text === null) return []
    try {
      const stored = JSON.parse(text) as { version: number; nodes: NodeEntry[] }
      if (stored.version === 1 && Array.isArray(stored.nodes)) return stored.nodes
    } catch {
      // Falls through to the answer for a file that is not ours.
    }
    throw fail('E_SHELL_FILE', { file: this.file, what: 'is not a file of this shell', advice: `move it away, then open the nodes again` })
  }

  open(): NodeEntry[] {
    return this.nodes().filter((entry) => entry.token !== null)
  }

  find(address: string, port: number): NodeEntry | undefined {
    return this.nodes().find((entry) => entry.address === address && entry.port === port)
  }

  put(entry: NodeEntry): void {
    const others = this.nodes()
    const place = others.findIndex((known) => known.address === entry.address && known.port === entry.port)
    if (place >= 0) others[place] = entry
    else others.push(entry)
    this.write(others.slice(-NODES_MAX))
  }

  private write(nodes: NodeEntry[]): void {
    writeOwn(this.folder, this.file, `${JSON.stringify({ version: 1, nodes }, null, 2)}\n`)
  }

  readHistory(): string[] {
    return (readOwn(path.join(this.folder, 'history')) ?? '').split('\n').filter((line) => line !== '')
  }

  writeHistory(lines: string[]): void {
    writeOwn(this.folder, path.join(this.folder, 'history'), `${lines.join('\n')}\n`)
  }
}

function readOwn(file: string): string | null {
  let stat: fs.Stats
  try {
    stat = fs.statSync(file)
  } catch {
    return null
  }
  if ((stat.mode & 0o077) !== 0) {
    throw fail('E_SHELL_FILE', { file, what: 'can be read by others and holds sessions', advice: `chmod 600 ${file}, then log in again` })
  }
  return readOr(file, () => fs.readFileSync(file, 'utf8'))
}

/** Written beside and renamed: a crash leaves the old file or the new one. */
function writeOwn(folder: string, file: string, text: string): void {
  readOr(file, () => {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
    const beside = `${file}.${process.pid}.new`
    fs.writeFileSync(beside, text, { mode: 0o600 })
    fs.renameSync(beside, file)
  })
}

function readOr<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    const what = (thrown as Error).message.split('\n')[0] ?? 'cannot be used'
    throw fail('E_SHELL_FILE', { file, what, advice: 'check the folder and its owner, or set MIRRORPAIR_HOME to another one' })
  }
}
