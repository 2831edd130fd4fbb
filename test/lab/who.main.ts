import dgram from 'node:dgram'
import os from 'node:os'
import { parseArgs } from 'node:util'

/**
 * Says on which node it runs: a datagram comes back with the host's name behind it. It belongs to a job of the lab (`up --who`), so only the node that
 * serves may answer.
 *
 *     who.cjs --listen 192.168.150.130:7450
 */
const { values } = parseArgs({ options: { listen: { type: 'string', default: '' } } })
const [address, port] = values.listen.split(':')
const socket = dgram.createSocket('udp4')
socket.on('error', (error) => {
  process.stderr.write(`who: ${error.message}\n`)
  process.exit(1)
})
socket.on('message', (bytes, from) => socket.send(Buffer.concat([bytes, Buffer.from(os.hostname())]), from.port, from.address, () => undefined))
socket.bind(Number(port), address)
