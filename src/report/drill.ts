import { define, type MessageDefinition, type Report } from './report'

interface Values {
  node: string
  what: string
  why: string
}

export const drillMessages = {
  E_DRILL_REFUSED: define<Values>({
    exitCode: 5,
    message: ({ node, what, why }) => `${node} does not do that to ${what}: ${why}.`,
    tryThis: () => 'Look at `why JOB` and `hbtstate`; nothing was done.'
  }),
  E_DRILL_STILL: define<Values>({
    exitCode: 5,
    message: ({ node, why }) => `${node} is not made to stand still: ${why}.`,
    tryThis: () => 'Only the standby is, while all is well: look at `allstate`, `ready JOB` and `hbtstate`. Nothing was done.'
  }),
  E_DRILL_RUNS: define<Values>({
    exitCode: 5,
    message: ({ node, what }) => `Another drill is under way on ${node}, of ${what}.`,
    tryThis: () => 'Wait until it is over: `drill JOB history`. Nothing was done.'
  }),
  E_DRILL_NOT_HERE: define<Values>({
    exitCode: 5,
    message: ({ node, what, why }) => `${node} does not serve ${what}: ${why}.`,
    tryThis: () => 'Ask the owner of the job (`allstate`); nothing was done.'
  }),
  E_DRILL_PROBE: define<Values>({
    exitCode: 1,
    message: ({ node, what, why }) => `The probe could not be written into the folder of ${what} on ${node}: ${why}.`,
    tryThis: () => 'Check the folder: its file system may be full, or read-only.'
  }),
  E_DRILL_KIND: define<Values>({
    exitCode: 5,
    message: ({ node, what, why }) => `${what} cannot be killed on ${node} as an accident would: ${why}.`,
    tryThis: () => 'Kill it by hand there, and look at `history` and `log`.'
  })
}

/** As it travels. */
export function drillReport<Code extends keyof typeof drillMessages>(code: Code, values: Values): Report {
  const definition: MessageDefinition<Values> = drillMessages[code]
  return { code, message: definition.message(values), tryThis: definition.tryThis(values), exitCode: definition.exitCode, node: values.node }
}
