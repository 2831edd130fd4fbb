import type { Jeopardy, JobView, QuorumView } from '../../src/wire'
import type { Property } from '../kit/table'
import { nodeTime, shortDuration, wrap } from '../kit/text'
import { aged, UNKNOWN, type ClusterView, type JobNow, type Seen } from './cluster'

/** Each node that has said something of the job, the owner first. */
interface Witnessed {
  node: string
  seen: Seen
  view: JobView
}

const observersOf = ({ nodes, seen }: ClusterView, { job, owner }: JobNow): Witnessed[] =>
  [owner, ...nodes.filter((node) => node !== owner)].flatMap((node) => {
    const known = seen.get(node)
    const view = known?.view.jobs[job]
    return known === undefined || view === undefined ? [] : [{ node, seen: known, view }]
  })

/** The mode, who lets the owner serve, and what the job lacks to survive the next fault. Nothing of an agent that knew no modes. */
export function quorumProperties(cluster: ClusterView, now: JobNow, width: number): Property[] {
  const mode = now.view?.mode
  if (mode === undefined) return []
  const observers = observersOf(cluster, now)
  const quorum = now.view?.quorum ?? null
  return [
    ['Operating Mode', mode],
    ...(quorum === null ? [] : ([['Quorum', aged(leaseWord(quorum), now.seen)]] satisfies Property[])),
    ...observers.flatMap(({ node, seen, view }): Property[] => {
      const word = view.quorum?.witness ?? null
      return word === null ? [] : [[`Witness (${node})`, aged(word, seen)]]
    }),
    ...jeopardyProperties(observers, now.seen, width)
  ]
}

const leaseWord = ({ leaseLeftMs }: QuorumView): string => (leaseLeftMs === null ? 'No' : `Yes (for ${(leaseLeftMs / 1000).toFixed(1)} s if nobody answers)`)

function jeopardyProperties(observers: Witnessed[], seen: Seen | null, width: number): Property[] {
  const all = causesOf(observers)
  const [first] = all
  if (first === undefined) return [['Jeopardy', seen === null ? UNKNOWN : aged('No', seen)]]
  const oldest = all.reduce((a, b) => (b.sinceMs < a.sinceMs ? b : a))
  const since = nodeTime(oldest.sinceMs, oldest.seen.utcOffsetMinutes)
  const word = `Yes, ${shortDuration(Math.max(0, oldest.seen.wallMs - oldest.sinceMs))} (since ${since})`
  return [['Jeopardy', aged(word, seen)], ...all.flatMap(({ text }) => wrap(text, width).map((line): Property => ['', line]))]
}

/** What both say is said once. */
function causesOf(observers: Witnessed[]): (Jeopardy & { seen: Seen })[] {
  const texts = new Set<string>()
  // What somebody said before he was lost says nothing about now; the owner's word is shown with its age.
  return observers
    .filter(({ seen }, i) => i === 0 || !seen.old)
    .flatMap(({ view, seen }) =>
      (view.jeopardy ?? []).flatMap((cause) => {
        if (texts.has(cause.text)) return []
        texts.add(cause.text)
        return [{ ...cause, seen }]
      })
    )
}

/** For --json: what each node says, with its age. */
export const quorumObject = (cluster: ClusterView, now: JobNow): object[] =>
  observersOf(cluster, now).map(({ node, seen, view }) => ({
    node,
    ageMs: Math.round(seen.ageMs),
    old: seen.old,
    mode: view.mode ?? null,
    quorum: view.quorum ?? null,
    jeopardy: view.jeopardy ?? []
  }))
