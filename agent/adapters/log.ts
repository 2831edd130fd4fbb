import path from 'node:path'
import type { ClockPort, LogPort, Places } from '../ports'
import { EventFile } from './eventFile'
import type { EventHistory } from './eventHistory'
import { redact } from './redact'

type Level = Parameters<LogPort['event']>[0]

const LINE_LENGTH_MAX = 2_000
/** What the journal of systemd takes at the start of a line as its priority. */
const JOURNAL_PRIORITY: Record<Level, string> = { info: '<6>', warning: '<4>', error: '<3>' }

/**
 * The event log of a node: `<state>/events.log` in the guide's form, the same line on standard error (for the journal), and
 * `events` with what the shell asks for: level, job, and a sequence number.
 */
export function createLogPort(
  places: Pick<Places, 'stateDirectory' | 'node'>,
  clock: Pick<ClockPort, 'wallMs'>,
  options: { standardError?: boolean; events?: EventHistory } = {}
): LogPort & { flushed(): Promise<void> } {
  const file = new EventFile(path.join(places.stateDirectory, 'events.log'))
  const { events } = options
  const underJournal = process.env.JOURNAL_STREAM !== undefined
  const event: LogPort['event'] = (level, text, job) => {
    const atMs = clock.wallMs()
    const words = oneLine(job === undefined || text.includes(job) ? text : `${job}: ${text}`)
    const line = eventLine(atMs, words, places.node)
    file.append(line)
    events?.add({ atMs, level, job: job ?? null, text: words })
    if (options.standardError !== false) process.stderr.write(`${underJournal ? JOURNAL_PRIORITY[level] : ''}${line}\n`)
  }
  return { event, flushed: async () => void (await Promise.all([file.flushed(), events?.flushed()])) }
}

/** `2019-09-23 15:26:04 | text [RMHW131]`, local time, always one line. */
const eventLine = (wallMs: number, words: string, node: string): string => `${localTime(wallMs)} | ${words} [${node}]`

const oneLine = (text: string): string =>
  redact(text)
    .replace(/[\0-\x1f\x7f]+/g, ' ')
    .slice(0, LINE_LENGTH_MAX)

function localTime(wallMs: number): string {
  const at = new Date(wallMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}
