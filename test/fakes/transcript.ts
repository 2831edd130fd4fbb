import type { Action, Event } from '../../src/core'
import { describe as describeOrder } from '../../src/core/plan'
import type { Ballot, VoteMessage } from '../../src/wire'
import type { KeptRestarts } from '../../src/wire/keptRestarts'
import { JOB } from './pairConfig'

/** One line an event that had consequences, and one a consequence. */
export function transcriptLines(node: string, event: Event, actions: Action[]): string[] {
  const shown = actions.map(actionText).filter((text) => text !== null)
  const quiet =
    event.kind === 'voteAsked' ||
    event.kind === 'voteAnswered' ||
    event.kind === 'ticked' ||
    event.kind === 'vipsSeen' ||
    event.kind === 'usageSampled' ||
    event.kind === 'reachTold' ||
    event.kind === 'peerStateReceived'
  if (quiet && shown.length === 0) return []
  return [`${time(event.atMs)} ${node} ${eventText(event)}`, ...shown.map((text) => `${' '.repeat(time(event.atMs).length + node.length + 2)}→ ${text}`)]
}

const time = (atMs: number): string => `${(atMs / 1000).toFixed(3).padStart(8)}`

function eventText(event: Event): string {
  switch (event.kind) {
    case 'booted':
      return event.records === null ? 'booted for the first time' : 'booted'
    case 'heartbeatChanged':
      return `heartbeatChanged ${event.heartbeat.links.map((link) => `${link.name} ${link.up ? 'ok' : 'error'}`).join(', ')}`
    case 'peerStateReceived': {
      const theirs = event.view.jobs[JOB]
      return `peerStateReceived ${theirs ? `${theirs.phase} ${recordText(theirs.record)}` : ''}`
    }
    case 'handoverReceived':
      return `handoverReceived role sequence ${event.roleSequence}${event.start ? ', start' : ''}`
    case 'withdrawReceived':
      return `withdrawReceived role sequence ${event.roleSequence}`
    case 'handoverAnswered':
      return `handoverAnswered ${event.asked}: ${event.answer.is}${event.answer.is === 'record' ? ` ${recordText(event.answer.record)}` : ''}`
    case 'outOfSyncReceived':
      return `outOfSyncReceived sync sequence ${event.syncSequence}`
    case 'outOfSyncAnswered':
      return `outOfSyncAnswered ${event.answer.is}${event.answer.is === 'record' ? ` ${recordText(event.answer.record)}` : ''}`
    case 'exposeEnded':
      return `exposeEnded ${event.outcome.ok ? 'ok' : `failed: ${event.outcome.error.message}`}`
    case 'commandGiven':
      return `commandGiven ${event.command}${event.dryRun ? ' (dry run)' : ''}`
    case 'voteAsked':
      return `voteAsked by ${event.message.from}: ${questionText(event.message)}`
    case 'voteAnswered':
      return `voteAnswered by the ${event.voter}: ${event.reply === null ? 'silence' : event.reply.granted ? 'granted' : (event.reply.why ?? 'noted')}`
    case 'orderEnded':
      return `orderEnded ${event.attempt}.${event.task} ${event.outcome.ok ? 'ok' : `failed: ${event.outcome.error.message}`}`
    case 'applicationFailed':
      return `applicationFailed ${event.application}: ${event.why}`
    case 'dataStatusChanged':
      return `dataStatusChanged ${event.status.role} ${event.status.roleSequence}${event.status.connected ? ', connected' : ''}${event.status.copyComplete ? ', copy complete' : ''}`
    case 'dataLost':
      return `dataLost: ${event.why}`
    case 'vipsSeen':
      return `vipsSeen ${event.held.join(', ') || 'none'}`
    case 'vipPathsSeen':
      return `vipPathsSeen ${Object.entries(event.paths)
        .map(([name, path]) => `${name} ${path}`)
        .join(', ')}`
    case 'reachTold':
      return `reachTold ${event.reached ? 'yes' : `no: ${event.why}`}`
    case 'usageSampled':
      return `usageSampled ${Object.entries(event.values)
        .map(([watched, value]) => `${watched} ${value ?? 'NA'}`)
        .join(', ')}`
    default:
      return event.kind
  }
}

