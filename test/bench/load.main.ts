import fs from 'node:fs'
import path from 'node:path'

/**
 * One load on one folder, in a process of its own (a process must not write into a mount that it serves). Prints one
 * number as JSON. `load KIND FOLDER SECONDS`; kinds: durable (ms a write), random (writes/s), sequential (MB/s), create (seconds).
 */
const FILE_BYTES = 256 * 1024 * 1024
const DURABLE_BYTES = 8 * 1024
const RANDOM_BYTES = 4 * 1024
const SEQUENTIAL_BYTES = 1024 * 1024
export const SMALL_FILES = 20_000
const SMALL_FILE_BYTES = 4 * 1024

const [kind = '', folder = '', seconds = '3'] = process.argv.slice(2)
const file = path.join(folder, 'load.bin')

const nowMs = () => Number(process.hrtime.bigint()) / 1e6

/** The same places in every run, so that the contenders do the same work. */
function* places(count: number): Generator<number> {
  for (let value = 12_345; ; ) {
    value = (Math.imul(value, 1_103_515_245) + 12_345) >>> 0
    yield value % count
  }
}

function durable(): number {
  const descriptor = fs.openSync(file, 'w')
  const block = Buffer.alloc(DURABLE_BYTES, 1)
  const times: number[] = []
  for (const end = nowMs() + Number(seconds) * 1000; nowMs() < end; ) {
    const begin = nowMs()
    fs.writeSync(descriptor, block, 0, block.length, (times.length % 1024) * DURABLE_BYTES)
    fs.fdatasyncSync(descriptor)
    times.push(nowMs() - begin)
  }
  fs.closeSync(descriptor)
  times.sort((a, b) => a - b)
  return times[times.length >> 1] ?? Number.NaN
}

function random(): number {
  fs.writeFileSync(file, Buffer.alloc(0))
  fs.truncateSync(file, FILE_BYTES)
  const descriptor = fs.openSync(file, 'r+')
  const block = Buffer.alloc(RANDOM_BYTES, 2)
  const begin = nowMs()
  const end = begin + Number(seconds) * 1000
  let writes = 0
  for (const place of places(FILE_BYTES / RANDOM_BYTES)) {
    fs.writeSync(descriptor, block, 0, block.length, place * RANDOM_BYTES)
    writes += 1
    if (writes % 64 === 0 && nowMs() > end) break
  }
  const rate = writes / ((nowMs() - begin) / 1000)
  fs.closeSync(descriptor)
  return rate
}

function sequential(): number {
  const descriptor = fs.openSync(file, 'w')
  const block = Buffer.alloc(SEQUENTIAL_BYTES, 3)
  const begin = nowMs()
  for (let at = 0; at < FILE_BYTES; at += block.length) fs.writeSync(descriptor, block, 0, block.length, at)
  fs.fdatasyncSync(descriptor)
  const rate = FILE_BYTES / 1e6 / ((nowMs() - begin) / 1000)
  fs.closeSync(descriptor)
  return rate
}

function create(): number {
  const block = Buffer.alloc(SMALL_FILE_BYTES, 4)
  const begin = nowMs()
  for (let number = 0; number < SMALL_FILES; number += 1) {
    const directory = path.join(folder, 'small', String(number % 200))
    if (number < 200) fs.mkdirSync(directory, { recursive: true })
    fs.writeFileSync(path.join(directory, `file-${number}`), block)
  }
  const taken = (nowMs() - begin) / 1000
  fs.rmSync(path.join(folder, 'small'), { recursive: true })
  return taken
}

const LOADS: Record<string, () => number> = { durable, random, sequential, create }
const load = LOADS[kind]
if (!load) throw new Error(`no such load: ${kind}`)
const figure = load()
fs.rmSync(file, { force: true })
console.log(JSON.stringify(figure))
