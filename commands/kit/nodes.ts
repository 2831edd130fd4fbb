import { DEFAULT_API_PORT } from '../../src/model'
import type { StatusAnswer } from '../../src/wire'
import { reportOf, fail } from './fail'
import { AgentRefusal, ANSWER_MS, callAgent, where, type Call } from './client'
import type { NodeEntry, Store } from './store'
import type { Report } from '../../src/report/report'

export interface Asked {
  entry: NodeEntry
  status: StatusAnswer | null
  /** How long ago it answered. */
  agoMs: number
  /** Why there is no status. */
  report: Report | null
}

/** `192.168.150.151`, `host:7331`, `[fd00::1]:7330`, `fd00::1`. */
export function parseAddress(text: string): { address: string; port: number } {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text)
  const plain = /^([^:\s]+)(?::(\d+))?$/.exec(text)
  const match = bracketed ?? plain
  const address = match?.[1] ?? (/^[0-9a-f:.]+$/i.test(text) && text.includes(':') ? text : '')
  const port = match?.[2] === undefined ? DEFAULT_API_PORT : Number(match[2])
  if (!isHost(address) || !(port >= 1 && port <= 65_535)) throw fail('E_USAGE', { what: `"${text}" is not an address.`, usage: 'open ADDRESS[:PORT]' })
  return { address, port }
}

/** What an URL can have as its host, and nothing of the rest of one: 999.1.1.1 and 192.168.150.151/16 are none. */
const isHost = (address: string): boolean =>
  address !== '' && !/[/?#@\\]/.test(address) && URL.canParse(`https://${where({ address, port: DEFAULT_API_PORT })}`)

export const nodeNamed = (entries: NodeEntry[], word: string): NodeEntry | undefined =>
  entries.find((entry) => entry.node === word || entry.node.toLowerCase() === word.toLowerCase() || where(entry) === word || entry.address === word)

export async function call<T>(entry: NodeEntry, request: Call): Promise<T> {
  try {
    return await callAgent<T>(entry, { ...request, token: entry.token })
  } catch (thrown) {
    if (thrown instanceof AgentRefusal && thrown.status === 401) throw fail('E_SESSION_ENDED', { node: entry.node }, entry.node)
    throw thrown
  }
}

/** Every open node at once: one that does not answer keeps nobody else waiting. */
export const askAll = (entries: NodeEntry[]): Promise<Asked[]> => Promise.all(entries.map((entry) => askNode(entry)))

/** `news`: the answer may wait so long for something else than what is known. */
export async function askNode(entry: NodeEntry, news?: { known: string; waitMs: number; signal: AbortSignal }): Promise<Asked> {
  try {
    const path = news === undefined ? '/v1/status' : `/v1/status?known=${news.known}&waitMs=${news.waitMs}`
    const status = await call<StatusAnswer>(entry, {
      method: 'GET',
      path,
      answerMs: ANSWER_MS + (news?.waitMs ?? 0),
      ...(news && { signal: news.signal, paced: true })
    })
    if (typeof status.self?.jobs !== 'object' || !Array.isArray(status.self.links)) throw fail('E_ANSWER_STRANGE', { where: where(entry), what: 'no status' })
    return { entry, status, agoMs: 0, report: null }
  } catch (thrown) {
    return { entry, status: null, agoMs: 0, report: reportOf(thrown) }
  }
}

/** The open nodes, or those of --node; none open is an answer of its own. */
export function openNodes(store: Store, only: string | undefined): NodeEntry[] {
  const open = store.open()
  if (open.length === 0) throw fail('E_NOT_OPEN', {})
  if (only === undefined) return open
  const entry = nodeNamed(open, only)
  if (entry === undefined) throw fail('E_NODE_NOT_OPEN', { node: only, open: open.map((known) => known.node) })
  return [entry]
}

/** Those that refuse, or are silent, keep no answer back; when it is all of them, the first of their reasons is thrown. */
export async function askEach<T>(asked: Promise<T>[]): Promise<{ answers: T[]; refused: unknown[] }> {
  const settled = await Promise.allSettled(asked)
  const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  if (answers.length === 0 && refused.length > 0) throw refused[0]
  return { answers, refused }
}

/** At least one must answer. One that merely lost its session is told as that. */
export function requireAnswer(asked: Asked[]): void {
  if (asked.some((one) => one.status !== null)) return
  throw noAnswer(asked.flatMap(({ entry, report }) => (report === null ? [] : [{ entry, report }])))
}

/** Why nobody answered: a session that has ended needs a login, whatever else is wrong. */
export function noAnswer(silent: { entry: NodeEntry; report: Report }[]): Error {
  const ended = silent.find(({ report }) => report.exitCode === 4)
  if (ended !== undefined) return fail('E_SESSION_ENDED', { node: ended.entry.node })
  return fail('E_NO_ANSWER', { reasons: silent.map(({ report }) => report.message) })
}
