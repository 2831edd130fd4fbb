import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { VipConfig } from '../../../src/model'
import type { LogPort, Places, VipPort } from '../../ports'
import { monotonicMs } from '../clock'
import { runCommand } from '../command'
import { failure, plainReason } from '../failure'
import { fileWord, readNote, removeNote, writeNote } from '../files'
import { isLoopback, sameAddress } from './address'
import { answerOver, forgetAnswers, hasSeveralCards, isStillAnswered, leaveDeadCards } from './answers'
import { announce, probeNeighbours } from './neighbours'
import { candidates, holders, IP_TIMEOUT_MS, type Nic, readNics } from './nics'

/** What `ip address delete` says when the address went away in the meantime. */
const ALREADY_GONE = /Cannot assign requested address|Cannot find device|No such device/
const ALREADY_THERE = /File exists/
/** While somebody without a lease answers for an address: an hour at most. */
const INSIST_GAP_MS = 1_000
const INSIST_TIMES = 3_600
const MS_A_SECOND = 1_000
const KERNEL_LATE_S = 1
/** Shorter ones would be over between two renewals on a busy machine. */
const LIFETIME_S_MIN = 2
/** Longer prefixes have no broadcast address. */
const BROADCAST_PREFIX_MAX = 30

export function createVipPort(places: Pick<Places, 'runDirectory' | 'node'>, log: LogPort): VipPort & { close(): void } {
  const machine = new MachineVips(places.node, log)
  const noted = new NotedVips(places)
  const pick = (vip: VipConfig): VipPort => (isLoopback(vip.address) ? noted : machine)
  return {
    probe: (vip) => pick(vip).probe(vip),
    raise: (vip, untilMs) => pick(vip).raise(vip, untilMs),
    extend: (vip, untilMs) => pick(vip).extend(vip, untilMs),
    drop: (vip) => pick(vip).drop(vip),
    held: (vip) => pick(vip).held(vip),
    close: () => machine.close()
  }
}

/** VIPs on the machine's NICs, by iproute2. */
class MachineVips implements VipPort {
  /** Announcements under way, by address: at most one for each VIP of the configuration. */
  private readonly announcing = new Map<string, () => void>()
  private readonly turns = new Map<string, Promise<void>>()

  constructor(
    private readonly node: string,
    private readonly log: LogPort
  ) {}

  async probe(vip: VipConfig): Promise<string | null> {
    const nics = await this.nics(vip)
    const nic = this.nicOf(nics, vip)
    // The silence of a cable that is out is nobody's answer: this node may be the one that is cut off.
    if (nic.hasNeighbours && !nic.link) throw this.notProbed(nic, vip, 'it has no link')
    return await this.probeOn(nic, nics, vip)
  }

  raise(vip: VipConfig, untilMs: number | null): Promise<void> {
    return this.inTurn(vip, () => this.raiseNow(vip, untilMs))
  }

  drop(vip: VipConfig): Promise<void> {
    return this.inTurn(vip, () => this.dropNow(vip))
  }

  extend(vip: VipConfig, untilMs: number | null): Promise<void> {
    return this.inTurn(vip, () => this.extendNow(vip, untilMs))
  }

  /** What is done to one address waits for what was begun before: to extend one that is just being dropped would add it again. */
  private inTurn(vip: VipConfig, work: () => Promise<void>): Promise<void> {
    const done = (this.turns.get(vip.address) ?? Promise.resolve()).then(work)
    const settled = done.catch(() => undefined).then(() => void (this.turns.get(vip.address) === settled && this.turns.delete(vip.address)))
    this.turns.set(vip.address, settled)
    return done
  }

  private async raiseNow(vip: VipConfig, untilMs: number | null): Promise<void> {
    const nics = await this.nics(vip)
    if (holders(nics, vip.address).length > 0) return this.changeLife(vip, nics, untilMs)
    const nic = this.nicOf(nics, vip)
    if (untilMs === null) await this.refuseAnswered(vip, nic, nics)
    keepSecondaries(nic, vip.family)
    await this.ip(vip, addArguments(vip, nic, untilMs), ALREADY_THERE)
    await this.answer(vip, nic)
    this.announce(nic, vip)
    if (untilMs !== null) void this.insist(vip, nic, nics)
  }

