import { ReportError } from '../../src/report/report'
import { setupFailure } from './failure'
import { invite } from './invite'
import { license } from './license'
import type { Output } from './options'
import { users } from './users'

export const SETUP_COMMANDS = ['init', 'invite', 'join', 'users', 'leave', 'units', 'license'] as const
export type SetupCommand = (typeof SETUP_COMMANDS)[number]

// The certificate library is large: an agent that only runs does not load it; and who makes keys needs none of the agent's adapters.
const COMMANDS: Record<SetupCommand, (argv: string[], output: Output) => Promise<void>> = {
  init: (argv, output) => (require('./init') as typeof import('./init')).init(argv, output),
  invite,
  join: (argv, output) => (require('./join') as typeof import('./join')).join(argv, output),
  users,
  leave: (argv, output) => (require('./leave') as typeof import('./leave')).leave(argv, output),
  units: (argv, output) => (require('./units') as typeof import('./units')).units(argv, output),
  license
}

/** `mirrorpair-agent init|invite|join|users|leave|units|license …`: carries it out and answers the exit code. */
export async function runSetup(command: string, argv: string[]): Promise<number> {
  try {
    if (!Object.hasOwn(COMMANDS, command)) {
      throw setupFailure('E_SETUP_USAGE', { what: `${command} is not a command of the agent`, usage: `mirrorpair-agent ${SETUP_COMMANDS.join('|')} …` })
    }
    await COMMANDS[command as SetupCommand](argv, { print: (text) => process.stdout.write(`${text}\n`) })
    return 0
  } catch (error) {
    if (!(error instanceof ReportError)) throw error
    const { code, message, tryThis, exitCode } = error.report
    process.stderr.write(`${code}: ${message}\n${tryThis}\n`)
    return exitCode
  }
}
