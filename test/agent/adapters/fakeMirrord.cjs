// A stand-in for mirrord that speaks its protocol (src/wire/mirrord.ts). Its behaviour is steered by the job's folder path.
const net = require('node:net')
const path = require('node:path')

const option = (name) => process.argv[process.argv.indexOf(name) + 1]
const STATUS = { role: 'none', roleSequence: 0, connected: false, fault: null }
const clients = new Set()
let config = null
// A test run that was killed leaves nothing behind.
const parent = process.ppid
setInterval(() => process.ppid === parent || process.exit(1), 1_000).unref()

if (option('--job') === 'Broken') {
  console.error('no such folder')
  process.exit(3)
}

const answer = (request) => {
  if (request.do === 'configure') {
    if (config !== null && JSON.stringify(config) !== JSON.stringify(request.config))
      return { ok: false, error: { code: 'E_MIRRORD_CONFIG', message: 'folders differ', tryThis: '' } }
    config = request.config
    return { ok: true, result: {} }
  }
  if (request.do === 'drain') return null
  if (request.do === 'mirror') return { ok: false, error: { code: 'E_NO_PEER', message: 'not connected', tryThis: 'wait' } }
  if (request.do === 'source') Object.assign(STATUS, { role: 'source', roleSequence: request.roleSequence })
  if (request.do === 'source') setImmediate(() => tell({ event: 'status', status: STATUS }))
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
  .listen(path.join(option('--run'), `${option('--job')}.mirrord.sock`))
