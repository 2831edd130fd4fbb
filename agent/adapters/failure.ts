import { type AdapterCode, adapterReports } from '../../src/report/adapters'
import { type MessageDefinition, ReportError } from '../../src/report/report'

type Values<Code extends AdapterCode> = (typeof adapterReports)[Code] extends MessageDefinition<infer V> ? V : never

/** The one way an adapter fails: a code, its sentence, what to try. */
export function failure<Code extends AdapterCode>(code: Code, values: Values<Code> & { node: string }): ReportError {
  const definition = adapterReports[code] as unknown as MessageDefinition<Values<Code>>
  return new ReportError({ code, exitCode: definition.exitCode, message: definition.message(values), tryThis: definition.tryThis(values), node: values.node })
}

/** An error of the system in a few plain words: `ENOSPC: no space left on device` without the call and the path. */
export function plainReason(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown }
  const text = typeof message === 'string' ? message : String(error)
  return (text.split('\n')[0] ?? '')
    .replace(/, (open|write|fsync|rename|link|unlink|mkdir|spawn|connect|scandir|access|stat|read)\b.*$/, '')
    .replace(/^Connect Timeout Error.*$/, 'no connection in time')
    .replace(/^The operation was aborted due to timeout.*$/, 'no answer in time')
    .slice(0, REASON_LENGTH_MAX)
}

const REASON_LENGTH_MAX = 300
