import { define } from './report'

/** What the agent's program itself may end with. */
export const AGENT_MESSAGES = {
  E_AGENT_RUNS: define<{ node: string; stateDirectory: string }>({
    exitCode: 1,
    message: ({ node, stateDirectory }) => `An engine for ${stateDirectory} runs already on ${node}.`,
    tryThis: () => 'Stop it first (systemctl stop mirrorpair-agent); the jobs stay as they are.'
  }),
  E_UNEXPECTED: define<{ what: string }>({
    exitCode: 1,
    message: ({ what }) => `Something unexpected happened: ${what}.`,
    tryThis: () => 'Look into the event log, and report it as a fault of mirrorpair.'
  })
}
