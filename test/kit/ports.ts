/** Below those that the kernel gives to connections by itself (/proc/sys/net/ipv4/ip_local_port_range): a listener there may find its port taken. */
const FIRST = 10_000
const END = 32_768
const BLOCK = 64
/** The workers of one run, which are started one after the other and work side by side, never meet. */
const WORKERS = 4
const BLOCKS = Math.floor((END - FIRST) / BLOCK / WORKERS)

/** The first of some ports that no other process of a test run listens on, for a start. */
export function firstOwnPort(): number {
  const worker = Number(process.env.JEST_WORKER_ID ?? 1) % WORKERS
  return FIRST + BLOCK * (WORKERS * (process.pid % BLOCKS) + worker)
}
