import { define, type MessageDefinition, type Report } from './report'

/** What a configuration can be refused for. `where` names the section as a person would: `link link-0`. */
export const CONFIG_MESSAGES = {
  E_CONFIG_SYNTAX: define<{ what: string; instead: string }>({
    exitCode: 1,
    message: ({ what }) => `This is not valid YAML: ${what}.`,
    tryThis: ({ instead }) => instead
  }),
  E_CONFIG_UNKNOWN_KEY: define<{ key: string; where: string; nearest: string | null; known: string }>({
    exitCode: 1,
    message: ({ key, where }) => `${where} has an unknown key: ${key}.`,
    tryThis: ({ nearest, known }) => (nearest ? `Did you mean ${nearest}? Known here: ${known}.` : `Known here: ${known}.`)
  }),
  E_CONFIG_MISSING: define<{ key: string; where: string; example: string }>({
    exitCode: 1,
    message: ({ key, where }) => `${where} lacks ${key}.`,
    tryThis: ({ example }) => `Write, for example, ${example}.`
  }),
  E_CONFIG_VALUE: define<{ key: string; where: string; found: string; expected: string; example: string }>({
    exitCode: 1,
    message: ({ key, where, found, expected }) => `${where}: ${key} must be ${expected}, not ${found}.`,
    tryThis: ({ key, example }) => `Write, for example, ${key}: ${example}.`
  }),
  E_CONFIG_NAME: define<{ what: string; found: string; why: string }>({
    exitCode: 1,
    message: ({ what, found, why }) => `The name of ${what}, ${found}, ${why}.`,
    tryThis: () => 'Use letters (of any language), digits, - _ and . and begin with a letter or a digit.'
  }),
  E_CONFIG_NODES: define<{ count: number }>({
    exitCode: 1,
    message: ({ count }) => `A pair has exactly two nodes; this file names ${count}.`,
    tryThis: () => 'Write two nodes with their host names: nodes: { RMHW131: { address: 192.168.150.151 }, RMHW132: { address: 192.168.150.152 } }.'
  }),
  E_CONFIG_DUPLICATE: define<{ what: string; value: string; firstLine: number }>({
    exitCode: 1,
    message: ({ what, value, firstLine }) => `${what} ${value} is used twice; it stands in line ${firstLine} already.`,
    tryThis: ({ what }) => `Give each its own ${what.charAt(0).toLowerCase()}${what.slice(1)}.`
  }),
  E_CONFIG_FOLDER: define<{ path: string; why: string; instead: string }>({
    exitCode: 1,
    message: ({ path, why }) => `The folder ${path} ${why}.`,
    tryThis: ({ instead }) => instead
  }),
  E_CONFIG_VIP_NETWORK: define<{ vip: string; address: string; nodes: string; example: string }>({
    exitCode: 1,
    message: ({ vip, address, nodes }) => `The network of the virtual address ${vip} (${address}) holds no link address of ${nodes}.`,
    tryThis: ({ example }) =>
      `Use a free address of a network that both nodes are in, with that network's prefix (${example}), or name the network card: nic: eth0.`
  }),
  E_CONFIG_VIP_IS_NODE: define<{ vip: string; address: string; node: string }>({
    exitCode: 1,
    message: ({ vip, address, node }) => `The virtual address ${vip} (${address}) is already the node's own address on ${node}.`,
    tryThis: () => 'Use a free address of the same network: a virtual address moves between the nodes, so neither may own it.'
  }),
  E_CONFIG_SAFETY: define<{ job: string }>({
    exitCode: 1,
    message: ({ job }) => `The data of job ${job} cannot have safety: full with capture: watch, which sees a change only after it was made.`,
    tryThis: () => 'Write capture: fuse, or safety: off.'
  }),
  E_CONFIG_MODE: define<{ job: string; mode: string; unnamed: boolean; why: string; instead: string }>({
    exitCode: 1,
    message: ({ job, mode, unnamed, why }) =>
      `The job ${job} cannot be in the mode ${mode}${unnamed ? ' (it names none, and there is a witness)' : ''}: ${why}.`,
    tryThis: ({ instead }) => instead
  }),
  E_CONFIG_TIMERS: define<{ what: string; sum: string; limit: string; instead: string }>({
    exitCode: 1,
    message: ({ what, sum, limit }) => `${what}: ${sum} is more than ${limit}.`,
    tryThis: ({ instead }) => instead
  }),
  E_CONFIG_DEPENDENCY: define<{ application: string; why: string; instead: string }>({
    exitCode: 1,
    message: ({ application, why }) => `The application ${application} ${why}.`,
    tryThis: ({ instead }) => instead
  }),
  E_CONFIG_NO_HEARTBEAT: define<object>({
    exitCode: 1,
    message: () => 'No link carries a heartbeat, so no node could tell whether the other one lives.',
    tryThis: () => 'Give at least one link a UDP port: heartbeat: 3001.'
  }),
  E_CONFIG_NO_DATA_LINK: define<{ job: string }>({
    exitCode: 1,
    message: ({ job }) => `The job ${job} has data, and no link may carry it.`,
    tryThis: () => 'Write data: true in at least one link.'
  })
}

type Definitions = typeof CONFIG_MESSAGES
export type ConfigCode = keyof Definitions
export type ConfigValues<Code extends ConfigCode> = Definitions[Code] extends MessageDefinition<infer Values> ? Values : never

export function configReport<Code extends ConfigCode>(code: Code, values: ConfigValues<Code>): Report {
  const definition = CONFIG_MESSAGES[code] as MessageDefinition<ConfigValues<Code>>
  return { code, message: definition.message(values), tryThis: definition.tryThis(values), exitCode: definition.exitCode }
}
