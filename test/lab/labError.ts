/** What went wrong in the lab, in one sentence, and what to do about it. Printed without a stack trace. */
export class LabError extends Error {
  override name = 'LabError'
  constructor(
    message: string,
    readonly tryThis: string,
    readonly exitCode = 1
  ) {
    super(message)
  }
}
