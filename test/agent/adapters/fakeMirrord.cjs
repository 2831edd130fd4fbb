// A stand-in for mirrord that speaks its protocol (src/wire/mirrord.ts). Its behaviour is steered by the job's folder path.
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')

const option = (name) => process.argv[process.argv.indexOf(name) + 1]
const KEEPER_FD = 3
const STATUS = {
  role: 'none',
  roleSequence: 0,
  connected: false,
  fault: null,
  program: { version: '1.0.0', pid: process.pid, pausedMs: null, insteadWhy: null }
}
const clients = new Set()
let config = null
// A test run that was killed leaves nothing behind.
const parent = process.ppid
setInterval(() => process.ppid === parent || process.exit(1), 1_000).unref()

if (option('--job') === 'Broken') {
  console.error('no such folder')
  process.exit(3)
}

const LINGER_MS = 150
let lingers = false

/** Ends slowly: its socket still takes connections, and nobody answers there. */
function linger() {
  setImmediate(() => {
    lingers = true
    destroyAll()
    setTimeout(() => process.exit(75), LINGER_MS)
  })
  return { ok: true }
}

const answer = (request) => {
  if (lingers) return null
  if (request.do === 'configure') {
    if (config !== null && JSON.stringify(config) !== JSON.stringify(request.config))
      return { ok: false, error: { code: 'E_MIRRORD_CONFIG', message: 'folders differ', tryThis: '' } }
    config = request.config
    return { ok: true, result: {} }
  }
  if (request.do === 'drain') return null
  if (request.do === 'mirror') return { ok: false, error: { code: 'E_NO_PEER', message: 'not connected', tryThis: 'wait' } }
  if (request.do === 'source') Object.assign(STATUS, { role: 'source', roleSequence: request.roleSequence, connected: true })
  if (request.do === 'source') setImmediate(() => tell({ event: 'status', status: STATUS }))
  // As to its keeper: what a successor begins with.
  if (request.do === 'source') fs.writeSync(KEEPER_FD, `${JSON.stringify({ standing: { configure: JSON.stringify(config), role: 'source' } })}\n`)
  if (request.do === 'handOver' && config.folders[0].path === '/srv/stays') return { ok: false, error: { code: 'E_HAND_OVER', message: 'no', tryThis: 'wait' } }
  if (request.do === 'handOver' && config.folders[0].path === '/srv/dies') process.kill(process.pid, 'SIGKILL')
  if (request.do === 'handOver' && config.folders[0].path === '/srv/lingers') return linger()
  if (request.do === 'handOver') setImmediate(() => process.exit(75))
  if (request.do === 'target') setImmediate(() => tell({ event: 'fault', code: 'E_REDO', message: 'disk full' }))
  if (request.do === 'stop' && request.force) setImmediate(destroyAll)
  if (request.do === 'exit') setImmediate(() => process.exit(0))
  return { ok: true, result: request.do === 'status' ? STATUS : undefined }
}
function tell(line) {
  for (const client of clients) client.write(`${JSON.stringify(line)}\n`)
}

function destroyAll() {
  for (const client of clients) client.destroy()
}

/** The keeper may be a moment behind on a busy machine. */
function readWelcome() {
  for (;;) {
    try {
      return fs.readSync(KEEPER_FD, line)
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}

const line = Buffer.alloc(65_536)
const { standing } = JSON.parse(line.toString('utf8', 0, readWelcome()))
if (standing !== null) {
  config = JSON.parse(standing.configure)
  Object.assign(STATUS, { role: 'source', connected: true })
  Object.assign(STATUS.program, { version: '2.0.0', pausedMs: 42, insteadWhy: config.folders[0].path === '/srv/instead' ? 'it broke' : null })
  fs.writeSync(KEEPER_FD, '{"ready":true}\n')
}

const socketFile = path.join(option('--run'), `${option('--job')}.mirrord.sock`)
fs.rmSync(socketFile, { force: true })
net
  .createServer((client) => {
    clients.add(client)
    client.on('close', () => clients.delete(client)).on('error', () => undefined)
    let rest = ''
    client.on('data', (bytes) => {
      const lines = (rest + bytes).split('\n')
      rest = lines.pop()
      for (const line of lines) {
        const request = JSON.parse(line)
        const reply = answer(request)
        if (reply !== null) client.write(`${JSON.stringify({ id: request.id, ...reply })}\n`)
      }
    })
  })
  .listen(socketFile)
