import * as z from 'zod'
import type { VipConfig } from '../../../src/model'
import { runCommand } from '../command'
import { inNetwork, sameAddress } from './address'

/** `ip` works on kernel memory only; slower than this means that something is very wrong. */
export const IP_TIMEOUT_MS = 5_000

/** As the kernel says it, in seconds. */
const FOREVER = 0xffff_ffff

const nicSchema = z.object({
  ifindex: z.number(),
  ifname: z.string(),
  flags: z.array(z.string()),
  address: z.string().optional(),
  addr_info: z.array(
    z.object({ family: z.string().optional(), local: z.string().optional(), prefixlen: z.number().optional(), valid_life_time: z.number().optional() })
  )
})

export interface Nic {
  name: string
  index: number
  hardware: string
  up: boolean
  /** The card has a link: the cable is in, and somebody is at its other end. */
  link: boolean
  /** Has neighbours that may hold an address too: not a loopback or dummy device. */
  hasNeighbours: boolean
  /** `mortal`: the kernel removes it when its time is over. */
  addresses: { address: string; prefix: number; mortal: boolean }[]
}

/** The NICs as `ip -j address` shows them. Rejects with a plain Error that says what `ip` said. */
export async function readNics(): Promise<Nic[]> {
  const result = await runCommand('ip', ['-j', 'address', 'show'], IP_TIMEOUT_MS)
  if (result.exitCode !== 0) throw new Error(result.problem)
  const listed = z.array(z.unknown()).parse(JSON.parse(result.output || '[]'))
  return listed.flatMap((entry) => {
    const nic = nicSchema.safeParse(entry)
    return nic.success ? [toNic(nic.data)] : []
  })
}

function toNic(nic: z.infer<typeof nicSchema>): Nic {
  const addresses = nic.addr_info.flatMap(({ local, prefixlen, valid_life_time: life = FOREVER }) =>
    local === undefined || prefixlen === undefined ? [] : [{ address: local, prefix: prefixlen, mortal: life !== FOREVER }]
  )
  const hasNeighbours = !nic.flags.includes('LOOPBACK') && !nic.flags.includes('NOARP') && /^(..:){5}..$/.test(nic.address ?? '')
  return {
    name: nic.ifname,
    index: nic.ifindex,
    hardware: nic.address ?? '',
    up: nic.flags.includes('UP'),
    link: nic.flags.includes('LOWER_UP'),
    hasNeighbours,
    addresses
  }
}

/** Cards that may carry the address, best first: those that are named, else those whose own network holds it; a link before none, then up before down. */
export function candidates(nics: Nic[], { address, nic, nics: named }: Pick<VipConfig, 'address' | 'nic' | 'nics'>): Nic[] {
  const names = named ?? (nic === null ? null : [nic])
  const listed = names?.flatMap((name) => nics.filter((each) => each.name === name)) ?? byNetwork(nics, address)
  return listed.sort((one, other) => Number(other.link) - Number(one.link) || Number(other.up) - Number(one.up))
}

/** The narrowest network first. */
function byNetwork(nics: Nic[], address: string): Nic[] {
  const fits = nics.flatMap((nic) => {
    const prefixes = nic.addresses.filter((own) => !sameAddress(own.address, address) && inNetwork(address, own.address, own.prefix)).map((own) => own.prefix)
    return prefixes.length === 0 ? [] : [{ nic, prefix: Math.max(...prefixes) }]
  })
  return fits.sort((one, other) => other.prefix - one.prefix).map(({ nic }) => nic)
}

/** Where the address is now; more than one NIC is a mistake of somebody, and all are found. */
export function holders(nics: Nic[], address: string): { nic: Nic; prefix: number; mortal: boolean }[] {
  return nics.flatMap((nic) => nic.addresses.filter((own) => sameAddress(own.address, address)).map(({ prefix, mortal }) => ({ nic, prefix, mortal })))
}
