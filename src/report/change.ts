import { define, type MessageDefinition, type Report } from './report'

interface At {
  node: string
}

/** Why a change of the configuration is made by nobody. */
export const CHANGE_MESSAGES = {
  E_CONFIG_WRONG: define<At & { problems: string; instead: string }>({
    exitCode: 1,
    message: ({ node, problems }) => `${node} refuses the configuration, and nothing was changed: ${problems}`,
    tryThis: ({ instead }) => instead
  }),
  E_CONFIG_CHECKS: define<At & { problems: { message: string; tryThis: string }[] }>({
    exitCode: 5,
    message: ({ problems }) =>
      [`${problems.length} things stand in its way, and nothing was changed:`, ...problems.map(({ message, tryThis }) => `${message} Try: ${tryThis}`)].join(
        '\n'
      ),
    tryThis: () => 'Put all of these right, then give the command again (--dry-run only looks).'
  }),
  E_CONFIG_STOPPED: define<At & { what: string }>({
    exitCode: 5,
    message: ({ what }) => `These cannot be changed while the agents run: ${what}.`,
    tryThis: () =>
      'Bring the jobs out, stop the agents on both nodes, change the file in the same way on both, and start them again; a node with another name joins anew.'
  }),
  E_CONFIG_LINKS: define<At & { peer: string }>({
    exitCode: 5,
    message: ({ node, peer }) => `No heartbeat link on which ${node} and ${peer} hear each other now would stay as it is: each could take the other for dead.`,
    tryThis: () => 'Change the links one after the other (link modify NAME), and add a second one first where there is only one; hbtstate shows which are up.'
  }),
  E_CONFIG_BUSY: define<At>({
    exitCode: 5,
    message: ({ node }) => `Another change of the configuration is being agreed on, as ${node} knows; nothing was changed.`,
    tryThis: () => 'Try again in a few seconds; config history shows what was changed.'
  }),
  E_CONFIG_BASE: define<At & { version: number }>({
    exitCode: 5,
    message: ({ node, version }) => `${node} runs another configuration than the one that was to be changed (its version is ${version}); nothing was changed.`,
    tryThis: () => 'config show and config diff say what it is; try the change again, or apply a whole file: config apply FILE.'
  }),
  E_MONITOR_CONDITION: define<At & { text: string; expected: string }>({
    exitCode: 2,
    message: ({ text, expected }) => `"${text}" is no condition: ${expected} is expected.`,
    tryThis: () => 'Conditions look like this: cpu >= 70%, disk /srv >= 90% NA, process postgres memory > 4GiB. man mirrorpair.yaml lists them.'
  }),
  E_MONITOR_NODE: define<At & { named: string; peer: string }>({
    exitCode: 2,
    message: ({ node, named, peer }) => `${named} is not a node of this pair; its nodes are ${node} and ${peer}.`,
    tryThis: () => 'Name one of them.'
  }),
  E_CONFIG_PEER: define<At & { peer: string; why: string }>({
    exitCode: 3,
    message: ({ peer, why }) => `${peer} did not answer, so nothing was changed: ${why}`,
    tryThis: ({ peer }) => `Both nodes have to agree. Start the agent on ${peer}, or repair the links (hbtstate), then try again.`
  })
}

type Messages = typeof CHANGE_MESSAGES
export type ChangeCode = keyof Messages
type Values<Code extends keyof Messages> = Messages[Code] extends MessageDefinition<infer V> ? V : never

export type ChangeValues<Code extends ChangeCode> = Values<Code> & { node: string }

export function changeReport<Code extends keyof Messages>(code: Code, values: Values<Code> & { node: string }): Report {
  const definition = CHANGE_MESSAGES[code] as unknown as MessageDefinition<Values<Code>>
  return { code, message: definition.message(values), tryThis: definition.tryThis(values), exitCode: definition.exitCode, node: values.node }
}
