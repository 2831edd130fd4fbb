import { monitorProblems } from './monitor/view'
import { waitText } from './alone'
import { licenceProblems } from './licence'
import { ENGINE_SILENT_MS, peerEngineIsSilent } from './heartbeat'
import { type Detached, hasQuorum } from '../model'
import { dataIsStopped, detachedNow, detachedText } from './detached'
import { whyNotInForce } from './modeChange'
import { isOfBefore } from './takeUp'
import { waitsForRedo } from './sync'
import { contradiction } from './ownership'
import { configOf, owns, type JobState, type State } from './state'
import { ageText, sizeText } from './words'

/** Nearly full: there is still time to do something about it. */
const NEARLY_FULL = 0.9

/** Plain sentences for what is not as it should be. */
export function problems(state: State): string[] {
  return [
    ...pairProblems(state),
    ...licenceProblems(state),
    ...monitorProblems(state),
    ...Object.values(state.jobs).flatMap((job) => [...jobProblems(state, job), ...jeopardyProblems(state, job), ...dataProblems(state, job)])
  ]
}

function pairProblems(state: State): string[] {
  const { node, peerNode, peer, heartbeat } = state
  const found: string[] = []
  if (state.peerAlive === 'lost' && heartbeat?.peerLeaving) found.push(`${peerNode} has shut down; ${node} is alone until it comes back`)
  else if (state.peerAlive === 'lost') found.push(`${node} hears ${peerNode} on no heartbeat link`)
  else if (state.peerAlive === 'unknown') found.push(`${node} has not heard ${peerNode} since it started`)
  else
    for (const link of heartbeat?.links ?? [])
      if (!link.up) found.push(`${node} does not hear ${peerNode} on link ${link.name} (${link.local} <-> ${link.remote})`)
  if (peerEngineIsSilent(state)) found.push(`${peerNode} lives, but its engine has been silent for more than ${ENGINE_SILENT_MS / 1000} s`)
  if (peer && peer.view.configHash !== state.configHash)
    found.push(`the configurations of ${node} and ${peerNode} differ: config apply FILE brings one to both`)
  if (!state.configAgreed && Object.values(state.config.jobs).some(({ mode }) => hasQuorum(mode)))
    found.push(`the configuration of ${node} is agreed by nobody: ${node} has no vote until ${peerNode} goes by the same one`)
  return found
}

function jobProblems(state: State, job: JobState): string[] {
  const found: string[] = []
  const { record } = job
  const detached = detachedNow(job)
  if (detached !== null && owns(state, job)) found.push(...detachedProblems(state, job, detached))
  if (job.note !== null) found.push(`${job.name} on ${state.node}: ${job.note}${waitText(state, job)}`)
  const contradicted = contradiction(state, job)
  if (contradicted !== null) found.push(`${contradicted}: one of them has lost its state, or has that of another pair`)
  if (record.errorFlag !== null && job.note !== `error flag: ${record.errorFlag}`)
    found.push(`${state.node} keeps an error flag for ${job.name}: ${record.errorFlag}`)
  if (record.needToVerify === 'Manually' && owns(state, job))
    found.push(`${job.name}: both copies may hold changes of their own (need to verify: Manually); selectsrc ${job.name} NODE says whose data is right`)
  const pending = whyNotInForce(state, job)
  if (pending !== null) found.push(`the mode ${configOf(state, job).mode} of ${job.name} is not in force yet: ${pending}`)
  if (owns(state, job)) found.push(...resourceProblems(state, job))
  for (const [name, path] of Object.entries(job.paths))
    if (path !== 'ok') found.push(`the network card of VIP ${name} of ${job.name} on ${state.node} has no link`)
  return found
}

function resourceProblems(state: State, job: JobState): string[] {
  return Object.entries(job.record.resources ?? {}).map(([name, { word, sinceMs, by }]) => {
    const broken = job.brokenApplications[name]
    const text = word === 'offline' ? 'it is not started' : broken === undefined ? 'its faults do not act' : `it has failed and stays so (${broken})`
    return `application ${name} of ${job.name} has been ${word} for ${ageText(state.wallMs - sinceMs)} (by ${by}): ${text}; resource ${job.name} ${name} online ends that`
  })
}

function detachedProblems(state: State, job: JobState, detached: Detached): string[] {
  const failed = Object.entries(job.failedApplications).map(
    ([name, why]) => `application ${name} of ${job.name} has failed on ${state.node} and stays so: ${why}`
  )
  const lost = job.dataLost === null ? [] : [`the data program of ${job.name} on ${state.node} is lost and stays so: ${job.dataLost}`]
  return [
    `${job.name} is ${detachedText(state, job, detached)}: no fault of it acts, and it does not fail over; bringin ${job.name} ends that`,
    ...failed,
    ...lost
  ]
}

