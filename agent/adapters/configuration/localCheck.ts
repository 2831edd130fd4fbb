import fs from 'node:fs'
import type { Config, JobConfig, VipConfig } from '../../../src/model'
import type { Places, VipPort } from '../../ports'
import { failure, plainReason } from '../failure'
import { isLoopback, sameAddress } from '../vip/address'
import { type Nic, readNics } from '../vip/nics'

/**
 * What only this machine can say of a new configuration. Only what is new in it is looked at: a cable that is out, or an address that went away, must not
 * stand in the way of another change.
 */
export async function checkHere(places: Pick<Places, 'node'>, vips: Pick<VipPort, 'probe' | 'held'>, before: Config, next: Config): Promise<void> {
  const { node } = places
  await checkAddresses(node, before, next)
  for (const job of Object.values(next.jobs)) {
    checkFolders(node, before.jobs[job.name], job)
    for (const vip of job.vips) if (isNew(before.jobs[job.name], vip)) await checkVip(node, vips, vip)
  }
}

async function checkAddresses(node: string, before: Config, next: Config): Promise<void> {
  const known = new Set(before.links.map((link) => link.addresses[node]))
  const fresh = next.links.filter((link) => !known.has(link.addresses[node]) && !isLoopback(link.addresses[node] ?? ''))
  if (fresh.length === 0) return
  const own = addressesOf(await readNics())
  for (const { name, addresses } of fresh) {
    const address = addresses[node] ?? ''
    if (!own.some((each) => sameAddress(each, address)))
      throw failure('E_CONFIG_ADDRESS', { node, where: `link ${name}`, address, nics: own.join(', ') || 'none' })
  }
}

const addressesOf = (nics: Nic[]): string[] => nics.flatMap((nic) => nic.addresses.map(({ address }) => address))

function checkFolders(node: string, before: JobConfig | undefined, { name: job, data }: JobConfig): void {
  const known = new Set(before?.data?.folders.map(({ path }) => path))
  for (const { path } of data?.folders ?? []) {
    if (known.has(path)) continue
    const why = whyNotFolder(path)
    if (why !== null) throw failure('E_CONFIG_PATH', { node, path, job, why })
  }
}

function whyNotFolder(path: string): string | null {
  try {
    return fs.statSync(path).isDirectory() ? null : 'it is no folder'
  } catch (error) {
    return plainReason(error)
  }
}

const isNew = (before: JobConfig | undefined, { address }: VipConfig): boolean => before?.vips.some((vip) => sameAddress(vip.address, address)) !== true

/** As when it is raised, but before anything depends on it. */
async function checkVip(node: string, vips: Pick<VipPort, 'probe' | 'held'>, vip: VipConfig): Promise<void> {
  const hardware = await vips.probe(vip)
  if (hardware !== null) throw failure('E_CONFIG_VIP_ANSWERS', { node, vip: vip.name, address: vip.address, hardware })
}