  /** An address that is there and may not be answered from everywhere is better than none. */
  private async answer(vip: VipConfig, nic: Nic | null): Promise<void> {
    try {
      await forgetAnswers(vip)
      if (nic === null || !hasSeveralCards(vip)) return
      leaveDeadCards(vip)
      await answerOver(vip, nic)
    } catch (error) {
      // Where the kernel knows no rules, an address with one card needs none.
      if (hasSeveralCards(vip)) this.log.event('warning', `The routes of VIP ${vip.name} (${vip.address}) could not be set: ${plainReason(error)}`)
    }
  }

  private async refuseAnswered(vip: VipConfig, nic: Nic, nics: Nic[]): Promise<void> {
    const hardware = await this.probeOn(nic, nics, vip)
    if (hardware !== null) throw failure('E_VIP_DUPLICATE', { node: this.node, vip: vip.name, address: vip.address, hardware, nic: nic.name })
  }

  /** The kernel of a machine whose processes sleep goes on answering: neighbours are told again until it does not. */
  private async insist(vip: VipConfig, nic: Nic, nics: Nic[]): Promise<void> {
    let said = false
    for (let times = 0; times < INSIST_TIMES; times++) {
      const hardware = await this.probeOn(nic, nics, vip).catch(() => null)
      if (!this.announcing.has(vip.address) || hardware === null) return
      if (!said)
        this.log.event(
          'warning',
          `${hardware} still answers for VIP ${vip.name} (${vip.address}) and has no lease to serve: it is announced on ${nic.name} until that ends`
        )
      said = true
      this.announce(nic, vip)
      await pause(INSIST_GAP_MS, undefined, { ref: false })
    }
  }

  private async extendNow(vip: VipConfig, untilMs: number | null): Promise<void> {
    await this.changeLife(vip, await this.nics(vip), untilMs)
  }

  private async changeLife(vip: VipConfig, nics: Nic[], untilMs: number | null): Promise<void> {
    for (const { nic, prefix, mortal } of holders(nics, vip.address)) {
      const life = lifetime(vip, untilMs)
      // Little is left of a lease: the next renewal says more.
      if (life === null && (untilMs !== null || !mortal)) continue
      const family = vip.family === 6 ? ['-6'] : []
      await this.ip(vip, [...family, 'address', 'change', `${vip.address}/${prefix}`, 'dev', nic.name, ...(life ?? forever(vip))], ALREADY_GONE)
    }
  }

  private async dropNow(vip: VipConfig): Promise<void> {
    this.quiet(vip.address)
    const held = holders(await this.nics(vip), vip.address)
    for (const { nic, prefix } of held) await this.ip(vip, ['address', 'delete', `${vip.address}/${prefix}`, 'dev', nic.name], ALREADY_GONE)
    await this.answer(vip, null)
  }

  /** Asked from time to time, so that it is also when what others have taken away of its routes comes back. */
  async held(vip: VipConfig): Promise<boolean> {
    const isHeld = holders(await this.nics(vip), vip.address).length > 0
    if (isHeld && hasSeveralCards(vip)) await this.inTurn(vip, () => this.answerStill(vip))
    return isHeld
  }

  private async answerStill(vip: VipConfig): Promise<void> {
    const nic = holders(await this.nics(vip), vip.address)[0]?.nic ?? null
    // A card that is switched off has no routes.
    if (nic === null || !nic.up) return
    try {
      if (await isStillAnswered(vip, nic)) return
      await forgetAnswers(vip)
      await answerOver(vip, nic)
      this.log.event('warning', `The routes of VIP ${vip.name} (${vip.address}) had been taken away from ${nic.name} and are set again`)
    } catch {
      // That they cannot be set was said when it was raised.
    }
  }

  close(): void {
    for (const end of this.announcing.values()) end()
    this.announcing.clear()
  }

  private async probeOn(nic: Nic, nics: Nic[], vip: VipConfig): Promise<string | null> {
    if (!nic.hasNeighbours) return null
    const own = nics.map((each) => each.hardware)
    try {
      return await probeNeighbours(nic, vip.address, vip.family, own)
    } catch (error) {
      throw this.notProbed(nic, vip, plainReason(error))
    }
  }

  private notProbed(nic: Nic, vip: VipConfig, why: string): Error {
    return failure('E_VIP_PROBE', { node: this.node, vip: vip.name, nic: nic.name, why })
  }

