import fs from 'node:fs'
import * as z from 'zod'
import type { VipConfig } from '../../../src/model'
import { runCommand } from '../command'
import { inNetwork, networkText, sameAddress } from './address'
import { IP_TIMEOUT_MS } from './nics'

/**
 * A virtual address with several cards. The kernel goes on sending over a card whose cable is pulled, and where two cards have one network it answers over
 * the first, whichever the question came in by. So what is said from the address has routes of its own, over the card that holds it.
 */

/** One table a card. */
const TABLE_BASE = 733_000_000
/** Behind the kernel's table of the machine's own addresses, before those of an administrator. */
const RULES: { priority: number; lookup: (table: string) => string[] }[] = [
  { priority: 7330, lookup: (table) => [table, 'suppress_prefixlength', '0'] },
  // The machine's other networks, which the address has no card in.
  { priority: 7331, lookup: () => ['main', 'suppress_prefixlength', '0'] },
  { priority: 7332, lookup: (table) => [table] }
]

const ruleSchema = z.object({ priority: z.number(), src: z.string().optional() })
const routeSchema = z.object({ dst: z.string(), gateway: z.string().optional(), dev: z.string().optional() })

export const hasSeveralCards = ({ nics }: Pick<VipConfig, 'nics'>): boolean => (nics?.length ?? 0) > 1

/** Nothing of what was said before of the address holds any more. Rejects with a plain Error. */
export async function forgetAnswers(vip: VipConfig): Promise<void> {
  for (const { priority } of await rulesOf(vip)) await ip(vip, ['rule', 'delete', 'from', vip.address, 'priority', String(priority)])
}

/** What is said from the address goes out of this card. Rejects with a plain Error. */
export async function answerOver(vip: VipConfig, nic: { name: string; index: number }): Promise<void> {
  const table = await setRoutes(vip, nic)
  for (const { priority, lookup } of RULES) await ip(vip, ['rule', 'add', 'from', vip.address, 'priority', String(priority), 'lookup', ...lookup(table)])
}

/**
 * Others take it away while the address stays: systemd-networkd the rules when it starts, the kernel the routes of a card that is switched off and on.
 * Routes can be set again at any time; true: so they were, and the rules are there. Rejects with a plain Error.
 */
export async function isStillAnswered(vip: VipConfig, nic: { name: string; index: number }): Promise<boolean> {
  await setRoutes(vip, nic)
  return (await rulesOf(vip)).length === RULES.length
}

async function rulesOf(vip: VipConfig): Promise<{ priority: number }[]> {
  const rules = (await listed(vip, ['rule', 'show'])).flatMap((rule) => ruleSchema.safeParse(rule).data ?? [])
  return rules.filter(({ priority, src = '' }) => sameAddress(src, vip.address) && RULES.some((rule) => rule.priority === priority))
}

/** Answers the table of the card. */
async function setRoutes(vip: VipConfig, nic: { name: string; index: number }): Promise<string> {
  const table = String(TABLE_BASE + nic.index)
  await ip(vip, ['route', 'replace', networkText(vip.address, vip.prefix), 'dev', nic.name, 'table', table])
  for (const [dst, gateway] of await gatewaysOf(vip)) await ip(vip, ['route', 'replace', dst, 'via', gateway, 'dev', nic.name, 'table', table])
  return table
}

/** Routers in the network of the address are reached by any card in it. Of several routes to one place the kernel lists first the one that it takes. */
async function gatewaysOf(vip: VipConfig): Promise<Map<string, string>> {
  const routes = (await listed(vip, ['route', 'show', 'table', 'main'])).flatMap((route) => routeSchema.safeParse(route).data ?? [])
  const near = routes.flatMap(({ dst, gateway, dev }): [string, string][] =>
    gateway !== undefined && dev !== undefined && vip.nics?.includes(dev) && inNetwork(gateway, vip.address, vip.prefix) ? [[dst, gateway]] : []
  )
  return new Map(near.reverse())
}

/** The machine itself, too, sends nothing over a card without a link that another card can send. */
export function leaveDeadCards({ nics = [], family }: VipConfig): void {
  for (const nic of nics) {
    try {
      fs.writeFileSync(`/proc/sys/net/ipv${family}/conf/${nic}/ignore_routes_with_linkdown`, '1')
    } catch {
      // No such card here, or /proc/sys is read-only in a container: its owner has decided.
    }
  }
}

async function listed(vip: VipConfig, words: string[]): Promise<unknown[]> {
  const output = await ip(vip, ['-json', ...words])
  return z.array(z.unknown()).parse(JSON.parse(output.trim() || '[]'))
}

async function ip({ family }: VipConfig, words: string[]): Promise<string> {
  const { exitCode, output, problem } = await runCommand('ip', [`-${family}`, ...words], IP_TIMEOUT_MS)
  if (exitCode !== 0) throw new Error(`ip ${words.join(' ')}: ${problem}`)
  return output
}
