import { API_MESSAGES } from '../../src/report/api'
import { type MessageDefinition, ReportError } from '../../src/report/report'

type Messages = typeof API_MESSAGES
type Values<Code extends keyof Messages> = Messages[Code] extends MessageDefinition<infer V> ? V : never

/** The one way the HTTPS door refuses: a code, its sentence, what to try. */
export function apiFailure<Code extends keyof Messages>(code: Code, values: Values<Code> & { node: string }): ReportError {
  const definition = API_MESSAGES[code] as unknown as MessageDefinition<Values<Code>>
  return new ReportError({ code, message: definition.message(values), tryThis: definition.tryThis(values), exitCode: definition.exitCode, node: values.node })
}
