import { captureReports } from '../../../src/report/capture'
import { ReportError } from '../../../src/report/report'

export type CaptureReportCode = keyof typeof captureReports

export function captureError(code: CaptureReportCode, values: { folder: string; why?: string }): ReportError {
  const definition = captureReports[code]
  const full = { why: '', ...values }
  return new ReportError({ code, message: definition.message(full), tryThis: definition.tryThis(full), exitCode: definition.exitCode })
}
