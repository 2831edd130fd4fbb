import { runCommand } from '../adapters/command'

/** In the job's first folder, and on the other node with it. */
export const PROBE_NAME = 'mirrorpair-drill.probe'
/** A folder that waits for its target makes the writer wait: no longer than this. */
const WRITE_MS_MAX = 15_000

/**
 * Beside and renamed, hard before and after: what is acknowledged is what an application that does the same may rely on. A program of its own, because the
 * folder may make it wait, and the engine must not. Nothing that lies in its way is followed: the folder belongs to somebody else.
 */
const WRITE = `
set -eC
before=$(cat "$1/$2" 2> /dev/null || true)
rm -f "$1/$2.new"
printf '%s\\n' "$3" > "$1/$2.new"
sync "$1/$2.new"
mv -f "$1/$2.new" "$1/$2"
sync "$1"
printf '%s' "$before"`
const REMOVE = `
before=$(cat "$1/$2" 2> /dev/null || true)
rm -f "$1/$2.new" "$1/$2"
printf '%s' "$before"`

const READ = `
cat "$1/$2" 2> /dev/null || true`

export type Probed = { before: number | null } | { why: string }

export const writeProbe = (folder: string, sequence: number): Promise<Probed> => run(WRITE, folder, String(sequence))
export const removeProbe = (folder: string): Promise<Probed> => run(REMOVE, folder, '')
/** A copy that nobody may write to is read as well. */
export const readProbe = (folder: string): Promise<Probed> => run(READ, folder, '')

async function run(script: string, folder: string, word: string): Promise<Probed> {
  const { exitCode, output, problem } = await runCommand('sh', ['-c', script, 'probe', folder, PROBE_NAME, word], WRITE_MS_MAX)
  if (exitCode !== 0) return { why: problem }
  return { before: /^\d{1,9}$/.test(output.trim()) ? Number(output.trim()) : null }
}
