import os from 'node:os'
import path from 'node:path'
import { killNoted, notedMembers } from '../applications/killing'
import { cgroupMembers, killCgroup } from '../applications/cgroup'
import { endAgent } from '../applications/ocf/ending'
import { notedAgent } from '../applications/ocf/note'
import { monotonicMs } from '../clock'
import { runCommand } from '../command'
import { plainReason } from '../failure'
import { fileWord, readNote } from '../files'
import { isLoopback, sameAddress } from '../vip/address'
import { createVipPort } from '../vip/port'
import type { GuardHands } from './guard'
import type { Guarded, GuardedApplication } from './guarded'

const SYSTEMCTL_TIMEOUT_MS = 5_000
const SYSTEM_SLICE = 'system.slice'
const UNIT_TYPE = /\.(?:service|scope|slice|socket|target|mount|automount|swap|timer|path|device)$/

/** How a guard sees and ends what is of a job on this machine. */
export function machineHands(
  given: { node: string; runDirectory: string; cgroupRoot: string | null },
  say: (line: string) => void
): Omit<GuardHands, 'killed'> {
  const vipPort = createVipPort(given, { event: (_level, text) => say(text) })
  const unitCgroup = (unit: string): string | null => given.cgroupRoot && path.join(given.cgroupRoot, SYSTEM_SLICE, belowSystemSlice(unit))
  const cgroups = ({ cgroup, unit }: GuardedApplication): { directory: string }[] =>
    [cgroup, unit === null ? null : unitCgroup(unit)].flatMap((directory) => (directory === null ? [] : [{ directory }]))
  const isThere = (application: GuardedApplication): boolean =>
    cgroups(application).some((each) => cgroupMembers(each).length > 0) ||
    notedMembers(application.noteFile).length > 0 ||
    notedAgent(application.noteFile) !== null
  const isHeld = (address: string): boolean =>
    isLoopback(address)
      ? readNote(path.join(given.runDirectory, 'vip', `${fileWord(address)}.json`)) !== null
      : Object.values(os.networkInterfaces()).some((own) => own?.some((each) => sameAddress(each.address, address)))
  const endApplication = (application: GuardedApplication): void => {
    for (const cgroup of cgroups(application)) killCgroup(cgroup)
    killNoted(application.noteFile)
    void endAgent(application.noteFile)
    if (application.unit !== null) void endUnit(application.unit)
  }
  return {
    nowMs: monotonicMs,
    alive: ({ applications, vips }) => [
      ...applications.filter(isThere).map(({ name }) => name),
      ...vips.filter(({ address }) => isHeld(address)).map(({ name }) => name)
    ],
    end: ({ applications, vips }: Guarded) => {
      for (const application of applications) endApplication(application)
      for (const vip of vips) vipPort.drop(vip).catch((error: unknown) => say(plainReason(error)))
    }
  }
}

/** Where systemd has a unit unless it says otherwise: one of a template in a slice of that. What is elsewhere is ended all the same, and not looked for. */
function belowSystemSlice(unit: string): string {
  const name = UNIT_TYPE.test(unit) ? unit : `${unit}.service`
  const [template = ''] = name.split('@', 1)
  return template === name ? name : path.join(`system-${escaped(template)}.slice`, name)
}

/** As systemd-escape(1). */
const escaped = (word: string): string => word.replace(/[^A-Za-z0-9:_.]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)

/** The stop keeps systemd from starting it again. */
async function endUnit(unit: string): Promise<void> {
  await runCommand('systemctl', ['kill', '--signal=SIGKILL', unit], SYSTEMCTL_TIMEOUT_MS)
  await runCommand('systemctl', ['stop', '--no-block', unit], SYSTEMCTL_TIMEOUT_MS)
}