/** The other causes have a sentence of their own. */
const jeopardyProblems = ({ wallMs }: State, { name, jeopardy }: JobState): string[] =>
  jeopardy
    .filter(({ cause }) => cause === 'oneLink' || cause === 'noWitness')
    .map(({ text, sinceMs }) => `${name} has been in jeopardy for ${ageText(wallMs - sinceMs)}: ${text}`)

function dataProblems(state: State, job: JobState): string[] {
  if (configOf(state, job).data === null) return []
  const found = owns(state, job) ? ownerProblems(state, job) : standbyProblems(state, job)
  const { data } = job
  if (data?.fault && !isOfBefore(job)) found.push(`the data of ${job.name} on ${state.node}: ${data.fault.message}`)
  return found
}

function standbyProblems(state: State, { name, record, data }: JobState): string[] {
  const found: string[] = []
  if (!record.copyComplete) found.push(`the copy of ${name} on ${state.node} is not complete: it cannot take over`)
  else if (!record.mirrorInSync) found.push(`the copy of ${name} on ${state.node} is not in sync: it does not take over by itself`)
  if (data?.role === 'target' && data.session.state === 'SUSPENDED')
    found.push(`the mirroring of ${name} is SUSPENDED on ${state.node}: ${whyOf(data.session.why)}`)
  return found
}

const whyOf = (why: string | null): string => why ?? 'no reason was given'

/** Only of a source that serves: what it says while it starts or stops is on its way. */
function ownerProblems(state: State, job: JobState): string[] {
  const { name, record, data } = job
  const { peerNode, wallMs } = state
  // What it says of the other side is said of what is not configured any more.
  if (isOfBefore(job)) return [pendingText(state, job)]
  if (data === null || job.phase !== 'online' || data.role !== 'source' || data.roleSequence !== record.roleSequence) return []
  const found: string[] = []
  const { exposure, exposedSinceMs } = data.session
  if (!record.mirrorInSync) found.push(`the copy of ${name} on ${peerNode} is not in sync: it does not take over by itself`)
  if (exposure === 'wanted') found.push(`applications of ${name} wait for ${peerNode}: it is not recorded yet that they may go on without it`)
  if (exposedSinceMs !== null)
    found.push(`${name} has been exposed for ${ageText(wallMs - exposedSinceMs)}: the mirror does not receive, a crash of ${state.node} would lose data`)
  return [...found, ...streamProblems(state, job, data), ...queueProblems(state, job, data)]
}

const pendingText = (state: State, job: JobState): string =>
  `the data program of ${job.name} on ${state.node} does not go by the newest configuration yet${dataIsStopped(job) ? `; bringin ${job.name} takes it up` : ''}`

type Data = NonNullable<JobState['data']>

function streamProblems(state: State, job: JobState, { connected, session }: Data): string[] {
  const { peerNode } = state
  const { name } = job
  if (session.state === 'SUSPENDED' && waitsForRedo(state, job))
    return [
      `the mirroring of ${name} is SUSPENDED: ${whyOf(session.why)}; in the mode high-protection what has to be durable waits until ${peerNode} has repaired it (transmit ${name} resume)`
    ]
  const goOn = dataIsStopped(job) ? `bringin ${name}` : `transmit ${name} resume`
  if (session.state === 'SUSPENDED') return [`the mirroring of ${name} is SUSPENDED: ${whyOf(session.why)}; ${goOn} goes on`]
  return connected ? [] : [`the data of ${name} is not connected to ${peerNode}${session.why === null ? '' : `: ${session.why}`}`]
}

function queueProblems(state: State, job: JobState, data: Data): string[] {
  const { name } = job
  const limits = configOf(state, job).data
  const found: string[] = []
  const nearlyFull = (what: string, bytes: number, max: number): unknown =>
    max > 0 && bytes > NEARLY_FULL * max && found.push(`the ${what} of ${name} is nearly full: ${sizeText(bytes)} of ${sizeText(max)}`)
  nearlyFull('page file', data.pagefileBytes ?? 0, limits?.pagefileBytes ?? 0)
  nearlyFull('redo queue', data.redoQueueBytes, limits?.redoQueueBytes ?? 0)
  if (data.connected) return found
  if (data.dirtyBytes === null) found.push(`what ${state.peerNode} lacks of ${name} is not known: everything will be compared`)
  else if (data.dirtyBytes > 0) found.push(`${sizeText(data.dirtyBytes)} of ${name} may differ on ${state.peerNode}`)
  return found
}
