import type { Lab, Node } from './lab'
import { NODES } from './lab'

/** One line for each name: type, mode, owner, size, time to the nanosecond, number of links, where a symbolic link points. */
const LIST = String.raw`cd "$1" && find . -mindepth 1 -printf '%P\t%y\t%m\t%U:%G\t%s\t%T@\t%n\t%l\t%i\n' | LC_ALL=C sort`
const SUMS = 'cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum'
const ATTRIBUTES =
  'cd "$1" && if command -v getfattr >/dev/null; then find . -print0 | LC_ALL=C sort -z | xargs -0 -r getfattr -h -d -m "^user[.]" 2>/dev/null; fi'
const PLACE = { path: 0, type: 1, size: 4, inode: 8 }
const SHELL_TIMEOUT_MS = 120_000

/** Everything that must be equal, as text: what differs is then seen in the failed comparison. */
async function treeOf(lab: Lab, node: Node, folder: string): Promise<string[]> {
  const run = (script: string) => lab.said(node, ['sh', '-c', script, 'tree', folder], { timeoutMs: SHELL_TIMEOUT_MS })
  const [list, sums, attributes] = [await run(LIST), await run(SUMS), await run(ATTRIBUTES)]
  return [...withLinkGroups(list.split('\n')), ...sums.split('\n'), ...attributes.split('\n')]
}

/** Inode numbers differ between the nodes, but names that share one do so on both: the number becomes the first name that has it. */
function withLinkGroups(lines: string[]): string[] {
  const first = new Map<string, string>()
  return lines.filter(Boolean).map((line) => {
    const fields = line.split('\t')
    const inode = fields[PLACE.inode] ?? ''
    const path = fields[PLACE.path] ?? ''
    if (!first.has(inode)) first.set(inode, path)
    const size = fields[PLACE.type] === 'd' ? '-' : fields[PLACE.size]
    return [...fields.slice(0, PLACE.size), size, ...fields.slice(PLACE.size + 1, PLACE.inode), `same file as ${first.get(inode)}`].join('\t')
  })
}

/** Lines that only one node has; `except`: names the pair leaves alone. */
export async function differences(lab: Lab, folder: string, except: RegExp | null = null): Promise<string[]> {
  const [a = [], b = []] = await Promise.all(NODES.map((node) => treeOf(lab, node, folder)))
  const counted = (line: string) => except === null || !except.test(line)
  const inA = new Set(a)
  const inB = new Set(b)
  return [
    ...a.filter((line) => !inB.has(line) && counted(line)).map((line) => `${NODES[0]}: ${line}`),
    ...b.filter((line) => !inA.has(line) && counted(line)).map((line) => `${NODES[1]}: ${line}`)
  ]
}

const SOON_MS = 30_000

/** The same, for a folder at rest: the time of a file that is still open follows a moment after what was written. */
export async function lastingDifferences(lab: Lab, folder: string, except: RegExp | null = null): Promise<string[]> {
  for (const deadline = performance.now() + SOON_MS; ; ) {
    const found = await differences(lab, folder, except)
    if (found.length === 0 || performance.now() > deadline) return found
  }
}

/** Names in a tree: a comparison of two empty trees proves nothing. */
export async function nameCount(lab: Lab, node: Node, folder: string): Promise<number> {
  return Number(await lab.said(node, ['sh', '-c', 'find "$1" -mindepth 1 | wc -l', 'count', folder]))
}
