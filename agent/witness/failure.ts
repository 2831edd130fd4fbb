import { type MessageDefinition, ReportError } from '../../src/report/report'
import { WITNESS_MESSAGES } from '../../src/report/witness'

type Messages = typeof WITNESS_MESSAGES
type Values<Code extends keyof Messages> = Messages[Code] extends MessageDefinition<infer V> ? V : never

export function witnessFailure<Code extends keyof Messages>(code: Code, values: Values<Code>): ReportError {
  const definition = WITNESS_MESSAGES[code] as unknown as MessageDefinition<Values<Code>>
  return new ReportError({ code, message: definition.message(values), tryThis: definition.tryThis(values), exitCode: definition.exitCode })
}
