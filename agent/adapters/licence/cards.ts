import fs from 'node:fs'
import path from 'node:path'
import * as z from 'zod'
import type { NetworkCard } from '../../../src/model'
import { runCommand } from '../command'
import { IP_TIMEOUT_MS } from '../vip/nics'

/**
 * Which network cards make the host id, and by which address:
 *
 * - Ethernet only, and of hardware only (also that which a hypervisor shows): what software adds - bridges, bonds, VLANs, the cards of containers, virtual
 *   functions - comes and goes without anybody touching the machine. It does not matter whether a card is up, has a cable, or has an address.
 * - Not those on USB, where there are others: a telephone, or the card of the service processor, is plugged in and out.
 * - A machine with no hardware of its own (a container) is known by the cards it was given: veth and macvlan that are no port of a bridge
 *   here, and do not end here.
 * - The permanent address where the kernel knows one: a bond gives all its cards the address of one of them, and anybody can set another one.
 */
const linkSchema = z.object({
  ifname: z.string(),
  link_type: z.string(),
  /** Of a veth: its other end, where that is on this machine too. */
  link: z.string().optional(),
  address: z.string().optional(),
  permaddr: z.string().optional(),
  linkinfo: z
    .object({ info_kind: z.string().optional(), info_slave_kind: z.string().optional(), info_slave_data: z.object({ perm_hwaddr: z.string().optional() }) })
    .partial()
    .optional()
})
type Link = z.infer<typeof linkSchema>

const GIVEN_KINDS: (string | undefined)[] = [undefined, 'veth', 'macvlan']
const NO_ADDRESS = '00:00:00:00:00:00'

/** Where the kernel shows its network devices. */
export const NET_DEVICES = '/sys/class/net'

/** Rejects with a plain Error that says what `ip` said: a machine that cannot be looked at is not one with other cards. */
export async function readCards(): Promise<NetworkCard[]> {
  const result = await runCommand('ip', ['-j', '-d', 'link', 'show'], IP_TIMEOUT_MS)
  if (result.exitCode !== 0) throw new Error(result.problem)
  return cardsOf(JSON.parse(result.output || '[]'), NET_DEVICES)
}

/** `listed`: as `ip -j -d link show` prints it. */
export function cardsOf(listed: unknown, devices: string): NetworkCard[] {
  const links = z
    .array(z.unknown())
    .parse(listed)
    .flatMap((entry) => {
      const link = linkSchema.safeParse(entry)
      return link.success && link.data.link_type === 'ether' ? [link.data] : []
    })
  const hardware = links.filter(({ ifname }) => isHardware(path.join(devices, ifname)))
  const inside = hardware.filter(({ ifname }) => !isOnUsb(path.join(devices, ifname)))
  const given = links.filter(isGiven)
  const counted = [inside, hardware, given].find(({ length }) => length > 0) ?? []
  return counted
    .map((link) => ({ name: link.ifname, hardware: addressOf(link).toLowerCase() }))
    .filter(({ hardware: address }) => /^(..:){5}..$/.test(address) && address !== NO_ADDRESS)
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

const isGiven = ({ linkinfo: { info_kind: kind, info_slave_kind: part } = {}, link }: Link): boolean =>
  GIVEN_KINDS.includes(kind) && part !== 'bridge' && !(kind === 'veth' && link !== undefined)

const addressOf = ({ address, permaddr, linkinfo }: Link): string => permaddr ?? linkinfo?.info_slave_data?.perm_hwaddr ?? address ?? ''

/** A device stands behind it, and no other card of this machine made it (SR-IOV). */
const isHardware = (device: string): boolean => fs.existsSync(path.join(device, 'device')) && !fs.existsSync(path.join(device, 'device', 'physfn'))

function isOnUsb(device: string): boolean {
  try {
    return /\/usb\d+\//.test(fs.realpathSync(device))
  } catch {
    return false
  }
}
