import { spawnSync } from 'node:child_process'
import { Lab, type Node, NODES, otherNode, VIP } from '../e2e/kit/lab'
import { dist, Measuring, NODE } from '../e2e/kit/programs'
import { FIRST_WHO_PORT } from '../lab/applications'
import { PREFIXES } from '../lab/plan'

const SAMPLE_MS = 5
/** It is asked for so long before the death, and after the other one has answered. */
export const AROUND_MS = 1_000
const TAKEN_TIMEOUT_MS = 20_000
export const LOOK_MS = 100
/** A disk that nobody writes to. */
const DISK = ['--size', '1G', '--application', 'none']

interface Eyes {
  turns: { node: string }[]
  outageMs: number
}

/** Programs that keep an address on one of two nodes. */
export interface Contestant {
  name: string
  /** How long it waits before it takes over, in its own words. */
  times: string
  /** How its lab is built. */
  options: string[]
  begin(lab: Lab): Promise<void>
  /** The node that died is on again. */
  revived(lab: Lab, node: Node): void
  /** Both nodes know each other and one serves, in words that are younger than this moment (epoch ms). */
  agreed(lab: Lab, sinceMs: number): Promise<void>
}

export interface Pair {
  name: string
  times: string
  /** Its active node dies: how long nobody answers at the address, seconds. The dead one is back before the next death. */
  death(): Promise<number>
  end(): Promise<void>
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const eyesOf = (lab: Lab): Measuring<Eyes> =>
  new Measuring<Eyes>(lab.start('client', [NODE, dist('eyes'), '--to', `${VIP}:${FIRST_WHO_PORT}`, '--every', String(SAMPLE_MS)]))

async function holds(lab: Lab, node: Node): Promise<boolean> {
  const { hosts } = await lab.status()
  return hosts[node].addresses.includes(`${VIP}/${PREFIXES.service}`)
}

async function untilHeld(lab: Lab): Promise<Node> {
  for (const deadline = Date.now() + TAKEN_TIMEOUT_MS; ; await pause(LOOK_MS)) {
    for (const node of NODES) if (await holds(lab, node)) return node
    if (Date.now() > deadline) throw new Error(`neither node has the address after ${TAKEN_TIMEOUT_MS} ms`)
  }
}

/** The active node's cards and programs are gone in one moment. */
async function measured(lab: Lab, active: Node): Promise<number> {
  const eyes = eyesOf(lab)
  await eyes.lines(1, TAKEN_TIMEOUT_MS)
  await pause(AROUND_MS)
  await lab.verb(['kill', active])
  await eyes.lines(2, TAKEN_TIMEOUT_MS)
  await pause(AROUND_MS)
  const { turns, outageMs } = await eyes.report()
  const nodes = turns.map(({ node }) => node).join(' ')
  if (nodes !== `${active} ${otherNode(active)}`) throw new Error(`not the death of who served: ${nodes} answered, ${active} was killed`)
  return outageMs / 1_000
}

const standing = new Set<Lab>()

/** At once, for who cannot wait: no lab of the bench stays. */
export function takeDown(): void {
  for (const lab of standing) {
    const [file = '', ...words] = lab.command(['down'])
    spawnSync(file, words)
  }
  standing.clear()
}

export async function pairOf(contestant: Contestant): Promise<Pair> {
  const { name, times } = contestant
  const lab = Lab.named('bench')
  standing.add(lab)
  const end = async (): Promise<void> => {
    await lab.down()
    standing.delete(lab)
  }
  let dead: Node | null = null
  const death = async (): Promise<number> => {
    const sinceMs = dead === null ? 0 : Date.now()
    if (dead !== null) {
      await lab.verb(['start', dead])
      contestant.revived(lab, dead)
    }
    await contestant.agreed(lab, sinceMs)
    // On a busy machine it may have moved since.
    dead = await untilHeld(lab)
    return measured(lab, dead)
  }
  await lab.build([...DISK, ...contestant.options])
  await contestant.begin(lab)
  return { name, times, death, end }
}
