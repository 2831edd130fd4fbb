import type { MonitorValues } from '../../src/model'
import type { Context } from '../context'
import { askLine } from '../kit/confirm'
import { ReportError } from '../../src/report/report'
import { checkedCondition, checkedResponse, eventValues } from './parts'

const LINES_MAX = 16

/** The guide's dialogue Event, line by line: conditions, real-time or average, responses, export. What was given as an option is not asked for. */
export async function askEvent(context: Context, known: MonitorValues, usage: string): Promise<MonitorValues> {
  const say = (text: string): void => void context.io.stdout.write(`${text}\n`)
  const conditions =
    known['conditions'] ??
    (await askLines(context, 'Condition', 'cpu >= 70%, disk /srv >= 90% NA', '--condition', (text) => checkedCondition(text, usage), say))
  const average = 'average' in known ? known['average'] : await askAverage(context)
  const responses =
    known['responses'] ??
    (await askLines(context, 'Event Response', 'equal 3 switch all, equal 1 alarm', '--response', (text) => checkedResponse(text, usage), say))
  const exported = 'export' in known ? { export: known['export'] ?? null } : await askExport(context, usage)
  return { ...known, conditions, responses, ...(average ? { average } : {}), ...exported }
}

/** At least one; an empty line ends. What is wrong is said, and asked for again. */
async function askLines(
  context: Context,
  what: string,
  example: string,
  option: string,
  checked: (text: string) => string,
  say: (text: string) => void
): Promise<string[]> {
  const lines: string[] = []
  while (lines.length < LINES_MAX) {
    const hint = lines.length === 0 ? `(such as ${example})` : '(empty: no more)'
    const text = (await askLine(context, `${what} ${lines.length + 1} ${hint}:`, { option })).trim()
    if (text === '' && lines.length > 0) break
    try {
      lines.push(checked(text))
    } catch (thrown) {
      if (!(thrown instanceof ReportError)) throw thrown
      say(thrown.report.message)
    }
  }
  return lines
}

async function askAverage(context: Context): Promise<string | null> {
  const text = (await askLine(context, 'Use real-time value, or the average of (such as 10m; empty: real-time):', { option: '--average' })).trim()
  return text === '' ? null : text
}

async function askExport(context: Context, usage: string): Promise<MonitorValues> {
  const text = (await askLine(context, 'Export whole server resource usage, size and interval (such as 1MiB 1m; empty: no):', { option: '--export' })).trim()
  if (text === '') return {}
  const [size, interval] = text.split(/\s+/)
  return eventValues({ 'export-size': size, 'export-interval': interval }, usage)
}
