import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { cardsOf, readCards } from '../../../agent/adapters/licence/cards'
import { sha256 } from '../../../agent/adapters/licence/hash'
import { hostIdOf, normalHostId } from '../../../src/model'

let devices: string
beforeEach(() => {
  devices = fs.mkdtempSync(path.join(os.tmpdir(), 'cards-'))
})
afterEach(() => fs.rmSync(devices, { recursive: true, force: true }))

interface Listed {
  ifname: string
  link_type: string
  address: string
  permaddr?: string
  linkinfo?: { info_kind?: string; info_slave_kind?: string; info_slave_data?: { perm_hwaddr: string } }
  flags?: string[]
}

const ether = (ifname: string, address: string, more: Partial<Listed> = {}): Listed => ({ ifname, link_type: 'ether', address, ...more })
const software = (kind: string, ifname: string, address: string): Listed => ether(ifname, address, { linkinfo: { info_kind: kind } })

/** A device stands behind it, below this bus. */
function hardware(name: string, bus = 'pci0000:00/0000:00:03.0'): void {
  const real = path.join(devices, bus, 'net', name)
  fs.mkdirSync(path.join(real, 'device'), { recursive: true })
  fs.symlinkSync(real, path.join(devices, name))
}

const LOOPBACK: Listed = { ifname: 'lo', link_type: 'loopback', address: '00:00:00:00:00:00' }
const [MAC_0, MAC_1, MAC_2] = ['52:54:00:12:34:56', '52:54:00:12:34:57', '52:54:00:12:34:58']

/** A server with two cards, as the kernel lists it. */
function server(more: Listed[] = []): Listed[] {
  for (const name of ['eno1', 'eno2']) if (!fs.existsSync(path.join(devices, name))) hardware(name)
  return [LOOPBACK, ether('eno1', MAC_0), ether('eno2', MAC_1), ...more]
}
const idOf = (listed: Listed[]): string | null => hostIdOf(cardsOf(listed, devices), sha256)

test('20 letters and digits that nobody misreads, the same for ever', () => {
  const cards = [
    { name: 'eno1', hardware: MAC_0 },
    { name: 'eno2', hardware: MAC_1 }
  ]
  expect(hostIdOf(cards, sha256)).toBe('8HGE91Y528G9CN5QJCRD')
  expect(hostIdOf([], sha256)).toBeNull()
})

test('typed as it was read out it is the same', () => {
  expect(normalHostId(' 8hge9-Iy528-g9cn5-qjcrd ')).toBe('8HGE91Y528G9CN5QJCRD')
  for (const wrong of ['', '8HGE91Y528G9CN5QJCR', '8HGE91Y528G9CN5QJCRU']) expect(normalHostId(wrong)).toBeNull()
})

test('a card that is added, removed, exchanged, or has another address of its own makes another host id', () => {
  const before = idOf(server())
  expect(before).toMatch(/^[0-9A-HJKMNP-TV-Z]{20}$/)
  hardware('ens9')
  const others = [
    server([ether('ens9', MAC_2)]),
    server().filter(({ ifname }) => ifname !== 'eno2'),
    server().map((link) => (link.ifname === 'eno2' ? { ...link, address: MAC_2 } : link))
  ].map(idOf)
  expect(others).not.toContain(before)
  expect(new Set(others).size).toBe(3)
})

test('names, their order, a cable that is out and a card that is down change nothing', () => {
  const before = idOf(server())
  hardware('eth7')
  expect(idOf([ether('eno2', MAC_1, { flags: ['NO-CARRIER'] }), ether('eth7', MAC_0.toUpperCase()), LOOPBACK])).toBe(before)
})

test('what software adds changes nothing: bridges, bonds, VLANs, containers, tunnels, virtual functions', () => {
  const before = idOf(server())
  const added = ['bridge', 'bond', 'vlan', 'veth', 'macvlan', 'dummy', 'tun', 'vxlan', 'ifb'].map((kind, i) => software(kind, kind, `02:00:00:00:00:0${i}`))
  expect(idOf(server(added))).toBe(before)
  hardware('eno1v0')
  fs.mkdirSync(path.join(devices, 'eno1v0', 'device', 'physfn'))
  expect(idOf(server([ether('eno1v0', '02:00:00:00:01:00')]))).toBe(before)
})

test('a bond lends its cards one address: each counts with its own, and an address that somebody sets does not', () => {
  const before = idOf(server())
  const bonded = server().map((link) => (link.ifname === 'eno2' ? { ...link, address: MAC_0, permaddr: MAC_1 } : link))
  expect(idOf(bonded)).toBe(before)
  const olderKernel = server().map((link) =>
    link.ifname === 'eno2' ? { ...link, address: MAC_0, linkinfo: { info_slave_kind: 'bond', info_slave_data: { perm_hwaddr: MAC_1 } } } : link
  )
  expect(idOf(olderKernel)).toBe(before)
  expect(idOf(server().map((link) => (link.ifname === 'eno1' ? { ...link, address: MAC_2, permaddr: MAC_0 } : link)))).toBe(before)
})

test('a card on USB counts only where there is no other one', () => {
  const before = idOf(server())
  hardware('usb0', 'pci0000:00/usb1/1-1')
  expect(idOf(server([ether('usb0', MAC_2)]))).toBe(before)
  expect(cardsOf([ether('usb0', MAC_2)], devices)).toEqual([{ name: 'usb0', hardware: MAC_2 }])
})

test('a container is known by the cards it was given, not by those of its own containers', () => {
  const given = [LOOPBACK, software('veth', 'eth0', MAC_0), software('macvlan', 'eth1', MAC_1)]
  expect(cardsOf(given, devices).map(({ name }) => name)).toEqual(['eth0', 'eth1'])
  const port = ether('vethabc', MAC_2, { linkinfo: { info_kind: 'veth', info_slave_kind: 'bridge' } })
  expect(idOf([...given, software('bridge', 'docker0', '02:00:00:00:00:01'), port])).toBe(idOf(given))
  expect(idOf([LOOPBACK])).toBeNull()
})

test('what ip says of this machine is understood', async () => {
  for (const { hardware: address } of await readCards()) expect(address).toMatch(/^(..:){5}..$/)
  expect(() => cardsOf({ not: 'a list' }, devices)).toThrow()
})
