import net from 'node:net'
import readline from 'node:readline'
import { parseArgs } from 'node:util'
import { WAYS } from './soak/records'
import { rangesOf } from './soak/rows'

/**
 * The client of the power cut tests: its log is the truth. Asks the records service to keep 1, 2, 3, … and remembers which of them
 * it was told are durable. A number that was not answered is never asked for again: nobody knows of it. `{"acked":N}` lines say how it goes on; at the
 * end of its standard input it prints its report.
 *
 *     recorder.cjs --to 192.168.150.130:7400 --from 1
 */
const OUTSTANDING_MAX = 4
const AGAIN_AFTER_MS = 40
const CONNECT_TIMEOUT_MS = 150
/** Safety FULL may keep an answer back for the partner timeout; a service that died is noticed by it, and by a reset. */
const ANSWER_TIMEOUT_MS = 1_500
const TELL_EVERY_MS = 50
const ERRORS_KEPT = 5

const { values } = parseArgs({ options: { to: { type: 'string', default: '' }, from: { type: 'string', default: '1' } } })
const at = values.to.lastIndexOf(':')
const target = { host: values.to.slice(0, at), port: Number(values.to.slice(at + 1)) }

const acked: number[] = []
const report = { connections: 0, longestPauseMs: 0, lastErrors: [] as string[] }
let next = Number(values.from)
let lastAckAt: number | null = null

function connect(): void {
  const socket = net.connect(target)
  let outstanding = 0
  let patience = setTimeout(() => socket.destroy(new Error('no answer to a connect')), CONNECT_TIMEOUT_MS)
  const wait = () => {
    clearTimeout(patience)
    patience = setTimeout(() => socket.destroy(new Error('no answer')), ANSWER_TIMEOUT_MS)
  }
  const ask = () => {
    for (; outstanding < OUTSTANDING_MAX; outstanding += 1, next += 1) socket.write(`PUT ${next} ${WAYS[next % WAYS.length]}\n`)
  }
  socket.on('connect', () => {
    report.connections += 1
    wait()
    ask()
  })
  const lines = readline.createInterface({ input: socket })
  lines.on('error', () => {})
  lines.on('line', (line) => {
    if (!line.startsWith('OK ')) return
    acknowledged(Number(line.slice('OK '.length)))
    outstanding -= 1
    wait()
    ask()
  })
  socket.on('error', (error) => {
    report.lastErrors = [...report.lastErrors, error.message].slice(-ERRORS_KEPT)
  })
  socket.on('close', () => {
    clearTimeout(patience)
    setTimeout(connect, AGAIN_AFTER_MS)
  })
}

function acknowledged(number: number): void {
  const now = performance.now()
  if (lastAckAt !== null) report.longestPauseMs = Math.max(report.longestPauseMs, Math.round(now - lastAckAt))
  lastAckAt = now
  acked.push(number)
}

let told = -1
setInterval(() => {
  if (acked.length !== told) process.stdout.write(`${JSON.stringify({ acked: (told = acked.length) })}\n`)
}, TELL_EVERY_MS)

connect()
process.stdin.resume().on('end', () => {
  process.stdout.write(`${JSON.stringify({ ...report, ranges: rangesOf(acked), next })}\n`, () => process.exit(0))
})
