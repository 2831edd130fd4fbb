/**
 * A failure is an answer: a code, a sentence, what to try, and the exit code of the shell (product §2).
 * Codes are never used again for something else. Every code has its entry in man/mirrorpair-messages.7.
 */
export interface Report {
  code: string
  /** One sentence: what happened, on which node, with the values seen. */
  message: string
  /** What to do next, or which command would help. */
  tryThis: string
  exitCode: ExitCode
  node?: string
}

/** 0 done · 1 failed · 2 wrong usage · 3 unreachable · 4 not allowed · 5 refused in this state · 6 timed out waiting. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 6

/** A definition: the code's exit code and how its two sentences are made from their values. */
export interface MessageDefinition<Values> {
  exitCode: ExitCode
  message: (values: Values) => string
  tryThis: (values: Values) => string
}

/** Gives each definition its type; use it so that wrong values do not compile. */
export const define = <Values>(definition: MessageDefinition<Values>): MessageDefinition<Values> => definition

/** Carries a report through code that throws. Its text is the report's: no stack trace reaches a user. */
export class ReportError extends Error {
  override name = 'ReportError'
  constructor(readonly report: Report) {
    super(report.message)
  }
}
