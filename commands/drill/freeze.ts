import { carriesHeartbeat, parseConfig } from '../../src/model'
import { drillReport } from '../../src/report/drill'
import { ReportError } from '../../src/report/report'
import { type DrillEntry, type DrillsAnswer, STILL_MS } from '../../src/wire'
import { parseDurationMs } from '../base'
import { readView } from '../change'
import type { Context } from '../context'
import { nowMs, until } from '../kit/clock'
import { fail } from '../kit/fail'
import { askNode, call } from '../kit/nodes'
import type { NodeEntry } from '../kit/store'
import { shortDuration } from '../kit/text'
import { nodeOfPair, otherOf, type Target } from '../operate'
import { jobsNow } from '../view/cluster'
import type { Around, Disturbance } from './disturb'
import type { Sampler } from './sampler'

const LOOK_MS = 200
/** Longer than everything that notices a silence. */
const MORE_MS = 5_000
/** From the answer of a node until nothing of it moves, and from its end until it answers again. */
const BEGIN_MS = 1_000
/** Stood still for so much less: a rounding of clocks. */
const CLOCKS_MS = 100
const REFUSED_TEXT = 'freeze-peer'

/** The standby stands still for a while, as a hang of its machine would; the node serves on, and is looked at. */
export async function freezing(around: Around, what: string | undefined, forWord: string | undefined, usage: string): Promise<Disturbance> {
  const { context, target } = around
  const { job, now } = target
  const node = standbyMeant(target, what, usage)
  const entry = target.asked.find((asked) => asked.entry.node === node && asked.status !== null)?.entry
  if (entry === undefined) throw fail('E_NODE_NOT_OPEN', { node, open: target.asked.map((asked) => asked.entry.node) })
  mustBeWhole(target, node)
  const forMs = forWord === undefined ? await longEnough(entry, job) : forTime(forWord, usage)
  // What it would refuse then, it refuses before anybody is asked anything.
  await askStill(entry, job, { forMs, dryRun: true })
  const still: Still = { forMs, noticedMs: null, noticed: null }
  return {
    kind: 'freeze-peer',
    what: node,
    steps: [
      `${node} stands still for ${shortDuration(forMs)}, as if it hung: no heartbeats, no acknowledgements, no votes; it goes on by itself, whatever becomes of this shell`,
      ...besides(target).map((other) => `${other} loses its standby for as long`),
      `${now.owner} serves on. Should it really fail meanwhile, nobody serves before ${node} goes on`
    ],
    asked: 'owner',
    copyOn: entry,
    carryOut: (sampler, timeoutMs) => carryOut(context, sampler, { job, entry, timeoutMs }, still),
    seen: () => still
  }
}

/** There is one node that it can be: naming it is a matter of care. */
function standbyMeant(target: Target, what: string | undefined, usage: string): string {
  const standby = otherOf(target)
  const { job, now } = target
  if (what === undefined || nodeOfPair(target, what, usage) === standby) return standby
  const why = `it is the active node of ${job}: what it serves would go on while ${standby} takes it over`
  throw new ReportError(drillReport('E_DRILL_STILL', { node: now.owner, what: job, why }))
}

/** The other jobs that the same node stands by for. */
const besides = ({ cluster, job, now }: Target): string[] =>
  jobsNow([cluster])
    .filter((other) => other.job !== job && other.owner === now.owner)
    .map((other) => other.job)

/** What the owner sees; the standby looks for itself. */
function mustBeWhole(target: Target, node: string): void {
  const others = besides(target)
  const why = jobsNow([target.cluster])
    .filter(({ job }) => others.includes(job))
    .flatMap(({ job, view }) => (view?.jeopardy ?? []).map(({ text }) => `${job} is in jeopardy: ${text}`))
  if (why.length > 0) throw new ReportError(drillReport('E_DRILL_STILL', { node, what: target.job, why: why.join('; ') }))
}

function forTime(word: string, usage: string): number {
  const forMs = parseDurationMs(word)
  if (forMs >= STILL_MS.min && forMs <= STILL_MS.max) return forMs
  throw fail('E_USAGE', { what: `--for ${word}: ${shortDuration(STILL_MS.min)} to ${shortDuration(STILL_MS.max)}.`, usage })
}

/** So that the silence is noticed by heartbeats and by replication. */
async function longEnough(entry: NodeEntry, job: string): Promise<number> {
  const { agreed } = await readView(entry)
  const answer = parseConfig(agreed.text, 'the configuration')
  if (!('config' in answer)) return STILL_MS.max
  const { links, jobs } = answer.config
  const silences = links.filter(carriesHeartbeat).map(({ intervalMs, maxMiss }) => intervalMs * maxMiss)
  return Math.min(STILL_MS.max, Math.max(jobs[job]?.data?.partnerTimeoutMs ?? 0, ...silences) + MORE_MS)
}

interface Freeze {
  job: string
  entry: NodeEntry
  timeoutMs: number
}
type Still = NonNullable<DrillEntry['still']>

/** What is seen is written down at once: it is kept, whatever comes of the rest. */
async function carryOut(context: Context, sampler: Sampler, { job, entry, timeoutMs }: Freeze, seen: Still): Promise<void> {
  const { forMs } = seen
  const beganMs = nowMs(context)
  await askStill(entry, job, { forMs })
  await until(context, forMs + BEGIN_MS, LOOK_MS, () => {
    const text = strangeness(sampler)
    if (seen.noticed === null && text !== null) Object.assign(seen, { noticedMs: Math.round(nowMs(context) - beganMs), noticed: text })
    return false
  })
  // Whoever goes away now has seen nothing; it goes on by itself.
  if (context.interrupt.signal.aborted) return
  await until(context, timeoutMs, LOOK_MS, async () => (await askNode(entry)).status !== null)
  const { still = null } = await call<DrillsAnswer>(entry, { method: 'GET', path: `/v1/jobs/${encodeURIComponent(job)}/drills` })
  mustHaveStood(still, { job, node: entry.node, forMs })
}

const askStill = (entry: NodeEntry, job: string, body: { forMs: number; dryRun?: boolean }): Promise<object> =>
  call<object>(entry, { method: 'POST', path: `/v1/jobs/${encodeURIComponent(job)}/still`, body })

/** What was not done has not been rehearsed. */
function mustHaveStood(still: DrillsAnswer['still'], { job, node, forMs }: { job: string; node: string; forMs: number }): void {
  const stood = still?.job === job && still.whyNot.length === 0 && (still.lastedMs ?? 0) >= forMs - CLOCKS_MS
  if (stood) return
  const why = still?.whyNot.join('; ') || `it has stood still for ${shortDuration(still?.lastedMs ?? 0)} only`
  throw new ReportError(drillReport('E_DRILL_STILL', { node, what: `${REFUSED_TEXT} of ${job}`, why }))
}

/** The first thing that the owner finds strange: a job in jeopardy, or a link that is silent. */
function strangeness(sampler: Sampler): string | null {
  const broken = sampler.links().filter(({ state }) => state !== 'ok')
  const { view } = sampler.last ?? { view: null }
  return view?.jeopardy?.[0]?.text ?? (broken.length === 0 ? null : `heartbeats on ${broken.map(({ name }) => name).join(', ')} are silent`)
}
