import { serves } from './machine'
import { A, B, JOB } from './pairConfig'
import { W } from './witness'
import type { FakeNode } from './fakeNode'
import type { World } from './world'

/** What may go wrong in a life, told when it really does: not when it was drawn. */
export const MISHAPS = [
  'a message is lost',
  'a message comes twice',
  'a message is overtaken',
  'the nodes are apart, and both see the witness',
  'the nodes are apart, and one sees the witness',
  'one node does not see the witness',
  'all three are apart',
  'one node hears the other one, which does not hear it',
  'a message reaches the witness, and no answer comes back',
  'who serves is cut off from everybody',
  'a power cut',
  'a power cut in the middle of a disk write',
  'an engine dies',
  'an engine dies in the middle of a disk write',
  'a disk is slow',
  'a disk fails',
  'a node wakes up',
  'a node wakes up, believes that it leads, and its lease is over',
  'a node wakes up, believes that it leads, and the other one does',
  'the witness dies',
  'the witness dies in the middle of a disk write',
  'the witness sleeps',
  'the witness loses its memory',
  'the configuration of a node is changed',
  'what an administrator has typed is accepted'
] as const

export type Mishap = (typeof MISHAPS)[number]

const ONE_WAY = [1, 2]
const BOTH_WAYS = 3

/** 3: both ways, 1 or 2: one way only. */
const ways = (world: World, from: string, to: string): number => (world.network.arrives(from, to) ? 1 : 0) + (world.network.arrives(to, from) ? 2 : 0)

/** Who hears whom now, where all three run. */
export function* mishapsOfPaths(world: World): Generator<Mishap> {
  if (!world.witness?.state || !world.node(A).up || !world.node(B).up) return
  const pair = world.network.reachable() ? ways(world, A, B) : 0
  const witness = [A, B].map((node) => ways(world, node, W))
  const seen = witness.filter((each) => each === BOTH_WAYS).length
  if (pair === 0 && seen === 2) yield 'the nodes are apart, and both see the witness'
  if (pair === 0 && seen === 1) yield 'the nodes are apart, and one sees the witness'
  if (pair === BOTH_WAYS && seen === 1 && witness.includes(0)) yield 'one node does not see the witness'
  if (pair === 0 && witness.every((each) => each === 0)) yield 'all three are apart'
  if (ONE_WAY.includes(pair)) yield 'one node hears the other one, which does not hear it'
  if (witness.some((each) => each === 1)) yield 'a message reaches the witness, and no answer comes back'
  const owner = [A, B].findIndex((name) => serves(world.node(name).machine))
  if (owner >= 0 && pair === 0 && witness[owner] === 0) yield 'who serves is cut off from everybody'
}

/** Of a node that was asleep and looks at nothing yet. */
export function* wakesAsLeader(world: World, node: FakeNode): Generator<Mishap> {
  yield 'a node wakes up'
  const job = node.state?.jobs[JOB]
  if (!job?.quorum || job.record.owner !== node.name || job.phase !== 'online') return
  if (job.quorum.lease.untilMs < world.localMs(node.name)) yield 'a node wakes up, believes that it leads, and its lease is over'
  const newest = world.other(node).disk?.[JOB]
  if (newest && newest.owner !== node.name && newest.roleSequence > job.record.roleSequence)
    yield 'a node wakes up, believes that it leads, and the other one does'
}
