import fs from 'node:fs'
import { LabError } from './labError'
import { type LabPlaces, namespaceFile } from './places'
import {
  ADDRESSES,
  bridgeOf,
  CABLES,
  type Cable,
  cablesOf,
  type Host,
  hardwareAddress,
  IPV6_PREFIX_LENGTH,
  ipv6Address,
  isHost,
  portOf,
  PREFIXES
} from './plan'
import { attempt, run } from './run'
import type { Lost } from './state'

const inNetwork = (places: LabPlaces, host: Host | 'wires') => ['nsenter', `--net=${namespaceFile(places, host, 'net')}`]

function ip(places: LabPlaces, host: Host | 'wires', lines: string[]): void {
  run([...inNetwork(places, host), 'ip', '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

/** A namespace with one bridge for each network: the lab's switches. */
export function buildWires(places: LabPlaces): void {
  const file = namespaceFile(places, 'wires', 'net')
  fs.writeFileSync(file, '')
  run(['unshare', `--net=${file}`, 'true'])
  ip(
    places,
    'wires',
    CABLES.flatMap((cable) => [`link add ${bridgeOf(cable)} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`, `link set ${bridgeOf(cable)} up`])
  )
}

/** Puts a host's network cards in and gives them their base addresses. */
export function plugIn(places: LabPlaces, host: Host): void {
  const cables = cablesOf(host)
  const file = namespaceFile(places, host, 'net')
  ip(
    places,
    'wires',
    cables.flatMap((cable) => [
      `link add ${portOf(host, cable)} type veth peer name ${cable} address ${hardwareAddress(host, cable)} netns ${file}`,
      `link set ${portOf(host, cable)} master ${bridgeOf(cable)}`,
      `link set ${portOf(host, cable)} up`
    ])
  )
  ip(places, host, ['link set lo up', ...cables.flatMap((cable) => addressLines(host, cable))])
}

/** One card more on a network, without an address: the host calls it `card`, its end at the switch has the name that is answered. */
export function plugInMore(places: LabPlaces, host: Host, cable: Cable, card: string): string {
  const port = `${host}-${card}`
  ip(places, 'wires', [
    `link add ${port} type veth peer name ${card} netns ${namespaceFile(places, host, 'net')}`,
    `link set ${port} master ${bridgeOf(cable)}`,
    `link set ${port} up`
  ])
  ip(places, host, [`link set ${card} up`])
  return port
}

/** As `setCable`, by the name at the switch. */
export const setPort = (places: LabPlaces, port: string, up: boolean): void => ip(places, 'wires', [`link set ${port} ${up ? 'up' : 'down'}`])

function addressLines(host: Host, cable: Cable): string[] {
  const lines = [`address add ${ADDRESSES[host][cable]}/${PREFIXES[cable]} broadcast + dev ${cable}`, `link set ${cable} up`]
  if (cable === 'service') lines.push(`address add ${ipv6Address(host)}/${IPV6_PREFIX_LENGTH} dev ${cable} nodad`)
  return lines
}

/** Takes a host's cards out: nothing of it is heard any more, at once. Cards that are out already are no error. */
export function unplug(places: LabPlaces, host: Host): void {
  for (const cable of cablesOf(host)) attempt([...inNetwork(places, 'wires'), 'ip', 'link', 'delete', portOf(host, cable)])
}

/** Pulls or plugs a cable at the switch: the host sees that the carrier is lost. */
export function setCable(places: LabPlaces, host: Host, cable: Cable, up: boolean): void {
  setPort(places, portOf(host, cable), up)
}

/** A card that nobody has: what is sent to it arrives nowhere, and the sender is not told. */
const NOBODY = '02:4d:50:ff:ff:ff'

/** From now on what one host sends to another one's own addresses is lost, or is not. */
export function lose(places: LabPlaces, { from, to, cable }: Lost, lost: boolean): void {
  const addresses = [ADDRESSES[to][cable], ...(cable === 'service' ? [ipv6Address(to)] : [])]
  const line = (address = '') =>
    lost ? `neighbour replace ${address} lladdr ${NOBODY} dev ${cable} nud permanent` : `neighbour delete ${address} dev ${cable}`
  ip(places, from, addresses.map(line))
}

/** `RMHW131>witness` one way, `RMHW131-witness` both, over each cable that both have; `RMHW131>RMHW132:link-0` over one. null: it is about a cable itself. */
export function parseLost(name: string): Lost[] | null {
  const [, left = '', arrow, right = '', cable] = /^(\w+)([>-])(\w+)(?::([\w-]+))?$/.exec(name) ?? []
  if (!isHost(left) || !isHost(right) || left === right) return null
  const cables = cablesOf(left).filter((each) => ADDRESSES[right][each] !== undefined && (cable === undefined || each === cable))
  return cables.flatMap((each) => [{ from: left, to: right, cable: each }, ...(arrow === '-' ? [{ from: right, to: left, cable: each }] : [])])
}

/** Whatever is left of the switches goes with their namespace; taken down by name first, in case something else still holds it. */
export function removeWires(places: LabPlaces): void {
  for (const cable of CABLES) attempt([...inNetwork(places, 'wires'), 'ip', 'link', 'delete', bridgeOf(cable)])
}

/** The addresses of a host's cards, as they are now. */
export function addressesOf(places: LabPlaces, host: Host): string[] {
  const shown = attempt([...inNetwork(places, host), 'ip', '-json', 'address', 'show', 'scope', 'global'])
  if (shown.status !== 0) return []
  const cards = JSON.parse(shown.stdout || '[]') as { addr_info?: { local: string; prefixlen: number }[] }[]
  return cards
    .flatMap((card) => card.addr_info ?? [])
    .filter((address) => address.local !== undefined)
    .map((address) => `${address.local}/${address.prefixlen}`)
}

/** `link-0` is that cable at both nodes; `RMHW131:link-0` one end only. */
export function parseCut(name: string, nodes: readonly Host[], isCable: (text: string) => text is Cable): { host: Host; cable: Cable }[] {
  const [left = '', right] = name.split(':')
  const cable = right ?? left
  const hosts = right === undefined ? nodes : (['RMHW131', 'RMHW132', 'witness', 'client'] as const).filter((host) => host === left)
  if (!isCable(cable) || hosts.length === 0) {
    throw new LabError(
      `there is no cable "${name}"`,
      'name service, link-0 or link-1, one end of it (RMHW131:link-0), or two hosts: RMHW131-witness, one way RMHW131>witness',
      2
    )
  }
  return hosts.filter((host) => ADDRESSES[host][cable] !== undefined).map((host) => ({ host, cable }))
}
