import { type AgentDescription, type AgentParameter, agentProblems } from '../../src/model'

const parameter = (change: Partial<AgentParameter>): AgentParameter => ({
  name: 'x',
  type: 'string',
  required: false,
  unique: false,
  deprecated: false,
  byDefault: null,
  choices: [],
  summary: '',
  description: '',
  ...change
})
const PARAMETERS = [
  parameter({ name: 'ip', required: true, summary: 'IPv4 or IPv6 address' }),
  parameter({ name: 'cidr_netmask', type: 'integer' }),
  parameter({ name: 'arp_bg', type: 'boolean', byDefault: 'true' }),
  parameter({ name: 'lvs', type: 'select', choices: ['on', 'off'] }),
  parameter({ name: 'dampen', type: 'integer', byDefault: '1s' }),
  parameter({ name: 'state', required: true, byDefault: '/run/state' })
]
const description: AgentDescription = { agent: 'ocf:heartbeat:IPaddr2', version: '1', summary: '', description: '', parameters: PARAMETERS, actions: [] }
const problems = (parameters: Record<string, string>): string[] =>
  agentProblems({ provider: 'heartbeat', type: 'IPaddr2', parameters, checkLevel: 0 }, description).map(({ what, instead }) => `${what}: ${instead}`)

test.each<[string, Record<string, string>, RegExp[]]>([
  ['all as it should be', { ip: '192.168.150.130', cidr_netmask: '24', arp_bg: 'NO', lvs: 'on' }, []],
  ['what every agent understands', { ip: '10.0.0.1', trace_ra: '1' }, []],
  ['an unknown one, with the nearest', { ip: '10.0.0.1', cidr_netmsk: '24' }, [/has no parameter cidr_netmsk: Did you mean cidr_netmask\?/]],
  ['one that is like none', { ip: '10.0.0.1', whatever: '1' }, [/has no parameter whatever: Its parameters: ip, cidr_netmask, /]],
  ['a required one is missing; one with a default is not', {}, [/needs the parameter ip: Add ip: … \(IPv4 or IPv6 address\)/]],
  ['no number', { ip: '10.0.0.1', cidr_netmask: '/24' }, [/cidr_netmask of ocf:heartbeat:IPaddr2 is "\/24": Write a whole number/]],
  ['neither true nor false', { ip: '10.0.0.1', arp_bg: 'perhaps' }, [/arp_bg .* is "perhaps": Write true or false/]],
  ['none of the choices', { ip: '10.0.0.1', lvs: 'half' }, [/lvs .* is "half": Write one of on, off/]],
  ['a type that the agent itself does not keep is not asked for', { ip: '10.0.0.1', dampen: '5s' }, []]
])('%s', (_what, parameters, expected) => {
  expect(problems(parameters)).toEqual(expected.map((words) => expect.stringMatching(words)))
})
