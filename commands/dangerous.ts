import type { CommandOptions, JobCommand } from '../src/wire'
import type { Context, Outcome, Output } from './context'
import { confirmCode, isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import { checkConfirm, operate, send, type ChangeFlags, type Target } from './operate'

/**
 * A command that may lose data: what may be lost is asked for and shown, and a code that nobody types by habit (in scripts the job's name) confirms it for
 * that very state. One that turns out to be harmless just now asks Yes or No, as others do.
 */
export async function operateDangerous(
  context: Context,
  output: Output,
  target: Target,
  command: JobCommand,
  flags: ChangeFlags,
  extra: CommandOptions,
  question: string
): Promise<Outcome> {
  checkConfirm(target.job, flags.confirm)
  if (flags['dry-run']) return operate(context, output, target, command, flags, extra, question)
  const shown = await send(target.entry, target.job, command, { ...extra, dryRun: true })
  const danger = shown.dryRun ? shown.danger : undefined
  if (danger === undefined) return operate(context, output, target, command, flags, extra, question)
  // Typed without its node, the line would go to the owner: another one than what was warned of.
  const there = command === 'forcetake' || flags.node !== undefined ? ['--node', target.entry.node] : []
  const line = [command, target.job, ...(extra.node === undefined ? [] : [extra.node]), ...there].join(' ')
  await confirmed(context, output, { job: target.job, line, warning: danger.warning, confirm: flags.confirm })
  // The agent refuses when anything has changed since these sentences were true.
  return operate(context, output, target, command, { ...flags, yes: true }, { ...extra, confirm: danger.state }, question)
}

export interface Asked {
  job: string
  line: string
  warning: string[]
  confirm: string | undefined
}

export async function confirmed(context: Context, output: Output, { job, line, warning, confirm }: Asked): Promise<void> {
  if (confirm !== job && !isTerminal(context)) throw fail('E_CONFIRM_NEEDED', { job, why: warning.join(' '), command: line })
  for (const sentence of warning) output.line(output.paint.bad(sentence))
  if (confirm !== job) await confirmCode(context)
}
