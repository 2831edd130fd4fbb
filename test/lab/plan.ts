/** The lab's map: hosts, cables, addresses. They exist only inside the lab's namespaces, so that every lab may use the same. */
export const NODES = ['RMHW131', 'RMHW132'] as const
export const HOSTS = [...NODES, 'witness', 'client'] as const
export const CABLES = ['service', 'link-0', 'link-1'] as const

export type Node = (typeof NODES)[number]
export type Host = (typeof HOSTS)[number]
/** Hosts with a disk and a program of ours. */
export type AgentHost = Node | 'witness'
export type Cable = (typeof CABLES)[number]

export const ADDRESSES: Record<Host, Partial<Record<Cable, string>>> = {
  RMHW131: { service: '192.168.150.151', 'link-0': '22.22.150.131', 'link-1': '11.11.150.131' },
  RMHW132: { service: '192.168.150.152', 'link-0': '22.22.150.132', 'link-1': '11.11.150.132' },
  witness: { service: '192.168.150.153' },
  client: { service: '192.168.150.10' }
}

export const PREFIXES: Record<Cable, number> = { service: 16, 'link-0': 24, 'link-1': 24 }

/** The service network speaks IPv6 too; the last group is the last number of the IPv4 address. */
export const IPV6_PREFIX = 'fd00:192:168:150::'
export const IPV6_PREFIX_LENGTH = 64

export const FIRST_VIP = '192.168.150.130'
export const API_PORT = 7330
export const FIRST_DATA_PORT = 7340
export const HEARTBEAT_PORTS: Record<Cable, number> = { service: 3002, 'link-0': 3001, 'link-1': 3000 }
export const ACCOUNT = 'administrator'
export const GROUP = 'mirrorpair'

export const isNode = (host: string): host is Node => (NODES as readonly string[]).includes(host)
export const isAgentHost = (host: string): host is AgentHost => isNode(host) || host === 'witness'
export const isHost = (host: string): host is Host => (HOSTS as readonly string[]).includes(host)
export const isCable = (cable: string): cable is Cable => (CABLES as readonly string[]).includes(cable)

export const cablesOf = (host: Host): Cable[] => CABLES.filter((cable) => ADDRESSES[host][cable] !== undefined)

/** The end of a cable at the switch; at the host it has the cable's name. A name has at most 15 characters. */
export const portOf = (host: Host, cable: Cable): string => `${host}-${cable}`
export const bridgeOf = (cable: Cable): string => `br-${cable}`

/** The same at every boot, as a real network card's: the neighbours' tables stay right. */
export function hardwareAddress(host: Host, cable: Cable): string {
  const byte = (value: number) => value.toString(16).padStart(2, '0')
  return `02:4d:50:00:${byte(CABLES.indexOf(cable))}:${byte(HOSTS.indexOf(host) + 1)}`
}

export function ipv6Address(host: Host): string {
  return IPV6_PREFIX + (ADDRESSES[host].service ?? '').split('.').at(-1)
}
