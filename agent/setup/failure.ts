import { type MessageDefinition, ReportError } from '../../src/report/report'
import { SETUP_MESSAGES } from '../../src/report/setup'

type Messages = typeof SETUP_MESSAGES
type Values<Code extends keyof Messages> = Messages[Code] extends MessageDefinition<infer V> ? V : never

export function setupFailure<Code extends keyof Messages>(code: Code, values: Values<Code>): ReportError {
  const definition = SETUP_MESSAGES[code] as unknown as MessageDefinition<Values<Code>>
  return new ReportError({ code, message: definition.message(values), tryThis: definition.tryThis(values), exitCode: definition.exitCode })
}
