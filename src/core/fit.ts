import { type Check, whyNot } from './check'
import { WATCHED, watchedChecks } from './detached'
import { rulesOf } from './quorum/rules'
import { modeIsUnsure } from './modeChange'
import { configOf, copyIsWhole, hasData, type JobState, type State } from './state'

/** A node with the error flag, or whose copy is not whole, never serves. */
export const serveChecks = (state: State, job: JobState): Check[] => [
  {
    name: 'error flag here',
    met: job.record.errorFlag === null,
    value: () => (job.record.errorFlag === null ? 'none' : 'set'),
    why: () => `error flag: ${job.record.errorFlag}`,
    by: 'self'
  },
  {
    name: 'copy here',
    met: copyIsWhole(state, job),
    value: () => (!hasData(state, job) ? 'no data' : job.record.copyComplete ? 'complete' : 'not complete'),
    why: () => `the copy on ${state.node} is not complete`,
    by: 'self'
  }
]

export const whyNotServe = (state: State, job: JobState): string | null => whyNot(serveChecks(state, job))

/** The job is the other node's, it should run, and this is a matter that the nodes decide by themselves. */
export function wantedChecks(state: State, job: JobState): Check[] {
  const { owner, desired } = job.record
  const rules = rulesOf(state, job)
  return [
    { name: 'owner', met: owner === state.peerNode, value: () => owner, why: () => `${owner} owns ${job.name}`, by: 'self' },
    { name: 'should run', met: desired === 'online', value: () => desired, why: () => `${job.name} was brought out`, by: 'self' },
    ...(rules === null ? [] : [automaticCheck(state, job, rules.automatic)])
  ]
}

/** A node that begins to serve does so by the configuration that is in force: it learns a newer one within a second. */
export function configCheck(state: State): Check {
  const { peer, configVersion, peerNode } = state
  const theirs = peer?.view.configAgreed === true && peer.view.configHash !== state.configHash ? (peer.view.configVersion ?? 0) : 0
  const old = (): string => `its configuration has version ${configVersion}, that of ${peerNode} version ${theirs}`
  return { name: 'configuration', met: theirs <= configVersion, value: () => `version ${configVersion}`, why: old, by: 'self' }
}

function modeChecks(state: State, job: JobState): Check[] {
  const why = (): string => `the mode of ${job.name} is being changed, and ${state.peerNode} may still go by the one before`
  return modeIsUnsure(state, job) ? [{ name: 'mode change', met: false, value: () => 'not confirmed', why, by: 'peer' }] : []
}

/** What a node must have to take over by itself; a job without data has nothing that could be missing. */
export const takeOverChecks = (state: State, job: JobState): Check[] => [
  configCheck(state),
  ...watchedChecks(state, job),
  ...modeChecks(state, job),
  ...fitChecks(state, job)
]

/** Of a job that the other node may have taken: to take it back is to take it over. */
export const whyNotTakeBack = (state: State, job: JobState): string | null =>
  whyNot([...serveChecks(state, job), ...modeChecks(state, job), modeCheck(state, job)])

const fitChecks = (state: State, job: JobState): Check[] =>
  hasData(state, job)
    ? [...serveChecks(state, job), needToVerifyCheck(job), modeCheck(state, job), safetyCheck(state, job), inSyncCheck(state, job)]
    : serveChecks(state, job)

/** `ifWatched`: what else there would be, if it were not detached. */
export const whyNotTakeOver = (state: State, job: JobState, ifWatched = false): string | null =>
  whyNot(takeOverChecks(state, job).filter(({ name }) => !ifWatched || name !== WATCHED))

/**
 * `Yes` means: the owner started from a folder that had not been watched all the time (it was unmounted, so anybody may have
 * changed it), and no full mirror has ended since. The standby's copy is whole, but it is not a copy of what is served now: to
 * take over with it would undo what was changed, without a word. So a standby waits for the mirror, although that means that a
 * death of the owner in these seconds is not survived by itself; the note says why, and the owner's node still has all of it.
 */
function needToVerifyCheck({ name, record: { needToVerify: word, owner } }: JobState): Check {
  const yes = `need to verify: Yes (no full mirror has ended since ${name} was started on ${owner})`
  return { name: 'need to verify', met: word === 'No', value: () => word, why: () => (word === 'Yes' ? yes : `need to verify: ${word}`), by: 'self' }
}

/** Product §6: by itself only where nothing that was acknowledged can be missing, or in the guide's mode, which says what may be. */
export function modeCheck(state: State, job: JobState): Check {
  const { mode } = configOf(state, job)
  return automaticCheck(state, job, mode === 'guide' || mode === 'high-availability')
}

function automaticCheck(state: State, job: JobState, met: boolean): Check {
  const { mode } = configOf(state, job)
  return { name: 'mode', met, value: () => mode, why: () => `the mode ${mode} knows no automatic failover`, by: 'self' }
}

function safetyCheck(state: State, job: JobState): Check {
  const { safety } = job.record
  const met = configOf(state, job).mode !== 'high-availability' || safety === 'full'
  return { name: 'safety', met, value: () => safety.toUpperCase(), why: () => 'safety is OFF', by: 'self' }
}

function inSyncCheck({ node }: State, { record }: JobState): Check {
  const why = (): string => `the copy on ${node} is not in sync: ${record.owner} acknowledged writes without it`
  return { name: 'recorded in sync', met: record.mirrorInSync, value: () => `${record.mirrorInSync ? 'yes' : 'no'} (${record.syncSequence})`, why, by: 'self' }
}
