import fs from 'node:fs'
import type { HostItemWord } from '../../../src/model'
import { percentOf, readText } from './proc'

/** What only grows: a rate is the difference of two of these. Maps are by the kernel's name of the thing. */
export interface Counters {
  atMs: number
  cpu: { busy: number; total: number } | null
  disks: Map<string, Disk>
  nics: Map<string, Nic>
}

interface Disk {
  readBytes: number
  writeBytes: number
  busyMs: number
}

interface Nic {
  receivedBytes: number
  sentBytes: number
  errors: number
}

/** /proc/diskstats counts in these, whatever the disk's own are. */
const SECTOR_BYTES = 512
/** Their work is that of what is below them, and would count twice. */
const NOT_A_DISK = /^(loop|ram|zram|dm-|md|sr|fd)/
const CPU_FIELDS = 8

export const readCounters = (atMs: number): Counters => ({ atMs, cpu: readCpu(), disks: readDisks(), nics: readNics() })

/** `cpu user nice system idle iowait irq softirq steal …`, of all processors together. */
function readCpu(): Counters['cpu'] {
  const line = /^cpu +(.*)$/m.exec(readText('/proc/stat') ?? '')?.[1]
  if (line === undefined) return null
  const ticks = line.split(' ').slice(0, CPU_FIELDS).map(Number)
  const total = ticks.reduce((sum, part) => sum + part, 0)
  return { busy: total - (ticks[3] ?? 0) - (ticks[4] ?? 0), total }
}

function readDisks(): Map<string, Disk> {
  const rows = (readText('/proc/diskstats') ?? '')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  return new Map(
    rows.flatMap(([, , name, , , read, , , , written, , , busy]) =>
      name === undefined ? [] : [[name, { readBytes: Number(read) * SECTOR_BYTES, writeBytes: Number(written) * SECTOR_BYTES, busyMs: Number(busy) }]]
    )
  )
}

/** `eth0: bytes packets errs drop fifo frame compressed multicast bytes packets errs drop …` */
export function readNics(): Map<string, Nic> {
  const rows = (readText('/proc/net/dev') ?? '').split('\n').flatMap((line) => {
    const [, name, numbers] = /^\s*([^:]+):\s*(.*)$/.exec(line) ?? []
    return name === undefined || numbers === undefined ? [] : [[name, numbers.trim().split(/\s+/).map(Number)] as const]
  })
  return new Map(
    rows.map(([name, [received = 0, , errs = 0, drop = 0, , , , , sent = 0, , sendErrs = 0, sendDrop = 0]]) => [
      name,
      { receivedBytes: received, sentBytes: sent, errors: errs + drop + sendErrs + sendDrop }
    ])
  )
}

/** A disk of its own, and no part of one. */
const isWhole = (name: string): boolean => !NOT_A_DISK.test(name) && fs.existsSync(`/sys/block/${name}`)

const MS_A_SECOND = 1_000

export type RateItem = Extract<HostItemWord, 'cpu' | `disk-${'read' | 'write' | 'busy'}` | `net-${string}`>

/** null: the thing is not there, or was not at the first of the two looks. `of` null: all disks, all network cards but the loopback. */
export function rateOf(item: RateItem, of: string | null, before: Counters, now: Counters): number | null {
  const seconds = (now.atMs - before.atMs) / MS_A_SECOND
  if (seconds <= 0) return null
  switch (item) {
    case 'cpu':
      return now.cpu && before.cpu ? percentOf(now.cpu.busy - before.cpu.busy, now.cpu.total - before.cpu.total) : null
    case 'disk-read':
      return perSecond(growths(before.disks, now.disks, of, isWhole, 'readBytes'), seconds)
    case 'disk-write':
      return perSecond(growths(before.disks, now.disks, of, isWhole, 'writeBytes'), seconds)
    case 'disk-busy':
      // Of all disks the one that has the most to do: a mean over idle ones would hide it.
      return busiest(growths(before.disks, now.disks, of, isWhole, 'busyMs'), seconds)
    case 'net-receive':
      return perSecond(growths(before.nics, now.nics, of, isNic, 'receivedBytes'), seconds)
    case 'net-send':
      return perSecond(growths(before.nics, now.nics, of, isNic, 'sentBytes'), seconds)
    case 'net-errors':
      return perSecond(growths(before.nics, now.nics, of, isNic, 'errors'), seconds)
  }
}

const isNic = (name: string): boolean => name !== 'lo'

const perSecond = (grown: number[], seconds: number): number | null => (grown.length === 0 ? null : grown.reduce((sum, each) => sum + each, 0) / seconds)

const busiest = (grownMs: number[], seconds: number): number | null => (grownMs.length === 0 ? null : percentOf(Math.max(...grownMs), seconds * MS_A_SECOND))

/** Of each of them. A counter that begins anew (a card that was taken out and put back) has grown by nothing that is known. */
function growths<Key extends string>(
  before: Map<string, Record<Key, number>>,
  now: Map<string, Record<Key, number>>,
  of: string | null,
  counts: (name: string) => boolean,
  key: Key
): number[] {
  const names = of === null ? [...now.keys()].filter(counts) : [of]
  return names.flatMap((name) => {
    const [was, is] = [before.get(name), now.get(name)]
    return was === undefined || is === undefined ? [] : [Math.max(0, is[key] - was[key])]
  })
}
