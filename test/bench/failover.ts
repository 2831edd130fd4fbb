import fs from 'node:fs'
import path from 'node:path'
import { JOB, Lab, type Node, NODES, otherNode, VIP } from '../e2e/kit/lab'
import { dist, Measuring, NODE } from '../e2e/kit/programs'
import { FIRST_WHO_PORT } from '../lab/applications'
import { has } from './contenders'

const READY_TIMEOUT_MS = 90_000
const SAMPLE_MS = 5
/** It is asked for so long before the death, and after the other one serves. */
const AROUND_MS = 1_000
const TAKEN_TIMEOUT_MS = 20_000
const LOOK_MS = 100
const DISK = ['--size', '1G', '--application', 'none']
/** Three missed heartbeats of 100 ms each; a lease that is as short as it may be. */
const TIMES = ['--who', '--heartbeat', '100ms', '--miss', '3']
const LEASE = 'lease=1s,drift=200ms'
const PREFIX = 16

interface Eyes {
  turns: { node: string }[]
  outageMs: number
}

/** A pair whose active node dies: how long nobody answers at the address, seconds. */
export interface Pair {
  name: string
  death(): Promise<number>
  end(): Promise<void>
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const eyesOf = (lab: Lab): Measuring<Eyes> =>
  new Measuring<Eyes>(lab.start('client', [NODE, dist('eyes'), '--to', `${VIP}:${FIRST_WHO_PORT}`, '--every', String(SAMPLE_MS)]))

async function holds(lab: Lab, node: Node): Promise<boolean> {
  const { hosts } = await lab.status()
  return hosts[node].addresses.includes(`${VIP}/${PREFIX}`)
}

async function untilHeld(lab: Lab, nodes: readonly Node[]): Promise<Node> {
  for (const deadline = Date.now() + TAKEN_TIMEOUT_MS; ; await pause(LOOK_MS)) {
    for (const node of nodes) if (await holds(lab, node)) return node
    if (Date.now() > deadline) throw new Error(`none of ${nodes.join(' and ')} has the address after ${TAKEN_TIMEOUT_MS} ms`)
  }
}

async function measured(lab: Lab, active: Node): Promise<number> {
  const eyes = eyesOf(lab)
  await pause(AROUND_MS)
  await lab.verb(['kill', active])
  await untilHeld(lab, [otherNode(active)])
  await pause(AROUND_MS)
  const { turns, outageMs } = await eyes.report()
  const nodes = turns.map(({ node }) => node).join(' ')
  if (nodes !== `${active} ${otherNode(active)}`) throw new Error(`not the death of who served: ${nodes} answered, ${active} was killed`)
  return outageMs / 1_000
}

async function ours(name: string, options: string[]): Promise<Pair> {
  const lab = await Lab.up([...DISK, ...TIMES, ...options], 'bench')
  await lab.done(['bringin', JOB])
  let active = await lab.settled(0, READY_TIMEOUT_MS)
  const death = async (): Promise<number> => {
    // On a busy machine a lease that short may have been lost in between.
    active = await untilHeld(lab, NODES)
    const figure = await measured(lab, active)
    await lab.verb(['start', active])
    active = await lab.settled(Date.now(), READY_TIMEOUT_MS)
    return figure
  }
  return { name, death, end: () => lab.down() }
}

/** Takes the address and nothing else; what answers at it runs on both nodes all the time. */
async function keepalived(root: string): Promise<Pair | null> {
  if (!has('keepalived')) return null
  const file = path.join(root, 'keepalived.conf')
  const instance = ['state BACKUP', 'nopreempt', 'interface service', 'virtual_router_id 51', 'priority 100', 'advert_int 0.1']
  const address = `virtual_ipaddress { ${VIP}/${PREFIX} dev service }`
  fs.writeFileSync(file, `global_defs { vrrp_version 3 }\nvrrp_instance pair {\n${[...instance, address].join('\n')}\n}\n`)
  const lab = await Lab.up([...DISK, '--agent-command', `keepalived --dont-fork --log-console --vrrp --use-file ${file} --pid /run/keepalived.pid`], 'bench')
  const answering = (node: Node) => lab.start(node, [NODE, dist('who'), '--listen', `0.0.0.0:${FIRST_WHO_PORT}`])
  for (const node of NODES) answering(node)
  let active = await untilHeld(lab, NODES)
  const death = async (): Promise<number> => {
    const figure = await measured(lab, active)
    await lab.verb(['start', active])
    answering(active)
    await pause(AROUND_MS)
    active = await untilHeld(lab, NODES)
    return figure
  }
  return { name: 'keepalived (address only)', death, end: () => lab.down() }
}

/** All at the same interval; ours starts what answers as well, and with a quorum waits for the lease of the dead one. */
export async function failoverPairs(root: string): Promise<Pair[]> {
  const pairs: Pair[] = []
  try {
    const rival = await keepalived(root)
    if (rival) pairs.push(rival)
    pairs.push(await ours('mirrorpair, guide', []))
    pairs.push(await ours('mirrorpair, quorum, lease 1 s', ['--mode', 'high-availability', '--quorum', LEASE]))
  } catch (error) {
    for (const pair of pairs) await pair.end()
    throw error
  }
  return pairs
}
