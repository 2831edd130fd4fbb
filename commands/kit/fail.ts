import { ReportError, type MessageDefinition, type Report } from '../../src/report/report'
import { shellReports } from '../../src/report/shell'

type Reports = typeof shellReports
type ValuesOf<K extends keyof Reports> = Reports[K] extends MessageDefinition<infer V> ? V : never

/** Makes the error of a code from its values. */
export function fail<K extends keyof Reports>(code: K, values: ValuesOf<K>, node?: string): ReportError {
  const definition = shellReports[code] as unknown as MessageDefinition<ValuesOf<K>>
  const report: Report = { code, message: definition.message(values), tryThis: definition.tryThis(values), exitCode: definition.exitCode }
  return new ReportError(node === undefined ? report : { ...report, node })
}

/** Whatever was thrown, as a report: no stack trace reaches a user. */
export function reportOf(thrown: unknown): Report {
  if (thrown instanceof ReportError) return thrown.report
  const what = thrown instanceof Error ? thrown.message : String(thrown)
  return fail('E_SHELL_BROKEN', { what: what.split('\n')[0] ?? 'no words' }).report
}
