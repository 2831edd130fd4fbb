import net from 'node:net'
import { parseArgs } from 'node:util'

/**
 * Measures an outage as a client sees it: connects to a TCP port again and again, until its standard input ends; then prints one JSON
 * object. The outage is the longest time between two connects that were accepted one after the other.
 *
 *     prober.cjs --to 192.168.150.130:5432 --every 10
 */
const CONNECT_TIMEOUT_MS = 1_000
/** A dead address leaves connects hanging: no more than these at a time. */
const OUTSTANDING_MAX = 64

const { values } = parseArgs({ options: { to: { type: 'string', default: '' }, every: { type: 'string', default: '10' } } })
const at = values.to.lastIndexOf(':')
const target = { host: values.to.slice(0, at), port: Number(values.to.slice(at + 1)) }

const report = { connects: 0, accepted: 0, refused: 0, outageMs: 0, outageFromMs: 0, lastErrors: [] as string[] }
const ERRORS_KEPT = 5
let outstanding = 0
let lastAccepted: number | null = null

function accepted(startedAt: number): void {
  report.accepted += 1
  // A connect that was begun before the last good one says nothing new.
  if (lastAccepted !== null && startedAt - lastAccepted > report.outageMs) {
    report.outageMs = startedAt - lastAccepted
    report.outageFromMs = Math.round(performance.timeOrigin + lastAccepted)
  }
  lastAccepted = Math.max(lastAccepted ?? 0, performance.now())
}

function probe(): void {
  if (outstanding >= OUTSTANDING_MAX) return
  outstanding += 1
  report.connects += 1
  const startedAt = performance.now()
  const socket = net.connect(target)
  // Where this program had to wait for a processor the answer may be there and not read yet: a timer comes before it.
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => setImmediate(() => open || socket.destroy(new Error('no answer'))))
  let open = false
  socket.on('connect', () => {
    open = true
    accepted(startedAt)
    socket.resetAndDestroy()
  })
  socket.on('error', (error) => {
    report.refused += 1
    report.lastErrors = [...report.lastErrors, error.message].slice(-ERRORS_KEPT)
  })
  socket.on('close', () => {
    outstanding -= 1
  })
}

setInterval(probe, Number(values.every))
process.stdin.resume().on('end', () => {
  process.stdout.write(`${JSON.stringify({ ...report, outageMs: Math.round(report.outageMs) })}\n`)
  process.exit(0)
})
