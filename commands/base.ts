import { Command, Config, Errors, Flags, Parser, type Interfaces } from '@oclif/core'
import { createOutput, type Context, type HelpText, type Outcome, type Output } from './context'
import { fail } from './kit/fail'

export type { CommandClass, HelpText } from './context'

const ONE_DAY_MS = 86_400_000
const SECOND_MS = 1000
const UNITS_MS: Record<string, number> = { ms: 1, s: SECOND_MS, m: 60_000, h: 3_600_000, d: ONE_DAY_MS }

/** 60s, 500ms, 2m, 1h, 1d; a number alone is seconds. `usage`: what is shown when it is none, or not within these. */
export function parseDurationMs(text: string, [leastMs, mostMs] = [1, ONE_DAY_MS], usage = '--timeout 60s'): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text)
  const ms = match === null ? NaN : Number(match[1]) * (UNITS_MS[match[2] ?? 's'] ?? NaN)
  const [least, most] = [leastMs === 1 ? '1ms' : `${leastMs / SECOND_MS}s`, mostMs === ONE_DAY_MS ? '24h' : `${mostMs / ONE_DAY_MS}d`]
  if (!(ms >= leastMs && ms <= mostMs)) throw fail('E_USAGE', { what: `"${text}" is not a duration between ${least} and ${most}.`, usage })
  return ms
}

export const everywhere = {
  json: Flags.boolean({ description: 'print one JSON object and nothing else' }),
  'no-color': Flags.boolean({ description: 'no colours (also: NO_COLOR, or output to a pipe)' }),
  node: Flags.string({ description: 'the node that is asked, by name or ADDRESS[:PORT]' })
}

export const timeoutFlag = Flags.string({ description: 'give up waiting after this long, exit code 6 (60s, 2m, 1h)' })

export const changing = {
  yes: Flags.boolean({ char: 'y', description: 'do not ask Yes or No' }),
  'dry-run': Flags.boolean({ description: 'print the steps it would take, change nothing' }),
  wait: Flags.boolean({ description: 'wait for the outcome (--no-wait prints a ticket)', default: true, allowNo: true }),
  timeout: timeoutFlag,
  reason: Flags.string({ description: 'why, for the record' }),
  confirm: Flags.string({ description: 'the name of the job, to confirm what may lose data' })
}

// Nothing is looked up on disk: commands come from the table in index.ts, bundled or not.
const bareConfig = new Config({ root: '/', pjson: { name: 'cui', version: '0', oclif: {} } as Interfaces.PJSON })

/** The base of every command: options in, words or one JSON object out. */
export abstract class CuiCommand extends Command {
  static about: HelpText
  protected output!: Output

  constructor(
    argv: string[],
    protected readonly context: Context
  ) {
    super(argv, bareConfig)
  }

  abstract override run(): Promise<Outcome>

  /** Reads the words; what is wrong with them becomes one sentence and the usage. */
  protected async read<F extends Interfaces.OutputFlags<Interfaces.FlagInput>, A extends Interfaces.OutputArgs<Interfaces.ArgInput>>(
    command: { flags: Interfaces.FlagInput<F>; args: Interfaces.ArgInput<A> } & { about: HelpText }
  ): Promise<{ flags: F; args: A }> {
    try {
      const { flags, args } = await Parser.parse<F, Interfaces.OutputFlags<Interfaces.FlagInput>, A>(this.argv, {
        flags: command.flags,
        args: command.args,
        strict: true
      })
      const common = flags as unknown as { json?: boolean; 'no-color'?: boolean }
      this.output = createOutput(this.context, { json: common.json === true, noColour: common['no-color'] === true })
      return { flags: flags as F, args: args as A }
    } catch (thrown) {
      if (!(thrown instanceof Errors.CLIError)) throw thrown
      throw fail('E_USAGE', { what: sentence(thrown.message), usage: command.about.usage })
    }
  }
}

function sentence(message: string): string {
  const text = message
    .replace(/\n?See more help with --help/, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim()
  return text.endsWith('.') ? text : `${text}.`
}
