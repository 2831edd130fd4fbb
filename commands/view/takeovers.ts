import type { TakeoverView } from '../../src/wire'
import { nodeTime, shortDuration } from '../kit/text'

/** One change of owner, put together from what the two nodes have kept of it. */
export interface Change {
  roleSequence: number
  from: string
  to: string
  /** switch, takeover, forcetake, selectsrc, failover. */
  how: string
  atMs: number
  account: string | null
  reason: string | null
  /** null: it has not ended, as far as anybody has kept. */
  outcome: string | null
  outageMs: number | null
  loss: TakeoverView['loss']
  /** Measured when the old owner was back. */
  returned: NonNullable<TakeoverView['returned']> | null
  parts: TakeoverView[]
}

/** What was given and taken in one role sequence is one change; an attempt that failed at the giver is one of its own. */
export function changesOf(entries: TakeoverView[]): Change[] {
  const groups = new Map<string, TakeoverView[]>()
  for (const entry of entries) {
    const failed = entry.part === 'gives' && entry.end?.outcome === 'failed'
    const key = failed ? `${entry.node} ${entry.atMs}` : String(entry.roleSequence)
    groups.set(key, [...(groups.get(key) ?? []), entry])
  }
  return [...groups.values()].map(changeOf).sort((a, b) => a.roleSequence - b.roleSequence || a.atMs - b.atMs)
}

/** The new owner's word about what it became, the old one's about who asked for it and how long nobody served. */
function changeOf(parts: TakeoverView[]): Change {
  const gives = parts.find(({ part }) => part === 'gives')
  const takes = parts.find(({ part }) => part === 'takes')
  const main = takes ?? (gives as TakeoverView)
  const typed = [gives, takes].find((part) => part?.command) ?? main
  return {
    roleSequence: main.roleSequence,
    from: main.from,
    to: main.to,
    how: typed.command ?? (main.takeReason === 'manual' ? 'switch' : main.takeReason === 'forced' ? 'forcetake' : 'failover'),
    atMs: (gives ?? main).atMs,
    account: typed.account,
    reason: typed.reason ?? gives?.reason ?? null,
    outcome: (takes?.end ?? gives?.end)?.outcome ?? null,
    outageMs: gives?.end?.outageMs ?? takes?.end?.outageMs ?? null,
    loss: takes?.loss ?? null,
    returned: takes?.returned ?? null,
    parts
  }
}

export const outageText = (ms: number | null): string => (ms === null ? '-' : ms < 10_000 ? `${(ms / 1000).toFixed(1)}s` : shortDuration(ms))

function lossWord({ loss, how, returned }: Change): string {
  if (how === 'switch' || how === 'takeover' || loss?.none || returned?.differences === 0) return 'none'
  if (returned?.files) return `at most in ${returned.files} ${returned.files === 1 ? 'file' : 'files'}`
  return loss === null ? '-' : 'possible'
}

/** The comparison sees what the old owner had of its own and what was written meanwhile as one: it is a bound, and exact when it is nothing. */
function returnText({ returned, from }: Change, utcOffsetMinutes: number): string[] {
  if (returned === null) return []
  const { atMs, compared, differences, files, bytes } = returned
  const when = `Measured when ${from} was equal again, at ${nodeTime(atMs, utcOffsetMinutes)}:`
  if (compared === null) return [`${when} nothing was compared, so nothing could be counted`]
  if (differences === 0) return [`${when} nothing differed, so nothing is missing`]
  const where = files === undefined ? '' : ` in ${files} ${files === 1 ? 'file' : 'files'}${bytes ? `, ${bytes.toLocaleString('en-US')} bytes` : ''}`
  return [
    `${when} ${differences} ${differences === 1 ? 'place' : 'places'}${where} differed: what ${from} had of its own, and what was written while it was away`
  ]
}

export const changeRow = (change: Change, utcOffsetMinutes: number): string[] => [
  String(change.roleSequence),
  nodeTime(change.atMs, utcOffsetMinutes),
  change.from,
  change.to,
  change.how,
  change.outcome ?? 'open',
  outageText(change.outageMs),
  lossWord(change)
]

/** Everything about one change, in lines. */
export function changeLines(change: Change, utcOffsetMinutes: number): string[] {
  const { account, reason, loss, outcome, outageMs } = change
  const who = account === null ? `by itself${reason === null ? '' : `: ${reason}`}` : `typed by ${account}${reason === null ? '' : `, reason: ${reason}`}`
  return [
    `Role sequence ${change.roleSequence}: ${change.how} from ${change.from} to ${change.to}, ${who}`,
    `Ended: ${outcome ?? 'not as far as anybody has kept'}; outage ${outageMs === null ? 'not known' : `at most ${outageText(outageMs)}`}`,
    ...(loss === null ? [] : [`Loss: ${loss.bound}`]),
    ...returnText(change, utcOffsetMinutes),
    ...change.parts.flatMap((part) => partLines(part, utcOffsetMinutes))
  ]
}

/** As the configuration has it. */
const spanText = (ms: number): string => (ms < 1000 ? `${ms}ms` : `${ms / 1000}s`)

function partLines(part: TakeoverView, utcOffsetMinutes: number): string[] {
  const { node, before, timers, links, peer, votes } = part
  const age = (ms: number | null): string => (ms === null ? 'never' : `${shortDuration(ms)} before`)
  const lease = timers.leaseMs === null ? '' : `, lease ${spanText(timers.leaseMs)}, drift ${spanText(timers.driftMs ?? 0)}`
  return [
    '',
    `${node} ${part.part === 'gives' ? 'gave it' : 'took it'} at ${nodeTime(part.atMs, utcOffsetMinutes)}; what it saw:`,
    `  record: role sequence ${before.roleSequence}, safety ${before.safety.toUpperCase()} (${before.safetySequence}), in sync: ${before.mirrorInSync ? 'yes' : 'no'} (${before.syncSequence}), need to verify: ${before.needToVerify}`,
    `  other engine: ${peer === null ? 'never heard' : `${peer.phase}, heard ${age(peer.ageMs)}`}`,
    ...links.map(({ name, up, ageMs }) => `  heartbeat ${name}: ${up ? 'ok' : 'error'}, heard ${age(ageMs)}`),
    ...votes.map(
      (vote) =>
        `  vote of ${vote.voter}: answered ${age(vote.ageMs)}, holds role sequence ${vote.roleSequence ?? 'unknown'}, lets ${vote.leasedTo ?? 'nobody'} serve`
    ),
    `  timers: heartbeat lost after ${spanText(timers.heartbeatMs)}${lease}`,
    ...part.checks.map(({ check, met, value }) => `  ${met ? 'ok' : 'no'}  ${check}: ${value}`)
  ]
}