const questionText = ({ ask, ballot }: VoteMessage): string => (ask.do === 'propose' ? `propose ${ballotText(ask.ballot)}` : `${ask.do} ${ballotText(ballot)}`)

const ballotText = ({ roleSequence, owner, mirrorInSync }: Ballot): string => `${roleSequence} ${owner}${mirrorInSync ? '' : ', not in sync'}`

interface Recorded {
  roleSequence: number
  claim?: { roleSequence: number } | null
  released?: boolean
  owner: string
  desired: string
  handover: { roleSequence: number } | null
  errorFlag: string | null
  needToVerify: string
  copyComplete: boolean
  safety: string
  mirrorInSync: boolean
  selectedSequence: number
  detachUnheard?: object | null
  detached?: { stopData: boolean } | null
  resources?: Record<string, { word: string }>
  restarts?: unknown
}

function recordText(record: Recorded): string {
  const more = [
    record.claim && `claims ${record.claim.roleSequence}`,
    record.released && 'lease given up',
    record.handover && `handover ${record.handover.roleSequence}`,
    record.errorFlag && 'error flag',
    record.needToVerify !== 'No' && `verify ${record.needToVerify}`,
    !record.copyComplete && 'copy incomplete',
    record.safety === 'full' && 'safety FULL',
    !record.mirrorInSync && 'not in sync',
    record.selectedSequence === record.roleSequence && 'selected',
    record.detached && (record.detached.stopData ? 'detached, data stopped' : 'detached'),
    record.detachUnheard && 'not heard yet',
    ...Object.entries(record.resources ?? {}).map(([name, { word }]) => `${name} ${word}`),
    isRestarts(record.restarts) && `restarts ${record.restarts.done.length}`
  ]
  return [`${record.roleSequence} ${record.owner} ${record.desired}`, ...more.filter(Boolean)].join(', ')
}

const isRestarts = (kept: unknown): kept is KeptRestarts => kept !== undefined

function actionText(action: Action): string | null {
  switch (action.do) {
    case 'persist':
      return `persist ${Object.values(action.records).map(recordText).join('; ')}`
    // What is kept of it says nothing that is not told here.
    case 'history':
      return null
    case 'log':
      return `log ${action.level}: ${action.text}`
    case 'order':
      return `order ${action.attempt}.${action.task} ${describeOrder(action.order)}`
    case 'sendHandover':
      return `sendHandover role sequence ${action.roleSequence}`
    case 'sendWithdraw':
      return `sendWithdraw role sequence ${action.roleSequence}`
    case 'sendOutOfSync':
      return `sendOutOfSync sync sequence ${action.syncSequence}`
    case 'expose':
      return 'expose'
    case 'forget':
      return 'forget'
    case 'unlease':
      return 'unlease'
    case 'askReach':
    // What matters of them is in the log.
    case 'monitorNote':
    case 'exportUsage':
      return null
    case 'alarm':
      return `alarm ${action.event}: ${action.command}`
    case 'forward':
      return `forward ${action.command}`
    case 'reply':
      return action.outcome.ok && (action.outcome.result === null || isVote(action.outcome.result)) ? null : `reply ${replyText(action)}`
    case 'sendVote':
      return action.message.ask.do === 'propose' || action.message.ask.do === 'release' ? `sendVote ${action.to}: ${questionText(action.message)}` : null
    case 'lease':
    case 'sendState':
    case 'look':
      return null
  }
}

/** What it led to stands with whoever asked. */
const isVote = (result: unknown): boolean => typeof result === 'object' && result !== null && 'granted' in result

function replyText(action: Extract<Action, { do: 'reply' }>): string {
  if (!action.outcome.ok) return `${action.outcome.error.code}: ${action.outcome.error.message}`
  const result = action.outcome.result as Partial<Recorded> & { ticket?: string; steps?: string[] }
  if (result.steps) return result.steps.join(' · ') || 'nothing to do'
  return result.ticket ?? (result.roleSequence === undefined ? 'ok' : recordText(result as Recorded))
}
