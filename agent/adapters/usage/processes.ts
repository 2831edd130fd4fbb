import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { ProcessItemWord, ProcessWord } from '../../../src/model'
import { allPids, isDead, readStat, type Stat } from '../processes'
import { kibField, percentOf, readText } from './proc'

/** The kernel keeps so much of a process's name. */
const NAME_LENGTH = 15
/** Of the times in /proc/PID/stat, on every Linux that Node runs on. */
const TICKS_A_SECOND = 100
const MS_A_SECOND = 1_000

type ProcessStat = Stat & { pid: number }

/** All of one name at one moment. */
export interface ProcessGroup {
  atMs: number
  members: ProcessStat[]
}

/** Those of them that live. */
const readStats = (pids: number[]): ProcessStat[] =>
  pids.flatMap((pid) => {
    const stat = readStat(pid)
    return stat === null || isDead(stat) ? [] : [{ pid, ...stat }]
  })

/** All processes at one moment, read once, and only when somebody asks. */
export class ProcessTable {
  private pids: number[] | null = null
  private stats: ProcessStat[] | null = null

  allPids(): number[] {
    this.pids ??= allPids()
    return this.pids
  }

  all(): ProcessStat[] {
    this.stats ??= readStats(this.allPids())
    return this.stats
  }
}

export function findProcesses(table: ProcessTable, by: ProcessWord, name: string, atMs: number): ProcessGroup {
  if (by === 'process') return { atMs, members: table.all().filter((stat) => isNamed(stat, name)) }
  const pids = by === 'pidfile' ? pidIn(name) : table.allPids().filter((pid) => pid !== process.pid && hasText(pid, name))
  return { atMs, members: readStats(pids) }
}

/** As the kernel calls it, or as its program file is called: some programs call themselves something else. */
const isNamed = (stat: ProcessStat, name: string): boolean => stat.name === kernelName(name) || programOf(stat.pid) === name

/** A file that an update has replaced is the same program. */
function programOf(pid: number): string | null {
  try {
    return path.basename(fs.readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '')
  } catch {
    return null
  }
}

/** Latin-1, as the files of the kernel are read: a name in Korean is compared by its bytes. */
const kernelName = (name: string): string => Buffer.from(name, 'utf8').subarray(0, NAME_LENGTH).toString('latin1')

const pidIn = (file: string): number[] => (/^\s*(\d{1,9})\b/.exec(readText(file) ?? '') ?? []).slice(1).map(Number)

const hasText = (pid: number, text: string): boolean =>
  (readText(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').includes(Buffer.from(text, 'utf8').toString('latin1'))

/** `before`: for what is a rate. null: no such process runs, which for its number is an answer. */
export function processValue(item: ProcessItemWord, before: ProcessGroup, now: ProcessGroup): number | null {
  const { members } = now
  if (item === 'count') return members.length
  if (members.length === 0) return null
  switch (item) {
    case 'cpu':
      return cpuPercent(before, now)
    case 'memory':
      return memoryBytes(members)
    case 'threads':
      return members.reduce((sum, { threads }) => sum + threads, 0)
    case 'files':
      return openFiles(members)
  }
}

/** Of the whole machine, as the rate of the server is: all processors busy are 100 %. */
function cpuPercent(before: ProcessGroup, now: ProcessGroup): number | null {
  const seconds = (now.atMs - before.atMs) / MS_A_SECOND
  if (seconds <= 0) return null
  const ticks = now.members.reduce((sum, one) => {
    const was = before.members.find(({ pid, startTicks }) => pid === one.pid && startTicks === one.startTicks)
    return sum + Math.max(0, one.ticks - (was?.ticks ?? 0))
  }, 0)
  return percentOf(ticks, seconds * TICKS_A_SECOND * os.availableParallelism())
}

/** What each has of its own, and once the largest part that they share: a database's shared buffers are in each of its processes. */
function memoryBytes(members: ProcessStat[]): number | null {
  const texts = members.flatMap(({ pid }) => readText(`/proc/${pid}/status`) ?? [])
  if (texts.length === 0) return null
  const own = texts.reduce((sum, text) => sum + (kibField(text, 'RssAnon') ?? 0), 0)
  return own + Math.max(...texts.map((text) => (kibField(text, 'RssFile') ?? 0) + (kibField(text, 'RssShmem') ?? 0)))
}

function openFiles(members: ProcessStat[]): number | null {
  const counts = members.flatMap(({ pid }) => {
    try {
      return [fs.readdirSync(`/proc/${pid}/fd`).length]
    } catch {
      return []
    }
  })
  return counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0)
}
