import { judgeLicence, LICENCE_WARNING_DAYS, type LicenceFacts, type LicenceJudged } from '../model'
import { licenceReport } from '../report/licence'
import type { NodeView } from '../wire'
import type { Failure } from './event'
import type { State } from './state'
import { log, type Seeing, type Turn } from './turn'

/** It is said again when so many days are left. */
const TOLD_AT_DAYS = [LICENCE_WARNING_DAYS, 14, 7, 3, 2, 1]

const judged = ({ licence, wallMs }: State): LicenceJudged => judgeLicence(licence, wallMs)

export function licenceSeen(turn: Turn, facts: LicenceFacts): void {
  turn.state.licence = facts
}

/** After each step: a licence ends by the clock alone. */
export function tellLicence(turn: Turn): void {
  const { state } = turn
  if (state.licence === null) return
  const now = judged(state)
  const key = now.word === 'Valid' ? `Valid ${stageOf(now)}` : now.word
  if (state.licenceTold === key) return
  const text = textOf(state.node, now)
  // What is well from the start is no news.
  if (text !== null) log(turn, now.refuses ? 'error' : 'warning', text)
  else if (state.licenceTold !== null) log(turn, 'info', `The licence of ${state.node} is Valid${now.expires === null ? '' : ` until ${now.expires}`}`)
  state.licenceTold = key
}

const stageOf = ({ daysLeft }: LicenceJudged): number | null => (daysLeft === null ? null : (TOLD_AT_DAYS.findLast((days) => daysLeft <= days) ?? null))

function textOf(node: string, { word, expires, daysLeft, why, refuses }: LicenceJudged): string | null {
  if (word !== 'Valid') return `The licence of ${node} is ${word}: ${why}; ${refuses ? REFUSED : NOTHING_REFUSED}`
  if (daysLeft === null || daysLeft > LICENCE_WARNING_DAYS) return null
  return `The licence of ${node} ends on ${expires}, ${daysLeft === 1 ? 'today' : `in ${daysLeft - 1} days`}; hostid and license install FILE renew it, and nothing has to be stopped`
}

const NOTHING_REFUSED = 'nothing is refused for it'
const REFUSED = 'bringing jobs in there and changes of the configuration are refused; what runs goes on, and fails over as before'

export function licenceProblems(state: State): string[] {
  const text = textOf(state.node, judged(state))
  return text === null ? [] : [`${text.charAt(0).toLowerCase()}${text.slice(1)}`]
}

/** `state` is what a version that knew no other word takes. */
export function licenceView(state: State): NodeView['licence'] {
  const { word, expires, why } = judged(state)
  return { state: 'Valid', expires, ...(state.licence === null || (word === 'Valid' && expires === null) ? {} : { word, why }) }
}

/** Only what somebody types that brings more into service, or changes it: nothing that keeps a service going, or saves data, asks this. */
export function whyUnlicensed({ state }: Seeing, what: string): Failure | null {
  const { word, why, refuses } = judged(state)
  return refuses ? licenceReport('E_LICENSE_REQUIRED', { node: state.node, what, word, why: why ?? word }) : null
}
