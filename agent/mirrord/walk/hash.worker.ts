import { workerData } from 'node:worker_threads'
import * as libc from '../../native/libc'
import { HELPER, HELPER_DONE, HELPER_EXIT, HELPER_FAILED, HELPER_IDLE, HELPER_WORKS, Hasher, HelperMemory } from './hasher'

export interface HashHelperData {
  shared: SharedArrayBuffer
  bytesMax: number
}

/** The application's threads, and our own that hold the lock of the order, go first. */
const NICENESS = 10
const data = workerData as HashHelperData
const memory = new HelperMemory(data.shared)
const hasher = new Hasher(data.bytesMax)
libc.setpriority(0, libc.gettid(), NICENESS)

function work(): void {
  const { words, offset, hashes } = memory
  try {
    const done = hasher.hash(words[HELPER.file]!, offset[0]!, words[HELPER.length]!)
    done.hashes.copy(hashes)
    words[HELPER.bytes] = done.bytes
  } catch {
    words[HELPER.bytes] = HELPER_FAILED
  }
}

for (let state = Atomics.load(memory.words, HELPER.state); state !== HELPER_EXIT; state = Atomics.load(memory.words, HELPER.state)) {
  if (state === HELPER_WORKS) {
    work()
    if (Atomics.compareExchange(memory.words, HELPER.state, HELPER_WORKS, HELPER_DONE) === HELPER_WORKS) Atomics.notify(memory.words, HELPER.state)
  } else Atomics.wait(memory.words, HELPER.state, state === HELPER_DONE ? HELPER_DONE : HELPER_IDLE)
}
