import type { Config, VipConfig } from '../../../src/model'
import type { VipPort } from '../../ports'
import { failure, plainReason } from '../failure'
import { isLoopback, sameAddress } from '../vip/address'
import { candidates, holders, type Nic, readNics } from '../vip/nics'
import type { Findings } from './findings'

/** Links that have an address here which they had not before, and virtual addresses that no job had. */
export async function checkAddresses(vips: Pick<VipPort, 'probe'>, before: Config, next: Config, findings: Findings): Promise<void> {
  const links = freshLinks(findings.node, before, next)
  const fresh = freshVips(before, next)
  if (links.length === 0 && fresh.length === 0) return
  const nics = await readNics()
  for (const { name, address } of links) checkLink(findings, nics, name, address)
  for (const vip of fresh) await checkVip(findings, nics, vips, vip, isOfBefore(before, vip))
}

function freshLinks(node: string, before: Config, next: Config): { name: string; address: string }[] {
  const known = new Set(before.links.map((link) => link.addresses[node]))
  return next.links
    .map(({ name, addresses }) => ({ name, address: addresses[node] ?? '' }))
    .filter(({ address }) => address !== '' && !known.has(address) && !isLoopback(address))
}

const vipsOf = ({ jobs }: Config): VipConfig[] => Object.values(jobs).flatMap((job) => job.vips)

/** One whose card changed has to be looked at again as well. */
function freshVips(before: Config, next: Config): VipConfig[] {
  const known = vipsOf(before)
  const cards = ({ nic, nics }: VipConfig): string => (nics ?? [nic]).join()
  const isSame = (one: VipConfig, other: VipConfig): boolean => sameAddress(one.address, other.address) && cards(one) === cards(other)
  return vipsOf(next).filter((vip) => !isLoopback(vip.address) && !known.some((each) => isSame(each, vip)))
}

const isOfBefore = (before: Config, { address }: VipConfig): boolean => vipsOf(before).some((each) => sameAddress(each.address, address))

const list = (nics: Nic[]): string =>
  nics.map(({ name, addresses }) => [name, ...addresses.map(({ address, prefix }) => `${address}/${prefix}`)].join(' ')).join(', ')

function checkLink(findings: Findings, nics: Nic[], name: string, address: string): void {
  const { node } = findings
  const own = nics.flatMap((nic) => nic.addresses.map((each) => each.address))
  if (own.some((each) => sameAddress(each, address))) return
  findings.refuse(failure('E_CONFIG_ADDRESS', { node, where: `link ${name}`, address, nics: own.join(', ') || 'none' }))
}

async function checkVip(findings: Findings, nics: Nic[], vips: Pick<VipPort, 'probe'>, vip: VipConfig, isKnown: boolean): Promise<void> {
  const { node } = findings
  const { name, address } = vip
  const named = vip.nics ?? (vip.nic === null ? null : [vip.nic])
  // Of several each node finds its own.
  const [card] = candidates(nics, vip)
  if (card === undefined && named !== null)
    return findings.refuse(failure('E_CONFIG_NIC', { node, vip: name, nic: named.join(' or '), nics: nics.map((each) => each.name).join(', ') }))
  if (card === undefined) return findings.refuse(failure('E_VIP_NO_NIC', { node, vip: name, address, nics: list(nics) }))
  if (!card.link) findings.warn(`the network card ${card.name} of VIP ${name} (${address}) has no link.`)
  // One that a job has already is where it belongs.
  if (isKnown) return
  const held = holders(nics, address)[0]
  if (held) return findings.refuse(failure('E_CONFIG_VIP_ANSWERS', { node, vip: name, address, hardware: `${node} itself, on ${held.nic.name},` }))
  await ask(findings, vips, vip)
}

/** As when it is raised, but before anything depends on it. */
async function ask(findings: Findings, vips: Pick<VipPort, 'probe'>, vip: VipConfig): Promise<void> {
  const { node } = findings
  const { name, address } = vip
  try {
    const hardware = await vips.probe(vip)
    if (hardware !== null) findings.refuse(failure('E_CONFIG_VIP_ANSWERS', { node, vip: name, address, hardware }))
  } catch (error) {
    findings.warn(`the network could not be asked whether ${address} (VIP ${name}) is free: ${plainReason(error)}`)
  }
}
