import { carriesHeartbeat, parseConfig } from '../../src/model'
import type { DrillEntry, DrillKind } from '../../src/wire'
import { readView } from '../change'
import type { Context, Output } from '../context'
import { nowMs, until } from '../kit/clock'
import { fail } from '../kit/fail'
import { call } from '../kit/nodes'
import type { NodeEntry } from '../kit/store'
import { followTicket, otherOf, send, type Target } from '../operate'
import type { Sampler } from './sampler'

const LOOK_MS = 200
/** So long until a death is noticed: a unit of systemd is asked at its check's interval only. */
const NOTICE_MS = 60_000
/** A cut lasts for so many times what the heartbeats may be silent, within these bounds. */
const SILENCES = 2
const CUT_MS = { min: 3_000, max: 120_000, more: 2_000 }

/** What is done, to what, and when it is over. */
export interface Disturbance {
  kind: DrillKind
  what: string | null
  /** In words, one a step. */
  steps: string[]
  /** Who is asked while it lasts, and written to; absent: both nodes. */
  asked?: 'owner'
  /** The copy that must have all of it afterwards, too. */
  copyOn?: NodeEntry
  /** Resolves when what was disturbed is back, or it was waited for long enough. */
  carryOut(sampler: Sampler, timeoutMs: number): Promise<void>
  /** What it found out that others do not measure. */
  seen?(): DrillEntry['still']
}

export interface Around {
  context: Context
  output: Output
  target: Target
  reason: string | undefined
}

export async function disturbanceOf(around: Around, kind: Exclude<DrillKind, 'freeze-peer'>, what: string | undefined): Promise<Disturbance> {
  if (kind === 'switch') return switching(around)
  return kind === 'kill-app' ? killing(around, what) : await cutting(around, what)
}

function switching({ context, output, target, reason }: Around): Disturbance {
  const { job, now } = target
  const to = otherOf(target)
  return {
    kind: 'switch',
    what: null,
    steps: [`Switch ${job} from ${now.owner} to ${to}; it stays there`],
    carryOut: async (_sampler, timeoutMs) => {
      const answer = await send(target.entry, job, 'switch', { reason: reason ?? 'drill' })
      if (answer.dryRun) throw fail('E_SHELL_BROKEN', { what: `${target.entry.node} answered a command as if it were a dry run` })
      const ticket = await followTicket(context, output, target, answer.ticket, timeoutMs)
      if (ticket.state === 'failed') throw fail('E_TICKET_FAILED', { command: 'switch', job })
    }
  }
}

function killing({ context, target }: Around, what: string | undefined): Disturbance {
  const { job, now, entry } = target
  const known = now.view?.applications.map(({ name }) => name) ?? []
  const application = what ?? known[0]
  if (application === undefined || !known.includes(application)) throw fail('E_NO_SUCH_PART', { what: `application of ${job}`, part: what ?? '', known })
  return {
    kind: 'kill-app',
    what: application,
    steps: [`Kill every process of ${application} on ${now.owner}, as an accident would`, 'The agent finds out and starts it again'],
    carryOut: async (sampler, timeoutMs) => {
      const beganMs = nowMs(context)
      await call(entry, { method: 'POST', path: `/v1/jobs/${encodeURIComponent(job)}/crash`, body: { application } })
      await until(context, Math.min(NOTICE_MS, timeoutMs), LOOK_MS, () => sampler.looks.missedSince(beganMs))
      const noticedMs = nowMs(context)
      await until(context, timeoutMs, LOOK_MS, () => sampler.looks.servedSince(noticedMs))
    }
  }
}

async function cutting({ context, target }: Around, what: string | undefined): Promise<Disturbance> {
  const { agreed } = await readView(target.entry)
  const answer = parseConfig(agreed.text, 'the configuration')
  const links = 'config' in answer ? answer.config.links.filter(carriesHeartbeat) : []
  const link = what === undefined ? links[0] : links.find(({ name }) => name === what)
  if (link === undefined) throw fail('E_NO_SUCH_PART', { what: 'heartbeat link', part: what ?? '', known: links.map(({ name }) => name) })
  const forMs = Math.min(CUT_MS.max, Math.max(CUT_MS.min, SILENCES * link.intervalMs * link.maxMiss + CUT_MS.more))
  return {
    kind: 'cut-link',
    what: link.name,
    steps: [
      `${target.now.owner} neither sends nor hears heartbeats on ${link.name} for ${forMs / 1_000} s`,
      'Both nodes call the link broken, and nothing else happens'
    ],
    carryOut: async (sampler, timeoutMs) => {
      const path = `/v1/links/${encodeURIComponent(link.name)}/hold`
      await call(target.entry, { method: 'POST', path, body: { forMs } })
      const state = (): string | undefined => sampler.links().find(({ name }) => name === link.name)?.state
      await until(context, forMs, LOOK_MS, () => state() === 'error')
      await until(context, forMs + timeoutMs, LOOK_MS, () => state() === 'ok')
    }
  }
}