  private announce(nic: Nic, vip: VipConfig): void {
    this.quiet(vip.address)
    if (!nic.hasNeighbours) return
    const failed = (error: unknown): void =>
      this.log.event('warning', `VIP ${vip.name} (${vip.address}) could not be announced on ${nic.name}: ${plainReason(error)}`)
    this.announcing.set(vip.address, announce(nic, vip.address, vip.family, failed))
  }

  private quiet(address: string): void {
    for (const [announced, end] of this.announcing) {
      if (!sameAddress(announced, address)) continue
      end()
      this.announcing.delete(announced)
    }
  }

  private nicOf(nics: Nic[], vip: VipConfig): Nic {
    const nic = candidates(nics, vip)[0] ?? null
    if (nic !== null) return nic
    const list = nics.map((each) => `${each.name} ${each.addresses.map((own) => `${own.address}/${own.prefix}`).join(' ')}`.trim()).join(', ')
    throw failure('E_VIP_NO_NIC', { node: this.node, vip: vip.name, address: vip.address, nics: list })
  }

  private async nics(vip: VipConfig): Promise<Nic[]> {
    try {
      return await readNics()
    } catch (error) {
      throw failure('E_VIP_COMMAND', { node: this.node, vip: vip.name, command: 'ip -j address show', why: plainReason(error) })
    }
  }

  private async ip(vip: VipConfig, args: string[], fine: RegExp): Promise<void> {
    const result = await runCommand('ip', args, IP_TIMEOUT_MS)
    if (result.exitCode === 0 || fine.test(result.problem)) return
    throw failure('E_VIP_COMMAND', { node: this.node, vip: vip.name, command: `ip ${args.join(' ')}`, why: result.problem })
  }
}

/**
 * IPv6: the kernel's own duplicate detection would keep the address tentative for a second; ours has just been made. Preferred
 * lifetime 0 keeps the machine from choosing the VIP as the source of its own connections, which would break when it moves.
 */
function addArguments(vip: VipConfig, nic: Nic, untilMs: number | null): string[] {
  const add = ['address', 'add', `${vip.address}/${vip.prefix}`, 'dev', nic.name]
  const life = lifetime(vip, untilMs) ?? forever(vip)
  return vip.family === 6 ? ['-6', ...add, 'nodad', ...life] : [...add, ...(vip.prefix <= BROADCAST_PREFIX_MAX ? ['broadcast', '+'] : []), ...life]
}

const forever = ({ family }: VipConfig): string[] => ['valid_lft', 'forever', 'preferred_lft', family === 6 ? '0' : 'forever']

/** The kernel counts in whole seconds, and may be one late; null: the lease is too short for that, and the guard alone drops the address. */
function lifetime(vip: VipConfig, untilMs: number | null): string[] | null {
  if (untilMs === null) return null
  const seconds = Math.floor((untilMs - monotonicMs()) / MS_A_SECOND) - KERNEL_LATE_S
  if (seconds < LIFETIME_S_MIN) return null
  return ['valid_lft', String(seconds), 'preferred_lft', vip.family === 6 ? '0' : String(seconds)]
}

/** Removing the first address of a network must not take another VIP of the same network with it. */
function keepSecondaries(nic: Nic, family: 4 | 6): void {
  if (family !== 4) return
  try {
    fs.writeFileSync(`/proc/sys/net/ipv4/conf/${nic.name}/promote_secondaries`, '1')
  } catch {
    // Read-only /proc/sys in a container: its owner has decided.
  }
}

/** Loopback addresses answer on every machine already: who holds one is a note in the node's run directory. */
class NotedVips implements VipPort {
  constructor(private readonly places: Pick<Places, 'runDirectory'>) {}

  async probe(): Promise<string | null> {
    return null
  }

  async extend(): Promise<void> {}

  async raise(vip: VipConfig): Promise<void> {
    writeNote(this.file(vip), { vip: vip.name, address: vip.address })
  }

  async drop(vip: VipConfig): Promise<void> {
    removeNote(this.file(vip))
  }

  async held(vip: VipConfig): Promise<boolean> {
    return readNote(this.file(vip)) !== null
  }

  private file(vip: VipConfig): string {
    return path.join(this.places.runDirectory, 'vip', `${fileWord(vip.address)}.json`)
  }
}
