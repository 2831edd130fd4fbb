import dgram from 'node:dgram'
import { parseArgs } from 'node:util'
import { addressBytes, hardwareBytes } from '../../agent/adapters/vip/address'
import { readNics } from '../../agent/adapters/vip/nics'
import { openPacketSocket } from '../../agent/native/socketPacket'
import { ADDRESSES, hardwareAddress, NODES } from './plan'

/**
 * Asks both nodes at once who serves, whatever the client's neighbour table says: the same question to the virtual address goes to each node's own
 * network card. At most one may answer it. Ends when its standard input ends, and prints one JSON object;
 * an empty line before it whenever another one than before answers.
 *
 *     eyes.cjs --to 192.168.150.130:7450 --every 5
 */
const CARD = 'service'
const OWN_PORT = 7_499
const ETHERTYPE_IPV4 = 0x0800
const PROTOCOL_UDP = 17
const IP_BYTES = 20
const UDP_BYTES = 8
const SAMPLE_BYTES = 6
const HOPS = 64
const DONT_FRAGMENT = 0x4000
/** A socket that is to hear nothing. */
const NO_PROTOCOL = 0
const MS_A_SECOND = 1_000

const { values } = parseArgs({ options: { to: { type: 'string', default: '' }, every: { type: 'string', default: '5' } } })
const [vip = '', port = ''] = values.to.split(':')
const own = ADDRESSES.client.service ?? ''

/** When it was asked, and which nodes have answered (a bit each). */
const samples: { atMs: number; by: number }[] = []

function question(hardware: string, ownHardware: string, sample: number): Buffer {
  const udp = Buffer.alloc(UDP_BYTES + SAMPLE_BYTES)
  udp.writeUInt16BE(OWN_PORT, 0)
  udp.writeUInt16BE(Number(port), 2)
  udp.writeUInt16BE(udp.length, 4)
  udp.writeUIntBE(sample, UDP_BYTES, SAMPLE_BYTES)
  const ip = Buffer.alloc(IP_BYTES)
  ip[0] = 0x45
  ip.writeUInt16BE(IP_BYTES + udp.length, 2)
  ip.writeUInt16BE(DONT_FRAGMENT, 6)
  ip[8] = HOPS
  ip[9] = PROTOCOL_UDP
  addressBytes(own)?.copy(ip, 12)
  addressBytes(vip)?.copy(ip, 16)
  ip.writeUInt16BE(checksumOf(ip), 10)
  const ethernet = Buffer.concat([hardwareBytes(hardware), hardwareBytes(ownHardware), Buffer.from([ETHERTYPE_IPV4 >> 8, ETHERTYPE_IPV4 & 0xff])])
  return Buffer.concat([ethernet, ip, udp])
}

function checksumOf(header: Buffer): number {
  let sum = 0
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  return ~sum & 0xffff
}

function report() {
  const answered = samples.filter(({ by }) => by !== 0)
  const both = samples.filter(({ by }) => by === 3)
  const turns: { node: string; fromMs: number; toMs: number; answers: number }[] = []
  for (const { atMs, by } of answered) {
    const last = turns.at(-1)
    const node = by === 3 ? 'both' : (NODES[by - 1] ?? '')
    if (last?.node === node) Object.assign(last, { toMs: atMs, answers: last.answers + 1 })
    else turns.push({ node, fromMs: atMs, toMs: atMs, answers: 1 })
  }
  const gaps = answered.slice(1).map(({ atMs }, place) => atMs - (answered[place]?.atMs ?? atMs))
  return { samples: samples.length, answered: answered.length, both: both.length, turns, outageMs: Math.round(Math.max(0, ...gaps)) }
}

async function main(): Promise<void> {
  const nic = (await readNics()).find(({ name }) => name === CARD)
  if (nic === undefined) throw new Error(`there is no network card ${CARD}`)
  const out = openPacketSocket(nic.index, NO_PROTOCOL)
  const ears = dgram.createSocket('udp4')
  let last = -1
  ears.on('message', (bytes) => {
    const sample = samples[bytes.readUIntBE(0, SAMPLE_BYTES)]
    const node = (NODES as readonly string[]).indexOf(bytes.toString('utf8', SAMPLE_BYTES))
    if (sample === undefined || node < 0) return
    sample.by |= 1 << node
    if (node !== last) process.stdout.write('\n')
    last = node
  })
  await new Promise<void>((resolve) => ears.bind(OWN_PORT, own, resolve))
  const ask = (): void => {
    samples.push({ atMs: Math.round(performance.now()), by: 0 })
    for (const node of NODES) out.send(question(hardwareAddress(node, CARD), nic.hardware, samples.length - 1))
  }
  const timer = setInterval(ask, Number(values.every))
  process.stdin.resume().on('end', () => {
    clearInterval(timer)
    // What was asked last is answered soon, or not at all.
    setTimeout(() => {
      process.stdout.write(`${JSON.stringify(report())}\n`)
      process.exit(0)
    }, MS_A_SECOND)
  })
}

main().catch((error: Error) => {
  process.stderr.write(`eyes: ${error.message}\n`)
  process.exit(1)
})
